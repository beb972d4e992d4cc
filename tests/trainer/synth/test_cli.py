"""What is said of bad options."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trainer.synth import cli
from trainer.synth.error import OptionError

Words = Callable[..., list[str]]


# --- qa --------------------------------------------------------------------------------------


# --- dialogue --------------------------------------------------------------------------------


# --- continue, questions ---------------------------------------------------------------------


# --- RoleLLM ---------------------------------------------------------------------------------


# --- ditto -----------------------------------------------------------------------------------


# --- general ---------------------------------------------------------------------------------


# --- the border ------------------------------------------------------------------------------


def test_the_book_is_asked_for_where_it_is_needed(script: Any, tmp_path: Path) -> None:
    words = ["dialogue", "-o", str(tmp_path / "x"), "--model", "m", "--url", script.url]
    with pytest.raises(OptionError, match="--canon"):
        cli.main(words)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--languages", "fr"), "--languages"),
        (("--leave-out", "x"), "--leave-out"),
        (("--limit", "0"), "--limit"),
        (("--questions", "/nowhere/q.txt"), "cannot be read"),
    ],
)
def test_a_choice_that_cannot_be_followed_is_said_so(
    more: tuple[str, ...], told: str, ask: Words
) -> None:
    with pytest.raises(OptionError, match=told):
        cli.main(ask("qa", *more))


def test_a_folder_of_somebody_else_is_left_alone(ask: Words, tmp_path: Path) -> None:
    (tmp_path / "qa").mkdir()
    (tmp_path / "qa" / "train.jsonl").write_text("precious", "utf-8")
    with pytest.raises(OptionError, match="choose another"):
        cli.main(ask("qa"))
    assert (tmp_path / "qa" / "train.jsonl").read_text("utf-8") == "precious"
