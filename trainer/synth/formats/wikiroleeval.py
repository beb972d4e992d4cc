"""WikiRoleEval's rows (Ditto): a role's system text, a chain of questions, and how to judge them.

{"system", "prompts": ["…"], "ref_messages": [{"role", "content"}], "role_consist_cands",
 "rejection_labels", "evidence", "meta": {"label", …}, …}

Labels stand at the top in its README and under `meta` in its code; either stays where it was.
A file whose reference answers are called `messages` is read too, and written as `ref_messages`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from trainer.synth.error import FormatError
from trainer.synth.formats import chat
from trainer.synth.formats.dialogue import Dialogue, Utterance
from trainer.synth.formats.rows import list_of, read_rows, rest, text_of, write_lines


def read(path: Path) -> Iterator[Dialogue]:
    """All rows; without reference answers they hold questions only. Raises FormatError."""
    for where, row in read_rows(path):
        prompts = list_of(row, "prompts", where)
        if not all(isinstance(prompt, str) for prompt in prompts):
            raise FormatError(f"{where}: prompts: must be a list of texts")
        system = text_of(row, "system", where, "")
        key = "ref_messages" if "ref_messages" in row else "messages"
        if row.get(key):
            lines = chat.dialogue({"messages": row[key]}, where, chat.MESSAGES).lines
            if [line.text for line in lines if not line.own] != [p.strip() for p in prompts]:
                raise FormatError(f"{where}: prompts and the questions in {key} differ")
        else:
            lines = tuple(Utterance("", prompt.strip()) for prompt in prompts)
        meta = row.get("meta")
        role = str(meta.get("label", "")) if isinstance(meta, dict) else ""
        extra = rest(row, "system", "prompts", "ref_messages", "messages")
        yield Dialogue(lines, role, system, extra)


def write(path: Path, dialogues: Iterable[Dialogue]) -> int:
    """Write rows. Returns how many."""
    return write_lines(path, (_row(one) for one in dialogues))


def _row(one: Dialogue) -> dict[str, Any]:
    prompts = [line.text for line in one.lines if not line.own]
    row: dict[str, Any] = {"system": one.system, "prompts": prompts}
    if any(line.own for line in one.lines):
        row["ref_messages"] = [
            {"role": "assistant" if line.own else "user", "content": line.text}
            for line in one.lines
        ]
    extra = dict(one.extra)
    extra.setdefault("meta", {"label": one.role})
    return row | extra
