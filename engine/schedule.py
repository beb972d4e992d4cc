"""Who comes next, and what the next batch holds: pure, no clock, no model.

Two decisions. `Queue.order`: which waiting request begins next. `plan`: which tokens are evaluated
in the next batch.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

PATIENCE_S = 20.0  # after that long even characters who chat among themselves count as waiting
HALF_LIFE_S = 60.0  # what somebody was served a minute ago counts half


class Asking(Protocol):
    """What the queue knows of a request."""

    room: str
    person: str
    waiting: bool
    arrived: float


Request = TypeVar("Request", bound=Asking)


@dataclass
class Queue(Generic[Request]):
    """Requests that have not begun.

    A human who waits comes before characters among themselves; then comes who was served least of
    late, as a person and as a room; then who came first. So a room that asks for much delays itself
    and nobody else, and nobody starves: who waits is served less and less, compared.
    """

    waiting: list[Request] = field(default_factory=list)
    _served: dict[str, tuple[float, float]] = field(default_factory=dict)  # name -> (tokens, when)

    def served(self, request: Request, tokens: int, now: float) -> None:
        """Count tokens that were evaluated for a request."""
        for name in _names(request):
            self._served[name] = (self._share(name, now) + tokens, now)
        if len(self._served) > 4096:  # forget those who have not asked for long
            self._served = {n: s for n, s in self._served.items() if now - s[1] < 10 * HALF_LIFE_S}

    def order(self, now: float, running: Iterable[Request] = ()) -> list[Request]:
        """Those who wait, the next one first. `running` are those being served now."""
        busy: dict[str, int] = defaultdict(int)
        for request in running:
            for name in _names(request):
                busy[name] += 1

        def key(request: Request) -> tuple[bool, int, float, float]:
            patient = not request.waiting and now - request.arrived < PATIENCE_S
            names = _names(request)
            return (
                patient,
                max((busy[name] for name in names), default=0),
                max((self._share(name, now) for name in names), default=0.0),
                request.arrived,
            )

        return sorted(self.waiting, key=key)

    def _share(self, name: str, now: float) -> float:
        tokens, when = self._served.get(name, (0.0, now))
        return tokens * math.pow(0.5, (now - when) / HALF_LIFE_S)


def _names(request: Asking) -> list[str]:
    names = [f"room {request.room}"] if request.room else []
    return [*names, f"person {request.person}"] if request.person else names


class Working(Protocol):
    """What the plan knows of a sequence: tokens to evaluate, and whether it already writes.

    `limit` bounds what it may take in one batch; `writes` says that a reply will follow.
    """

    @property
    def left(self) -> int: ...
    @property
    def limit(self) -> int: ...
    @property
    def writing(self) -> bool: ...
    @property
    def writes(self) -> bool: ...


Work = TypeVar("Work", bound=Working)


def plan(working: Sequence[Work], *, batch: int, chunk: int) -> list[tuple[Work, int]]:
    """Which sequence gets how many tokens into the next batch.

    Replies being written get their token each, always. Prompts ride along with `chunk` tokens in
    all. Where nobody writes the first prompt gets the whole batch; the others still only a chunk,
    because a batch is no cheaper by the token than two halves, and the first reply begins sooner.
    Prompts are read in the given order: two that are read half each would both be late.
    """
    shares: list[tuple[Work, int]] = []
    for work in working:
        if work.writing and 0 < work.left <= batch:
            shares.append((work, work.left))
            batch -= work.left
    wait = bool(shares)
    for work in working:
        if work.writing:
            continue
        bound = batch if not shares or not (work.writes or wait) else min(batch, chunk)
        n = min(work.left, work.limit, bound)
        if n > 0:
            shares.append((work, n))
            batch -= n
            chunk = max(0, chunk - n)
    return shares


class Pace:
    """How many prompt tokens may ride in a batch with replies, so that no reply stalls.

    It learns what a batch costs: `base` seconds for one with replies only, `each` for a prompt
    token on top. A batch may take `stretch` × the base.
    """

    def __init__(self, stretch: float, *, least: int = 8, most: int = 512) -> None:
        self.stretch = stretch
        self.base: float | None = None
        self.each: float | None = None
        self._least, self._most = least, most

    def learn(self, seconds: float, replies: int, prompt: int) -> None:
        """What a batch took: tokens of `replies` being written and of a prompt being read."""
        if replies and not prompt:
            self.base = _blend(self.base, seconds)
        elif prompt >= 8:
            rest = seconds - (self.base or 0.0) if replies else seconds
            self.each = _blend(self.each, max(rest, seconds * 0.1) / prompt)

    @property
    def chunk(self) -> int:
        if self.base is None or not self.each:
            return 8 * self._least  # nothing is known yet, and nobody has written for long
        room = (self.stretch - 1) * self.base / self.each
        return int(min(self._most, max(self._least, room)))


def _blend(old: float | None, new: float) -> float:
    return new if old is None else 0.7 * old + 0.3 * new
