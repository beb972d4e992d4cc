"""An English book end to end: built, searched, cut into scenes, made into lessons, talked about."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from bot.grounding import passages
from bot.voice import Voice
from canon import Canon, build, read_book, table_of
from characters.card import Cast, load_cast
from characters.prompt import Style, Tail
from characters.style import Serving
from characters.turn import Scene, Turn
from engine.echo import EchoEngine
from tests.canon.english.gold import FOLDER
from trainer.canon_lessons import canon_lessons

CARD = """
id = "{id}"
[name]
zh = "{name}"
en = "{name}"
[brief]
zh = "{brief}"
en = "{brief}"
[persona]
zh = "{brief}"
en = "{brief}"
[style]
zh = "Short sentences."
en = "Short sentences."
[greeting]
zh = ["Good evening."]
en = ["Good evening."]
[refusal]
zh = ["No."]
en = ["No."]
"""
PEOPLE = {
    "hester": ("Hester", "She keeps the lamps of Cobble Lane."),
    "pip": ("Pip", "The boy who carries her ladder."),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("lamps") / "canon"
    book = read_book(FOLDER / "lamps.txt")
    build(book, table_of(book), made)
    return made


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Cast:
    cards = tmp_path_factory.mktemp("cards")
    for id_, (name, brief) in PEOPLE.items():
        (cards / f"{id_}.toml").write_text(CARD.format(id=id_, name=name, brief=brief))
    return load_cast(cards)


def test_the_commands_build_and_list(tmp_path: Path) -> None:
    command = "canon build --json"
    built = subprocess.run(
        [sys.executable, "-m", "mrp", *command.split(), FOLDER / "lamps.txt", "-o", tmp_path / "c"],
        capture_output=True,
        text=True,
        check=True,
    )
    counts = json.loads(built.stdout.splitlines()[-1])
    assert counts["sections"] == 2
    assert counts["quotes"] == 64
    assert counts["undecided"] <= 6


def test_scenes_are_scenes_and_not_bits(folder: Path) -> None:
    rows = [json.loads(line) for line in (folder / "scenes.jsonl").read_text().splitlines()]
    assert 2 <= len(rows) <= 4
    assert all(len(row["turns"]) > 10 for row in rows)
    told = [t["text"] for row in rows for t in row["turns"] if t["kind"] == "narration"]
    # A tag alone is nothing that is told; what is done is.
    assert not any(text.startswith(("said Hester", "said Pip", "he answered")) for text in told)
    assert any("set down her oil-can" in text for text in told)


def test_names_and_search(folder: Path) -> None:
    canon = Canon.open(folder)
    assert {"Hester", "Pip", "Tallow", "Ferris"} <= set(canon.present(2)) | set(canon.present(1))
    first = canon.search("What does Pip's gran sell?", character="Pip", k=1).passages[0]
    assert "ribbons" in first.text


def test_lessons_are_in_english_and_by_the_cards(folder: Path, cast: Cast) -> None:
    made = canon_lessons(folder / "scenes.jsonl", (1, 2), cast, random.Random(1))
    assert made
    assert {lesson.speaker.id for lesson in made} <= {"hester", "pip"}
    assert {lesson.scene.language for lesson in made} == {"en"}
    replies = [lesson.reply for lesson in made]
    # Pieces of one speech are one line, with a blank between.
    assert any(". " in reply for reply in replies)
    assert not any("。" in reply for reply in replies)


def test_a_talk_has_the_book_before_it(folder: Path, cast: Cast) -> None:
    heard: list[str] = []

    def answer(prompt: str) -> str:
        heard.append(prompt)
        return "Ribbons, miss."

    voice = Voice(EchoEngine(answer, context=4096), Serving(Style(cue=True)))
    speaker = cast["pip"]
    scene = Scene((speaker,), (Turn("Tom", "What does your gran sell, Pip?"),), language="en")
    found = passages(
        Canon.open(folder), scene, speaker, chapter=0, context=voice.context, length=voice.length
    )

    async def talk() -> str:
        read = voice.read(scene, speaker, Tail(tuple(passage.text for passage in found)))
        reply = voice.begin(read, voice.sampling(scene, speaker, 1), room="r", person="p")
        return "".join([piece async for piece in reply])

    assert asyncio.run(talk()) == "Ribbons, miss."
    assert "sells ribbons" in heard[0]
    assert heard[0].index("From the book:") < heard[0].index("sells ribbons")
