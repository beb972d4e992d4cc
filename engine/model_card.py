"""The card beside a model file (`NAME.card.json`): its checksum, and settings that fit it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from engine.header import parts_of
from engine.sequence import ModelError


def read_card(path: Path) -> dict[str, Any]:
    """The card of a model file; empty where there is none or it is no JSON object."""
    try:
        told = json.loads(path.with_suffix(".card.json").read_text("utf-8"))
    except (OSError, ValueError, RecursionError):  # RecursionError: nested without end
        return {}
    return told if isinstance(told, dict) else {}


def check_card(path: Path) -> None:
    """Compare a model with the SHA-256 of its card, if it has one: of all its parts in order, where
    it was split.

    Raises:
        ModelError: the file is not the one that its card describes.
    """
    expected = read_card(path).get("sha256")
    if expected and path.is_file():
        digest = hashlib.sha256()
        for part in parts_of(path):
            with part.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        if digest.hexdigest() != expected:
            raise ModelError(f"{path} is not the file its card describes; fetch or make it again")


def fitted(path: Path) -> dict[str, float]:
    """What `mrp fit --write` put under "engine" into the model's card: context, replies, vram."""
    try:
        told = read_card(path).get("engine", {})
        return {
            name: float(told[name])
            for name in ("context", "replies", "vram")
            if float(told.get(name) or 0) > 0
        }
    except (ValueError, TypeError, AttributeError):
        return {}
