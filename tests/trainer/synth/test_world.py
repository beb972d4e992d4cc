"""What a method works on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from characters.card import load_cast
from trainer.synth import cli
from trainer.synth.run import METHODS
from trainer.synth.world import World

CAST = load_cast()
# Some ask without the book; from notes nobody learns to speak: the whole book is searched.
LEARNED = [name for name in METHODS if name not in ("qa", "general", "notes")]
SMALL = {
    "qa": ("--repeats", "1", "--limit", "12"),
    "dialogue": (),
    "continue": ("--count", "3"),
    "questions": ("--count", "1"),
    "profile": (),
    "rolegpt": ("--limit", "10"),
    "context-instruct": ("--count", "2"),
    "ditto": ("--count", "2"),
    "general": ("--limit", "16"),
    "notes": ("--limit", "3"),
}
Words = Callable[..., list[str]]
Rows = Callable[[Path], list[dict[str, Any]]]


# --- qa --------------------------------------------------------------------------------------


# --- dialogue --------------------------------------------------------------------------------


# --- continue, questions ---------------------------------------------------------------------


# --- RoleLLM ---------------------------------------------------------------------------------


# --- ditto -----------------------------------------------------------------------------------


# --- general ---------------------------------------------------------------------------------


# --- the border ------------------------------------------------------------------------------


@pytest.mark.parametrize("method", LEARNED)
def test_held_out_chapters_are_never_shown_to_a_teacher(
    method: str, ask: Words, script: Any, sentence: Callable[..., str]
) -> None:
    cli.main(ask(method, *SMALL[method]))
    told = json.dumps(script.bodies, ensure_ascii=False)
    held_out = [sentence(f"3-{scene}{letter}") for scene in range(3) for letter in "abcdefg"]
    shown = [sentence(f"1-{scene}{letter}") for scene in range(3) for letter in "abcdefg"]
    assert not [text for text in held_out if text in told]
    assert method == "questions" or [text for text in shown if text in told]


def test_pairs_of_the_book_are_of_two_speakers_and_one_scene(folder: Path, rows_of: Rows) -> None:
    world = World(CAST, (CAST["wukong"],), ("zh",), 1, 4000, folder)
    scenes = {row["id"]: row for row in rows_of(folder / "scenes.jsonl")}
    pairs = world.pairs(CAST["wukong"])
    assert len(pairs) > 10
    for pair in pairs:
        assert pair.asker != "孙悟空"
        assert pair.answer
        texts = [turn["text"] for turn in scenes[pair.source.removeprefix("canon:")]["turns"]]
        assert pair.question in texts
        assert pair.answer in texts
