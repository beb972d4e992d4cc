"""SocialBench's items: a dialogue, an instruction, choices A to H, the right ones, and a profile.

{"dialogue": [{"from", "value"}], "instruction", "choices": {"A": "…"}, "label": ["A"],
 "meta": {"name", "profile": {…}, "category", …}}

Where the choices are replies (self-awareness, social preference) and one is right, it is the last
line here; elsewhere choices name feelings or causes, and nothing is added.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from trainer.synth.error import FormatError
from trainer.synth.formats.dialogue import Dialogue, Utterance
from trainer.synth.formats.rows import objects_of, read_rows, rest, text_of, write_lines

_REPLIES = ("-SA-", "-SAP-")


def read(path: Path) -> Iterator[Dialogue]:
    """All items; the role's profile is the system text. Raises FormatError."""
    for where, row in read_rows(path):
        meta = row.get("meta")
        if not isinstance(meta, dict):
            raise FormatError(f"{where}: meta: must be an object")
        role = text_of(meta, "name", where)
        profile = meta.get("profile")
        system = str(profile.get(role, "")) if isinstance(profile, dict) else ""
        lines = [
            Utterance(text_of(turn, "from", where), text_of(turn, "value", where))
            for turn in objects_of(row, "dialogue", where)
        ]
        lines = [Utterance(line.name, line.text, own=line.name == role) for line in lines]
        right = _right(row)
        if right and not (lines and lines[-1].own):
            lines.append(Utterance(role, right, own=True))
        yield Dialogue(tuple(lines), role, system, rest(row, "dialogue"))


def write(path: Path, dialogues: Iterable[Dialogue]) -> int:
    """Write items; of dialogues that are not from this benchmark, without choices."""
    return write_lines(path, (_row(one) for one in dialogues))


def _row(one: Dialogue) -> dict[str, Any]:
    lines = list(one.lines)
    right = _right(one.extra)
    if right and lines and lines[-1].own and lines[-1].text == right:
        lines.pop()
    turns = [
        {"from": line.name or (one.role if line.own else "user"), "value": line.text}
        for line in lines
    ]
    profile = {one.role: one.system} if one.system else {}
    empty: dict[str, Any] = {
        "instruction": "",
        "choices": {},
        "label": [],
        "meta": {"name": one.role, "profile": profile},
    }
    return {"dialogue": turns, **empty, **one.extra}


def _right(row: Mapping[str, Any]) -> str:
    """The one right reply of an item whose choices are replies; else ""."""
    meta, label, choices = row.get("meta"), row.get("label"), row.get("choices")
    if not isinstance(meta, dict) or not isinstance(label, list) or not isinstance(choices, dict):
        return ""
    if len(label) != 1 or not any(mark in str(meta.get("category", "")) for mark in _REPLIES):
        return ""
    return str(choices.get(str(label[0]), "")).strip()
