"""A transcript as lessons to train on: the records that `mrp tune` and `mrp train` read.

People are letters (甲, 乙… or A, B…), in their lines and wherever they are spoken of. Whoever takes
a transcript as lessons has asked everybody in it before (`bot.room.orders.sharing` does).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.pseudonyms import letter, replacer
from bot.transcripts import Entry, Transcript
from characters.turn import GUEST

LOOK_BACK = 40  # turns before a reply
SOURCE = "chat"


def write(told: Transcript) -> bytes:
    """The file, UTF-8, a lesson a line: `train.jsonl` of a folder of lessons.

    Where all on stage heard everything, one lesson learns all lines; else each reply is one, with
    what its speaker had heard.
    """
    letters = {name: letter(n, told.language) for n, name in enumerate(told.people)}
    bare = replacer({**{name.removesuffix(GUEST): one for name, one in letters.items()}, **letters})
    known = {c.id for c in told.cast}
    spoken = [
        entry for entry in told.entries if entry.side != "character" or entry.character in known
    ]
    rows = [_row(told, piece, letters, bare) for piece in _cut(spoken)]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


@dataclass(frozen=True, slots=True)
class _Piece:
    """What one lesson is made of: turns, of which those before `since` are only read, a reply."""

    turns: list[Entry]
    reply: Entry
    learn: str
    since: int = 0


def _cut(entries: list[Entry]) -> Iterator[_Piece]:
    replies = [n for n, entry in enumerate(entries) if entry.side == "character"]
    if len({entry.heard for entry in entries}) > 1:
        for end in replies:
            speaker = entries[end].character
            before = [e for e in entries[:end] if speaker in e.heard or e.character == speaker]
            yield _Piece(before[-LOOK_BACK:], entries[end], "reply")
        return
    start = 0
    while rest := [n for n in replies if n >= start]:
        within = [n for n in rest if n < start + LOOK_BACK]
        end = within[-1] if within else rest[0]
        first = max(0, start - LOOK_BACK // 2, end - 2 * LOOK_BACK)
        since = max(0, start - first)
        yield _Piece(entries[first:end], entries[end], "all", since)
        start = end + 1


def _row(
    told: Transcript, piece: _Piece, letters: Mapping[str, str], bare: Callable[[str], str]
) -> dict[str, Any]:
    def said(entry: Entry) -> dict[str, str]:
        speaker = letters.get(entry.name, "") if entry.side == "human" else entry.character
        return {"side": entry.side, "speaker": speaker, "text": bare(entry.text)}

    reply = piece.reply
    there = {e.character for e in (*piece.turns, reply) if e.character} | reply.heard
    row: dict[str, Any] = {
        "source": SOURCE,
        "language": told.language,
        "cast": [c.id for c in told.cast if c.id in there],
        "place": bare("；".join(filter(None, (told.place, told.mood)))),
        "turns": [said(entry) for entry in piece.turns],
        "passages": [],
        "memory": [],
        "speaker": reply.character,
        "reply": bare(reply.text),
        "learn": piece.learn,
    }
    if piece.since:
        row["since"] = piece.since
    digest = hashlib.sha256(json.dumps(row, ensure_ascii=False).encode()).hexdigest()
    return {"id": f"{SOURCE}-{digest[:16]}", **row}
