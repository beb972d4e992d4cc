"""Profiles."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trainer.synth import cli
from trainer.synth.run import METHODS

LESSONS = [name for name, method in METHODS.items() if method.lessons]
Words = Callable[..., list[str]]
Rows = Callable[[Path], list[dict[str, Any]]]


def made(tmp_path: Path, method: str, rows_of: Rows) -> list[dict[str, Any]]:
    names = ("train.jsonl", "held_out.jsonl") if method in LESSONS else (f"{method}.jsonl",)
    return [row for name in names for row in rows_of(tmp_path / method / name)]


def dropped(tmp_path: Path, method: str, rows_of: Rows) -> list[dict[str, Any]]:
    return rows_of(tmp_path / method / "dropped.jsonl")


# --- qa --------------------------------------------------------------------------------------


# --- dialogue --------------------------------------------------------------------------------


# --- continue, questions ---------------------------------------------------------------------


# --- RoleLLM ---------------------------------------------------------------------------------


# --- ditto -----------------------------------------------------------------------------------


# --- general ---------------------------------------------------------------------------------


# --- the border ------------------------------------------------------------------------------


def test_a_catchphrase_must_stand_in_card_or_book(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows
) -> None:
    answer = {"description": "天生石猴，性急胆大。", "catchphrases": ["有老孙在此", "俺老孙来也"]}
    script.answer = lambda body: json.dumps(answer)
    cli.main(ask("profile", "--characters", "wukong", "--languages", "zh"))
    (row,) = made(tmp_path, "profile", rows_of)
    assert row["catchphrases"] == ["有老孙在此"]
    (one,) = dropped(tmp_path, "profile", rows_of)
    assert (one["reason"], one["phrase"]) == ("catchphrase not in card or book", "俺老孙来也")
