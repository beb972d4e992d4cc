"""Alpaca's rows: one instruction, its answer, and what came before.

{"instruction": "…", "input": "…", "output": "…", "system": "…", "history": [["…", "…"], …]}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from trainer.synth.error import FormatError
from trainer.synth.formats.dialogue import Dialogue, Utterance, exchanges
from trainer.synth.formats.rows import list_of, read_rows, rest, text_of, write_lines


def read(path: Path) -> Iterator[Dialogue]:
    """All rows. An `input` is a second paragraph of its instruction. Raises FormatError."""
    for where, row in read_rows(path):
        yield dialogue(row, where)


def dialogue(row: dict[str, Any], where: str) -> Dialogue:
    """One row. Raises FormatError."""
    history = list_of(row, "history", where) if row.get("history") else []
    pairs: list[tuple[str, str]] = []
    for pair in history:
        if isinstance(pair, list):
            pair = ["" if text is None else text for text in pair]
        if not (
            isinstance(pair, list) and len(pair) == 2 and all(isinstance(x, str) for x in pair)
        ):
            raise FormatError(f"{where}: history: must be a list of pairs of texts")
        pairs.append((pair[0], pair[1]))
    told = text_of(row, "instruction", where).strip()
    given = text_of(row, "input", where, "").strip()
    pairs.append(("\n".join(text for text in (told, given) if text), text_of(row, "output", where)))
    lines: list[Utterance] = []
    for asked, answered in pairs:
        lines += [Utterance("", asked.strip())] if asked.strip() else []
        lines += [Utterance("", answered.strip(), own=True)] if answered.strip() else []
    system = text_of(row, "system", where, "").strip()
    return Dialogue(
        tuple(lines),
        "",
        system,
        rest(row, "instruction", "input", "output", "system", "history"),
    )


def write(path: Path, dialogues: Iterable[Dialogue]) -> int:
    """Write rows: the last exchange as the instruction, the others as history. Returns how many."""
    return write_lines(path, (_row(one) for one in dialogues))


def _row(one: Dialogue) -> dict[str, Any]:
    pairs = [pair for pair in exchanges(one.lines) if any(pair)]
    *before, (asked, answered) = pairs or [("", "")]
    row: dict[str, Any] = {"instruction": asked, "input": "", "output": answered}
    if one.system:
        row["system"] = one.system
    if before:
        row["history"] = [list(pair) for pair in before]
    return {**row, **one.extra}
