"""A small world for the trainer's tests: a made-up novel, its scenes, a tiny recipe."""

import dataclasses
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trainer.recipe import Recipe, load_recipe

MINI = Path(__file__).resolve().parents[2] / "trainer" / "recipes" / "mini.toml"

NUMBERS = "一二三四五六七八九十"
WHO = ("孙悟空", "唐僧", "猪八戒", "沙僧")


def _turn(speaker: str, text: str, kind: str = "speech", confidence: float = 1.0) -> dict[str, Any]:
    return {
        "speaker": speaker,
        "addressee": "",
        "text": text,
        "kind": kind,
        "confidence": confidence,
        "start": 0,
        "end": len(text),
    }


@pytest.fixture(scope="session")
def turn() -> Callable[..., dict[str, Any]]:
    return _turn


@pytest.fixture(scope="session")
def write_scenes() -> Callable[[Path, dict[int, list[list[dict[str, Any]]]]], Path]:
    """Write scenes.jsonl as `mrp canon build` does: {chapter: [turns of each scene]}."""

    def write(folder: Path, chapters: dict[int, list[list[dict[str, Any]]]]) -> Path:
        file = folder / "scenes.jsonl"
        with file.open("w", encoding="utf-8") as lines:
            for chapter, scenes in chapters.items():
                for number, turns in enumerate(scenes, start=1):
                    row = {
                        "id": f"{chapter:03}-{number:03}",
                        "chapter": chapter,
                        "place": "",
                        "start": 0,
                        "end": 1,
                        "participants": sorted({t["speaker"] for t in turns} - {"", "?"}),
                        "turns": turns,
                    }
                    lines.write(json.dumps(row, ensure_ascii=False) + "\n")
        return file

    return write


@pytest.fixture(scope="session")
def scenes(tmp_path_factory, write_scenes) -> Path:
    """Ten chapters of two scenes; each line says in its text which chapter it is from."""
    chapters = {}
    for chapter in range(1, 11):
        mark = NUMBERS[chapter - 1]
        asked = [
            _turn("", f"师徒行至第{mark}座山。", "narration"),
            _turn("唐僧", f"悟空，第{mark}座山上可有妖怪？"),
            _turn("孙悟空", f"师父莫怕，第{mark}座山的妖怪，老孙去打。"),
            _turn("猪八戒", f"第{mark}座山好高，老猪走不动了，先歇一歇再走罢。"),
        ]
        met = [
            _turn("土地", f"大圣，小神是第{mark}座山的土地。"),
            _turn("孙悟空", f"第{mark}座山的土地，你"),
            _turn("", "行者喝道", "narration"),
            _turn("孙悟空", f"快说第{mark}座山的妖怪在哪里！"),
            _turn("?", f"第{mark}座山有人说话。", confidence=0.0),
            _turn("沙僧", f"二哥，第{mark}座山的担子我来挑。"),
            _turn("牛魔王", f"第{mark}座山是老牛的！"),
        ]
        chapters[chapter] = [asked, met]
    return write_scenes(tmp_path_factory.mktemp("canon"), chapters)


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    """The shipped recipe, with fewer lessons and chapters 3 and 7 held out."""
    made = load_recipe(MINI)
    return dataclasses.replace(
        made,
        data=dataclasses.replace(made.data, held_out=(3, 7)),
        lessons=dataclasses.replace(made.lessons, tokens=150_000),
    )


@pytest.fixture(scope="session")
def novel(tmp_path_factory) -> Path:
    """A novel of six chapters, made up by a seeded dice."""
    rng = random.Random(7)
    chapters = []
    for number in range(6):
        lines = [
            f"　　{rng.choice(WHO)}道：“{rng.choice(WHO)}，{rng.choice('山水风月')}中有"
            f"{rng.choice('妖怪神仙')}，{rng.choice(('快走', '莫慌', '且住', '好耍子'))}！”"
            for _ in range(16)
        ]
        chapters.append(f"第{NUMBERS[number]}回　山高路远\n\n" + "\n".join(lines))
    file = tmp_path_factory.mktemp("novel") / "novel.txt"
    file.write_text("\n\n".join(chapters) + "\n", encoding="utf-8")
    return file
