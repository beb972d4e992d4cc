"""A book's events in today's words and in English, chapter by chapter.

A file `NAME.events.tsv` beside a name table `NAME.toml`: chapter, tab, the event in today's
Chinese, tab, the event in English, and perhaps a tab and where it happens: a few words that stand
there in the book, or its first words, …, and its last. `mrp canon notes` lets a model write the
same as JSON lines. They help a search to find a passage that shares no word with the question;
they are never shown.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from canon.error import BadNameTable


@dataclass(frozen=True)
class Event:
    """One thing that happens in a chapter.

    where: words of the book at the place, or the first and last words of a stretch with … between
    them; "" when only the chapter is known.
    """

    chapter: int
    told: str
    english: str
    where: str = ""


def read_events(path: Path) -> tuple[Event, ...]:
    """Read an events file, `.tsv` or `.jsonl`. Raises BadNameTable with the line that is wrong."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise BadNameTable(f"cannot read the events {path}: {problem}") from None
    read = _from_json if path.suffix == ".jsonl" else _from_cells
    events = []
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.startswith("#"):
            event = read(line)
            if event is None:
                raise BadNameTable(
                    f"{path}, line {number}: expected chapter, event, English event and perhaps "
                    "words of the place" + ("" if path.suffix == ".jsonl" else ", between tabs")
                )
            events.append(event)
    return tuple(events)


def _from_cells(line: str) -> Event | None:
    cells = [cell.strip() for cell in line.split("\t")]
    if len(cells) not in (3, 4) or not cells[0].isdecimal() or not (cells[1] or cells[2]):
        return None
    return Event(int(cells[0]), *cells[1:])


def _from_json(line: str) -> Event | None:
    try:
        row = json.loads(line)
        texts = [row.get(key, "") for key in ("told", "english", "where")]
        chapter = row["chapter"]
    except (ValueError, KeyError, AttributeError, RecursionError):
        return None
    if not isinstance(chapter, int) or not all(isinstance(text, str) for text in texts):
        return None
    return Event(chapter, *texts) if texts[0] or texts[1] else None
