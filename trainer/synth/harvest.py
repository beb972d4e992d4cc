"""What a method brings in: rows with their provenance, and what was dropped and why."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from characters.card import Character
from characters.turn import Scene, Turn
from trainer.lessons import Lesson
from trainer.synth.ledger import Given, Ledger

Row = dict[str, Any]


@dataclass(slots=True)
class Harvest:
    """Rows in the order of their tasks, and the dropped ones, each with its `reason`."""

    rows: list[Row] = field(default_factory=list)
    dropped: list[Row] = field(default_factory=list)

    def drop(self, reason: str, **told: Any) -> None:
        """Note something that is not good enough to learn from."""
        self.dropped.append({"reason": reason, **told})

    def add(self, other: Harvest) -> None:
        """Take in what another brought."""
        self.rows += other.rows
        self.dropped += other.dropped

    def reasons(self) -> dict[str, int]:
        """How many were dropped, by reason (what follows a colon aside), most first."""
        counts = Counter(str(row["reason"]).split(":")[0] for row in self.dropped)
        return dict(counts.most_common())


@dataclass(frozen=True, slots=True)
class Task:
    """One piece of work: asks the teacher once or a few times. `key` names it, for its seed."""

    key: str
    run: Callable[[Ledger], Awaitable[Harvest]]


def seed_of(*parts: object) -> int:
    """A number of 31 bits that is the same for the same parts, on every machine."""
    digest = hashlib.sha256("\0".join(map(str, parts)).encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFFFFFF


def lesson_row(
    name: str,
    scene: Scene,
    speaker: Character,
    reply: str,
    provenance: Row,
) -> Row:
    """A lesson as `mrp train` reads it, with where it comes from."""
    return Lesson(
        id=name,
        source=provenance["method"],
        scene=scene,
        speaker=speaker,
        reply=reply,
        provenance=provenance,
    ).to_row()


def provenance(
    method: str,
    ledger: Ledger,
    seed: int,
    givens: Iterable[Given],
    sources: Sequence[str],
    **more: Any,
) -> Row:
    """Where a row comes from: method, teacher, hashes of its prompts, seed, sources."""
    return {
        "method": method,
        "teacher": ledger.teacher.name,
        "prompts": [given.key for given in givens],
        "seed": seed,
        "sources": list(sources),
        **more,
    }


def asked(person: str, text: str) -> Turn:
    """A person's turn."""
    return Turn(person, text, "human")
