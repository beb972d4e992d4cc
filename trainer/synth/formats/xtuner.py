"""XTuner's legacy rows, as the XiYou and mRP data are kept.

    {"conversation": [{"system": "唐三藏", "input": "…", "output": "…"}, …]}

Data found in the wild repeats the system text on every turn (told once here), has empty outputs
(their input goes to the next turn, so that nobody learns to say nothing), a system "user" left over
from a template (dropped), and an empty first input (a greeting).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from trainer.synth.error import FormatError
from trainer.synth.formats.dialogue import Dialogue, Utterance, exchanges
from trainer.synth.formats.rows import objects_of, read_rows, rest, text_of, write_lines

_LEFT_OVER = "user"  # XiYou's questions-and-answers template never replaced it


def read(path: Path) -> Iterator[Dialogue]:
    """All conversations. Raises FormatError."""
    for where, row in read_rows(path):
        yield dialogue(row, where)


def dialogue(row: dict[str, Any], where: str) -> Dialogue:
    """One conversation. Raises FormatError."""
    lines: list[Utterance] = []
    system = ""
    for turn in objects_of(row, "conversation", where):
        said = text_of(turn, "system", where, "").strip()
        if said and said != _LEFT_OVER:
            if system and said != system:
                raise FormatError(f"{where}: two different system texts in one conversation")
            system = said
        asked = text_of(turn, "input", where).strip()
        answered = text_of(turn, "output", where).strip()
        if asked:
            lines.append(Utterance("", asked))
        if answered:
            lines.append(Utterance("", answered, own=True))
    role = system if 0 < len(system) <= 12 and "\n" not in system else ""
    return Dialogue(tuple(lines), role, system, rest(row, "conversation"))


def write(path: Path, dialogues: Iterable[Dialogue]) -> int:
    """Write conversations; the system text stands on the first turn. Returns how many."""
    return write_lines(path, (_row(one) for one in dialogues))


def _row(one: Dialogue) -> dict[str, Any]:
    turns: list[dict[str, str]] = []
    for number, (asked, answered) in enumerate(exchanges(one.lines)):
        system = {"system": one.system or one.role} if number == 0 else {}
        turns.append({**system, "input": asked, "output": answered})
    return {"conversation": turns, **one.extra}
