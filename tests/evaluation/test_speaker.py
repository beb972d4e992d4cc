"""The speaker measure on a script of our own and an engine that can be told whom to prefer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from characters.card import load_cast
from characters.script import ScriptError
from characters.style import Serving
from engine.echo import EchoEngine
from evaluation import speaker
from evaluation.speaker import CharacterNgrams, LeadLine

CAST = load_cast()


def row(chapter: int, *lines: tuple[str, str]) -> dict[str, object]:
    turns = [
        {
            "speaker": name,
            "addressee": "",
            "text": text,
            "kind": "speech",
            "confidence": 0.97,
            "start": 0,
            "end": 0,
        }
        for name, text in lines
    ]
    return {"id": f"{chapter:03}-001", "chapter": chapter, "place": "", "turns": turns}


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    file = tmp_path / "scenes.jsonl"
    rows = [
        row(1, ("孙悟空", "老孙来也！"), ("猪八戒", "老猪饿了。"), ("唐僧", "贫僧不饿。")),
        row(2, ("孙悟空", "老孙去也！"), ("沙僧", "大哥慢走。"), ("土地", "小神叩头。")),
        row(5, ("孙悟空", "看老孙的！"), ("土地", "大圣饶命。"), ("猪八戒", "老猪也来。")),
    ]
    file.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
    return file


class Partial(EchoEngine):
    """Finds everything likelier that begins with one name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    async def score(
        self,
        tokens: Sequence[int],
        continuations: Sequence[Sequence[int]],
        *,
        room: str = "",
        person: str = "",
        waiting: bool = True,
    ) -> list[float]:
        return [float(self.name in self.decode(one)) for one in continuations]


def test_only_lines_of_the_leads_in_held_out_chapters_are_asked(scenes: Path) -> None:
    lines = speaker.lines_of(scenes, CAST, [5])
    assert [(line.speaker, line.text) for line in lines] == [
        ("wukong", "看老孙的！"),
        ("bajie", "老猪也来。"),
    ]
    assert [turn.text for turn in lines[1].before] == ["看老孙的！", "大圣饶命。"]


async def test_the_models_preference_decides(scenes: Path) -> None:
    for name, right in (("孙悟空：", 0.5), ("猪八戒：", 0.5), ("沙僧：", 0.0)):
        result = await speaker.measure(Partial(name), Serving(), CAST, scenes, [5])
        assert result["accuracy"] == right
        assert result["n"] == 2


async def test_a_sample_of_the_lines_is_spread_over_them(scenes: Path) -> None:
    result = await speaker.measure(Partial("孙悟空："), Serving(), CAST, scenes, [2, 5], most=3)
    assert result["n"] == 3
    interval: Any = result["interval"]
    low, high = interval
    assert low <= result["accuracy"] <= high


async def test_the_majority_comes_from_the_training_chapters(scenes: Path) -> None:
    result = await speaker.measure(Partial("沙僧："), Serving(), CAST, scenes, [5])
    assert result["majority"] == 0.5  # 悟空 says most in chapters 1 and 2


def test_ngrams_know_a_self_reference() -> None:
    ngrams = CharacterNgrams(
        [LeadLine("wukong", "老孙来也", ()), LeadLine("bajie", "老猪饿了", ())] * 3
        + [LeadLine("wukong", "走罢", ())],
        prior=1.0,
    )
    assert ngrams.pick("老猪也饿") == "bajie"
    assert ngrams.pick("老孙在此") == "wukong"


def test_a_missing_canon_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="mrp canon build"):
        speaker.lines_of(tmp_path / "scenes.jsonl", CAST, [1])
