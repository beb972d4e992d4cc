"""CoSER's training rows: ShareGPT with a character's details, several speakers in a user message.

{"conversations": [{"from": "system|user|assistant", "value": "…"}],
 "details": {"book_name", "plot_index", "plot", "character"}}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from trainer.synth.error import FormatError
from trainer.synth.formats import chat
from trainer.synth.formats.dialogue import Dialogue, Utterance, with_names
from trainer.synth.formats.rows import read_rows, rest, write_lines

_START = "===Conversation Start===\n\n"


def read(path: Path) -> Iterator[Dialogue]:
    """All rows; the lines of a user message that begin with names are lines here. FormatError."""
    for where, row in read_rows(path):
        details = row.get("details", {})
        if not isinstance(details, dict):
            raise FormatError(f"{where}: details: must be an object")
        one = chat.dialogue(row, where, chat.COSER)
        lines = [
            Utterance(line.name, line.text.removeprefix(_START), line.own) for line in one.lines
        ]
        lines = [line for line in lines if line.text != _START.strip()]
        role = str(details.get("character", ""))
        yield with_names(Dialogue(tuple(lines), role, one.system, one.extra))


def write(path: Path, dialogues: Iterable[Dialogue]) -> int:
    """Write rows. Returns how many."""
    return write_lines(path, (_row(one) for one in dialogues))


def _row(one: Dialogue) -> dict[str, Any]:
    turns = [{"from": "system", "value": one.system}] if one.system else []
    asked: list[str] = []
    started = False
    # A last message of others has nobody to answer it: the row ends with the character.
    for line in one.lines:
        if not line.own:
            asked.append(f"{line.name}: {line.text}" if line.name else line.text)
            continue
        if asked or not started:
            start = "" if started else _START
            turns.append({"from": "user", "value": (start + "\n\n".join(asked)).strip()})
            asked, started = [], True
            turns.append({"from": "assistant", "value": line.text})
        else:
            turns[-1]["value"] += f"\n{line.text}"
    details = {"character": one.role} | dict(one.extra.get("details", {}))
    return {"conversations": turns, "details": details, **rest(one.extra, "details")}
