"""CharacterEval's items: {"id", "role", "novel_name", "context": "名：话\\n…"}, an array.

The file is called .jsonl and is one JSON array. The role's next line is to be written; where a
model has written it (`model_output`), it is the last line here. Of the published lines from 西游记
85% stand word for word in the novel, so a model that has read it has seen the answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from trainer.synth.error import FormatError
from trainer.synth.formats.dialogue import Dialogue, Utterance, named_lines
from trainer.synth.formats.rows import read_rows, rest, text_of, write_text


def read(path: Path) -> Iterator[Dialogue]:
    """All items. Raises FormatError."""
    for where, row in read_rows(path):
        role = text_of(row, "role", where)
        said = named_lines(text_of(row, "context", where))
        if not said or not all(name for name, _ in said):
            raise FormatError(f"{where}: context: must be lines of the form 名：话")
        lines = [Utterance(name, text, own=name == role) for name, text in said]
        if "model_output" in row:
            lines.append(Utterance(role, text_of(row, "model_output", where), own=True))
        extra = rest(row, "role", "context", "model_output")
        yield Dialogue(tuple(lines), role, "", extra)


def write(path: Path, dialogues: Iterable[Dialogue]) -> int:
    """Write one JSON array. An own last line becomes `model_output`. Returns how many."""
    items = [_item(one, number) for number, one in enumerate(dialogues)]
    write_text(path, [json.dumps(items, ensure_ascii=False, indent=2) + "\n"])
    return len(items)


def _item(one: Dialogue, number: int) -> dict[str, Any]:
    lines = list(one.lines)
    written = lines.pop().text if lines and lines[-1].own else None
    context = "\n".join(
        f"{line.name or (one.role if line.own else '某人')}：{line.text}" for line in lines
    )
    item: dict[str, Any] = {"id": number, "role": one.role, "novel_name": "", "context": context}
    item |= one.extra
    return item if written is None else item | {"model_output": written}
