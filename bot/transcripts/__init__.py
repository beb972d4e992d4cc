"""A scene as a file to share: what was said aloud, who said it, and where.

    told = Transcript("月下荒庙", "zh", entries, cast)
    files = {"markdown": markdown.write, "html": page.write, "jsonl": jsonl.write}

Only what everybody in the room could read is in it: no whispers, no facts, no notes. Text of people
and models stays text in every format.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from characters.card import Character, Language
from characters.turn import Side

Format = Literal["markdown", "html", "jsonl", "lessons"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing said: by whom as shown, in which words, when (seconds since 1970; 0: unknown).
    `character` is the id of a character that spoke. `heard` are the ids of those who were there."""

    name: str
    text: str
    side: Side = "human"
    at: float = 0.0
    character: str = ""
    heard: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Transcript:
    """A scene: its title, its language, what was said, and the characters that are in it.

    `faces` are PNG pictures by character's id. `place` and `mood` are the scene's.
    """

    title: str
    language: Language
    entries: tuple[Entry, ...]
    cast: tuple[Character, ...] = ()
    place: str = ""
    mood: str = ""
    faces: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def people(self) -> tuple[str, ...]:
        """Shown names of the people who spoke, in the order they came."""
        return tuple(dict.fromkeys(e.name for e in self.entries if e.side == "human"))

    def member(self, character_id: str) -> Character | None:
        return next((c for c in self.cast if c.id == character_id), None)


def day(at: float) -> str:
    """A time as ISO 8601, UTC; "" where it is unknown."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) if at else ""
