"""A run of any method."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from characters.card import load_cast
from characters.prompt import Style
from trainer import lessons
from trainer.synth import cli
from trainer.synth.run import METHODS

CAST = load_cast()
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
LESSONS = [name for name, method in METHODS.items() if method.lessons]
Words = Callable[..., list[str]]
Rows = Callable[[Path], list[dict[str, Any]]]


def made(tmp_path: Path, method: str, rows_of: Rows) -> list[dict[str, Any]]:
    names = ("train.jsonl", "held_out.jsonl") if method in LESSONS else (f"{method}.jsonl",)
    return [row for name in names for row in rows_of(tmp_path / method / name)]


# --- qa --------------------------------------------------------------------------------------


# --- dialogue --------------------------------------------------------------------------------


# --- continue, questions ---------------------------------------------------------------------


# --- RoleLLM ---------------------------------------------------------------------------------


# --- ditto -----------------------------------------------------------------------------------


# --- general ---------------------------------------------------------------------------------


# --- the border ------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_a_run_brings_rows_with_provenance_and_asks_nothing_twice(
    method: str, ask: Words, script: Any, tmp_path: Path, rows_of: Rows, capsys: Any
) -> None:
    words = ask(method, *SMALL[method])
    assert cli.main(words) == 0
    card = json.loads(capsys.readouterr().out.splitlines()[-1])
    rows = made(tmp_path, method, rows_of)
    assert rows
    assert card["rows"] == len(rows)
    assert card["calls"]["asked"] == len(script.answered)
    assert card["calls"]["read"] == 100 * len(script.answered)
    for row in rows:
        told = row["provenance"]
        assert told["method"] == method
        assert told["teacher"] == "scripted@127.0.0.1"
        assert told["prompts"]
        assert all(re.fullmatch("[0-9a-f]{64}", key) for key in told["prompts"])
        assert isinstance(told["seed"], int)
        assert told["sources"]
    files = sorted((tmp_path / method).iterdir())
    before = {file.name: file.read_bytes() for file in files if file.name != "card.json"}
    asked = len(script.bodies)
    assert cli.main(words) == 0
    again = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert len(script.bodies) == asked, "a kept answer was paid for again"
    assert again["calls"]["asked"] == 0
    assert {name: (tmp_path / method / name).read_bytes() for name in before} == before


@pytest.mark.parametrize("method", LESSONS)
def test_rows_are_lessons_that_render(
    method: str, ask: Words, tmp_path: Path, rows_of: Rows
) -> None:
    cli.main(ask(method, *SMALL[method]))
    found = [
        one for split in lessons.SPLITS for one in lessons.load(tmp_path / method, split, CAST)
    ]
    assert len(found) == len(made(tmp_path, method, rows_of))
    for one in found:
        spans = one.spans(Style(cards="brief"))
        assert "".join(span.text for span in spans if span.learned).count(one.reply) == 1
        assert one.scene.turns, "somebody speaks before"
        assert one.scene.turns[-1].speaker != one.speaker.id, "nobody answers himself"
        assert one.reply.strip()


@pytest.mark.parametrize("method", METHODS)
def test_a_dry_run_counts_as_many_calls_and_asks_none(
    method: str, ask: Words, script: Any, tmp_path: Path, capsys: Any
) -> None:
    words = ask(method, *SMALL[method])
    assert cli.main([*words, "--dry-run", "--price-in", "1000"]) == 0
    rehearsed = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert not script.bodies
    assert list(tmp_path.iterdir()) == []
    cli.main(words)
    real = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert rehearsed["calls"]["asked"] == real["calls"]["asked"] > 0
    assert rehearsed["cost"] > 0
