"""What a method left in its folder, for its tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from trainer.synth.run import METHODS

LESSONS = [name for name, method in METHODS.items() if method.lessons]
Words = Callable[..., list[str]]
Rows = Callable[[Path], list[dict[str, Any]]]


def made(tmp_path: Path, method: str, rows_of: Rows) -> list[dict[str, Any]]:
    names = ("train.jsonl", "held_out.jsonl") if method in LESSONS else (f"{method}.jsonl",)
    return [row for name in names for row in rows_of(tmp_path / method / name)]


def dropped(tmp_path: Path, method: str, rows_of: Rows) -> list[dict[str, Any]]:
    return rows_of(tmp_path / method / "dropped.jsonl")
