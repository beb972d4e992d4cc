"""A dialogue as other projects keep it: lines, whose voice is taught, and all else they note."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

# A name before a colon: short, and no sentence.
_HAN_NAME = r"[^\s：:，。！？,.!?「」“”\"]{1,12}"
_LATIN_NAME = r"[A-Z][\w'’.-]*(?: (?:[A-Z][\w'’.-]*|of|the|de|von|van)){0,4}"
_NAMED = re.compile(rf"^\s*(?P<name>{_LATIN_NAME}|{_HAN_NAME})\s?[：:]\s*(?P<text>.*)$")


@dataclass(frozen=True, slots=True)
class Utterance:
    """One thing said. `name` as the file has it, "" where it has none.

    `own`: said by the character (or assistant) whose voice the row teaches.
    """

    name: str
    text: str
    own: bool = False


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One row of a file. `role` names who is `own`; `extra` holds every other key of the row."""

    lines: tuple[Utterance, ...]
    role: str = ""
    system: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


def exchanges(lines: Iterable[Utterance]) -> Iterator[tuple[str, str]]:
    """(what others said, the answer): the shape of formats that know two sides only.

    Lines of several others are joined by line breaks, names before them; several own lines in a
    row become one. A greeting has "" before it; a last word without an answer has "" after it.
    """
    asked: list[str] = []
    answered: list[str] = []
    for line in lines:
        if line.own:
            answered.append(line.text)
            continue
        if answered:
            yield "\n".join(asked), "\n".join(answered)
            asked, answered = [], []
        asked.append(f"{line.name}：{line.text}" if line.name else line.text)
    if asked or answered:
        yield "\n".join(asked), "\n".join(answered)


def named_lines(text: str) -> list[tuple[str, str]]:
    """(name, words) of a text in which each line begins with a name and a colon.

    A line without a name goes on with the line before it; a first line without one has name "".
    """
    found: list[tuple[str, str]] = []
    for line in text.splitlines():
        match = _NAMED.match(line)
        if match:
            found.append((match["name"], match["text"].strip()))
        elif found and line.strip():
            found[-1] = (found[-1][0], f"{found[-1][1]}\n{line.strip()}")
        elif line.strip():
            found.append(("", line.strip()))
    return found


def with_names(dialogue: Dialogue) -> Dialogue:
    """The same with the others' joined lines taken apart again, where every one has a name."""
    lines: list[Utterance] = []
    for line in dialogue.lines:
        parts = [] if line.own or line.name else named_lines(line.text)
        if parts and all(name for name, _ in parts):
            lines += [Utterance(name, text) for name, text in parts]
        else:
            lines.append(line)
    return Dialogue(tuple(lines), dialogue.role, dialogue.system, dialogue.extra)
