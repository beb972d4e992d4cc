"""Answers kept as they come, so that a report that was stopped goes on where it was.

`answers.partial.jsonl` in the report's folder: its first line says of which subject and exam, each
further one is an answer. It is removed when the report is written.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from characters.card import Character
from evaluation.error import EvaluationError
from evaluation.subject import Answer, Ask, Done, Kind, Subject, nothing

PARTIAL = "answers.partial.jsonl"


class Kept:
    """A subject whose answers are written down as they come.

    `exam`: the fingerprint of the questions. With `resume` the answers that are there already are
    not asked for again.

    Raises:
        EvaluationError: the answers there are of another subject or exam.
    """

    def __init__(self, subject: Subject, folder: Path, *, exam: str, resume: bool) -> None:
        self.name = subject.name
        self.kind: Kind = subject.kind
        self.subject = subject
        self._file = folder / PARTIAL
        self._head = {"subject": subject.name, "exam": exam}
        self._there = _read(self._file, self._head) if resume and self._file.exists() else {}

    @property
    def resumed(self) -> int:
        """How many answers were there already."""
        return len(self._there)

    async def answer(self, asks: Sequence[Ask], done: Done = nothing) -> dict[str, Answer]:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        found = {ask.id: self._there[ask.id] for ask in asks if ask.id in self._there}
        with self._file.open("w", encoding="utf-8") as file:

            def keep(ask: Ask, answer: Answer) -> None:
                row = [ask.id, answer.text, answer.finish, answer.tokens, answer.asked]
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                file.flush()
                done(ask, answer)

            file.write(json.dumps(self._head, ensure_ascii=False) + "\n")
            for ask in asks:
                if ask.id in found:
                    keep(ask, found[ask.id])
            rest = [ask for ask in asks if ask.id not in found]
            return found | (await self.subject.answer(rest, keep) if rest else {})

    async def prefer(self, ask: Ask, replies: Sequence[str]) -> list[float] | None:
        return await self.subject.prefer(ask, replies)

    async def opinion(self, ask: Ask, among: Sequence[Character]) -> list[float] | None:
        return await self.subject.opinion(ask, among)

    async def close(self) -> None:
        await self.subject.close()

    def forget(self) -> None:
        """Remove the file: the report is written."""
        self._file.unlink(missing_ok=True)


def _read(file: Path, head: dict[str, str]) -> dict[str, Answer]:
    # A report may be stopped in the middle of a character, and a reply may hold a U+2028.
    lines = file.read_text(encoding="utf-8", errors="replace").split("\n")
    try:
        there = json.loads(lines[0]) if lines[0] else head
    except ValueError:
        there = {}
    if there != head:
        raise EvaluationError(
            f"{file} holds answers of another model or to other questions; leave out --resume to "
            "begin anew, or give the options of before"
        )
    found: dict[str, Answer] = {}
    for line in lines[1:]:
        try:
            identity, *answer = json.loads(line)
            found[identity] = Answer(*answer)
        except (ValueError, TypeError):
            break  # the last line, cut by whatever stopped the report
    return found
