"""Every question to the teacher goes through here: looked up, asked, kept, counted, checked."""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass
from typing import Any

from trainer.synth.calls import Calls
from trainer.synth.error import TeacherError
from trainer.synth.shape import BadAnswer, parse
from trainer.synth.teacher import Ask, Completion, Teacher, Unanswerable

# XiYou's scripts try five times; a malformed answer from a strict endpoint is rare.
TRIES = 3
# So many failures in a row are no bad luck any more.
_HOPELESS = 8


class NoAnswer(Exception):
    """No usable answer to one prompt after all tries; the message says why."""


@dataclass(frozen=True, slots=True)
class Given:
    """An answer's value, and the hash of the prompt that it answers."""

    value: Any
    key: str


@dataclass(slots=True)
class Counts:
    """Calls and tokens of a run: paid for now, and taken from what was kept."""

    asked: int = 0
    kept: int = 0
    read: int = 0
    written: int = 0
    malformed: int = 0
    unanswered: int = 0


class Ledger:
    """The teacher with a memory and a purse.

    `prices` are for a million tokens read and written; `budget` in the same money bounds what this
    run may spend (None: nothing does).
    """

    def __init__(
        self,
        teacher: Teacher,
        calls: Calls | None,
        *,
        prices: tuple[float, float] = (0.0, 0.0),
        budget: float | None = None,
    ) -> None:
        self.teacher = teacher
        self.counts = Counts()
        self.prices = prices
        self._calls = calls
        self._budget = budget
        self._flying: dict[str, asyncio.Future[Completion]] = {}
        self._failed = 0

    @property
    def cost(self) -> float:
        """What this run has spent."""
        counts = self.counts
        return (counts.read * self.prices[0] + counts.written * self.prices[1]) / 1e6

    async def ask(self, ask: Ask) -> Given:
        """The answer's value. A malformed answer is asked for again under the next seed.

        Raises:
            NoAnswer: nothing usable came after all tries.
            TeacherError: the teacher cannot be asked at all, or the budget is spent.
        """
        problem = ""
        for turn in range(TRIES):
            again = dataclasses.replace(ask, seed=ask.seed + turn)
            key = again.key(self.teacher.name)
            try:
                answer = await self._answer(again, key)
            except Unanswerable as refused:
                self.counts.unanswered += 1
                raise NoAnswer(str(refused)) from refused
            try:
                return Given(parse(ask.shape, answer.text), key)
            except BadAnswer as bad:
                self.counts.malformed += 1
                problem = str(bad)
        raise NoAnswer(problem)

    async def _answer(self, ask: Ask, key: str) -> Completion:
        kept = self._calls.get(key) if self._calls is not None else None
        if kept is not None:
            self.counts.kept += 1
            return kept
        if key in self._flying:
            return await asyncio.shield(self._flying[key])
        if self._budget is not None and self.cost >= self._budget:
            raise TeacherError(
                f"the budget of {self._budget:g} is spent ({self.cost:.4f}); all answers are kept: "
                "the same command with a higher --budget goes on from here"
            )
        future: asyncio.Future[Completion] = asyncio.get_running_loop().create_future()
        self._flying[key] = future
        try:
            answer = await self._asked(ask)
        except BaseException as problem:
            future.set_exception(problem)
            future.exception()  # nobody may be waiting for it
            raise
        finally:
            del self._flying[key]
        if self._calls is not None:
            self._calls.put(key, self.teacher.name, answer)
        future.set_result(answer)
        self.counts.asked += 1
        self.counts.read += answer.read
        self.counts.written += answer.written
        return answer

    async def _asked(self, ask: Ask) -> Completion:
        try:
            answer = await self.teacher.ask(ask)
        except Unanswerable as refused:
            self._failed += 1
            if self._failed >= _HOPELESS:
                raise TeacherError(
                    f"{self.teacher.name} refused {_HOPELESS} prompts in a row: {refused}"
                ) from refused
            raise
        self._failed = 0
        return answer
