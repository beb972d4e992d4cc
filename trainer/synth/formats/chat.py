"""Conversations with a role on each message: ShareGPT's, and the `messages` of chat APIs.

{"conversations": [{"from": "human", "value": "…"}, {"from": "gpt", "value": "…"}], "system": "…"}
{"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.synth.error import FormatError
from trainer.synth.formats.dialogue import Dialogue, Utterance, exchanges
from trainer.synth.formats.rows import objects_of, read_rows, rest, text_of, write_lines

_OWN = frozenset({"gpt", "assistant", "chatgpt", "model", "bot"})
_OTHERS = frozenset({"human", "user"})


@dataclass(frozen=True, slots=True)
class Keys:
    """How a dialect names things."""

    turns: str
    who: str
    what: str
    other: str
    own: str


SHAREGPT = Keys("conversations", "from", "value", "human", "gpt")
MESSAGES = Keys("messages", "role", "content", "user", "assistant")
COSER = Keys("conversations", "from", "value", "user", "assistant")


def read(path: Path, keys: Keys) -> Iterator[Dialogue]:
    """All conversations. Raises FormatError."""
    for where, row in read_rows(path):
        yield dialogue(row, where, keys)


def dialogue(row: dict[str, Any], where: str, keys: Keys) -> Dialogue:
    """One conversation. Raises FormatError."""
    # A system text may stand beside the turns (ShareGPT) or be the first of them.
    systems = [text_of(row, "system", where)] if keys is SHAREGPT and "system" in row else []
    lines: list[Utterance] = []
    for turn in objects_of(row, keys.turns, where):
        who = text_of(turn, keys.who, where)
        text = text_of(turn, keys.what, where).strip()
        name = text_of(turn, "name", where, "")
        if who == "system":
            systems.append(text)
        elif who not in _OWN | _OTHERS:
            raise FormatError(f"{where}: {keys.who}: {who!r} is nobody we know")
        elif text:
            lines.append(Utterance(name, text, own=who in _OWN))
    known = (keys.turns, "system") if keys is SHAREGPT else (keys.turns,)
    return Dialogue(tuple(lines), "", "\n".join(systems), rest(row, *known))


def write(path: Path, dialogues: Iterable[Dialogue], keys: Keys) -> int:
    """Write conversations. Returns how many."""
    return write_lines(path, (row(one, keys) for one in dialogues))


def row(one: Dialogue, keys: Keys) -> dict[str, Any]:
    """One conversation in a dialect."""
    turns: list[dict[str, str]] = []
    system: dict[str, str] = {}
    if one.system and keys is SHAREGPT:
        system = {"system": one.system}
    elif one.system:
        turns.append({keys.who: "system", keys.what: one.system})
    for asked, answered in exchanges(one.lines):
        turns += [{keys.who: keys.other, keys.what: asked}] if asked else []
        turns += [{keys.who: keys.own, keys.what: answered}] if answered else []
    return {keys.turns: turns, **system, **one.extra}
