"""A book's events in today's words and in English, chapter by chapter.

A file `NAME.events.tsv` beside a name table `NAME.toml`: chapter, tab, the event in today's
Chinese, tab, the event in English. They help a search to find a passage that shares no word
with the question; they are never shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from canon.error import BadNameTable


@dataclass(frozen=True)
class Event:
    """One thing that happens in a chapter."""

    chapter: int
    told: str
    english: str


def read_events(path: Path) -> tuple[Event, ...]:
    """Read an events file. Raises BadNameTable with the line that is wrong."""
    events = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = line.split("\t")
        if len(cells) != 3 or not cells[0].isdecimal():
            raise BadNameTable(f"{path}, line {number}: expected chapter, event, English event")
        events.append(Event(int(cells[0]), cells[1], cells[2]))
    return tuple(events)
