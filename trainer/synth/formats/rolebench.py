"""RoleBench's rows: {"role": "…", "question": "…", "generated": ["reference", …]}.

The first text under `generated` is the reference answer; others are kept in `extra`. The data set
knows single questions only: a longer dialogue becomes one row an exchange.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from trainer.synth.error import FormatError
from trainer.synth.formats.dialogue import Dialogue, Utterance, exchanges
from trainer.synth.formats.rows import list_of, read_rows, rest, text_of, write_lines


def read(path: Path) -> Iterator[Dialogue]:
    """All rows. Raises FormatError."""
    for where, row in read_rows(path):
        generated = list_of(row, "generated", where)
        if not generated or not all(isinstance(text, str) for text in generated):
            raise FormatError(f"{where}: generated: must hold at least one text")
        role = text_of(row, "role", where)
        extra = rest(row, "role", "question", "generated")
        if len(generated) > 1:
            extra["generated"] = generated[1:]
        question = Utterance("", text_of(row, "question", where).strip())
        yield Dialogue((question, Utterance(role, generated[0].strip(), own=True)), role, "", extra)


def write(path: Path, dialogues: Iterable[Dialogue]) -> int:
    """Write rows. Returns how many dialogues there were."""
    count = 0

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal count
        for one in dialogues:
            count += 1
            for asked, answered in exchanges(one.lines):
                if asked and answered:
                    references = [answered, *one.extra.get("generated", [])]
                    row = {"role": one.role, "question": asked, "generated": references}
                    yield row | rest(one.extra, "generated")

    write_lines(path, rows())
    return count
