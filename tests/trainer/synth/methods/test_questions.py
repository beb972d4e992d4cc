"""New questions."""

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


def test_new_questions_are_unlike_the_old_ones_and_feed_other_methods(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows, usual: Callable[..., str]
) -> None:
    def answer(body: dict[str, Any]) -> str:
        value = json.loads(usual(body))
        value["questions"][0] = "早上好，昨晚睡得怎么样呀？"
        return json.dumps(value)

    script.answer = answer
    cli.main(ask("questions", "--count", "1", "--languages", "zh"))
    rows = made(tmp_path, "questions", rows_of)
    assert len(rows) == 2 * 9
    assert {r["reason"] for r in dropped(tmp_path, "questions", rows_of)} == {"near duplicate"}
    script.answer = usual
    file = tmp_path / "questions" / "questions.jsonl"
    cli.main(ask("qa", "--questions", str(file), "--repeats", "1"))
    asked = {(row["speaker"], row["turns"][0]["text"]) for row in made(tmp_path, "qa", rows_of)}
    assert asked == {(row["character"], row["question"]) for row in rows}
