"""A bounded log of what changed in a room, from which each viewer reads at its own speed.

    log = Log()
    log.put("line 7", item)                          # what is known of a key; None: it is gone
    events = log.since("3f2a90c1-41")                # None: too far back, show everything anew
    await log.wait(log.number)                       # until something is newer

An event carries all that is known of its key, so the newest one of a key stands for all before it:
a growing line takes one place, and a viewer that cannot keep up skips what is out of date. Nothing
is kept per viewer.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

KEPT = 400  # events


@dataclass(frozen=True, slots=True)
class Event(Generic[T]):
    """What is known of `key` since `number`; None: it is gone."""

    number: int
    key: str
    value: T | None


class Log(Generic[T]):
    """The newest events of one room. `kept` is how many."""

    def __init__(self, kept: int = KEPT) -> None:
        self.number = 0  # of the newest event
        self._kept = kept
        self._boot = secrets.token_hex(4)  # another process' numbers mean nothing here
        self._events: dict[int, Event[T]] = {}
        self._newest: dict[str, int] = {}  # key -> number
        self._lost = 0  # the newest event that is not kept, and was not out of date
        self._news = asyncio.Event()

    def put(self, key: str, value: T | None) -> None:
        """Note what is known of a key by now, and wake who waits."""
        out_of_date = self._newest.pop(key, 0)
        self._events.pop(out_of_date, None)
        self.number += 1
        self._events[self.number] = Event(self.number, key, value)
        self._newest[key] = self.number
        if len(self._events) > self._kept:
            self._lost = next(iter(self._events))
            del self._newest[self._events.pop(self._lost).key]
        news, self._news = self._news, asyncio.Event()
        news.set()

    def forget(self) -> None:
        """Whoever reads from here on is shown everything anew."""
        self.number += 1
        self._lost = self.number
        self._events.clear()
        self._newest.clear()
        news, self._news = self._news, asyncio.Event()
        news.set()

    @property
    def position(self) -> str:
        """Where the log is by now: the id of an event, for `since`."""
        return f"{self._boot}-{self.number}"

    def since(self, position: str) -> list[Event[T]] | None:
        """The events after a position, oldest first; None: it is not known (any more)."""
        boot, _, number = position.partition("-")
        if boot != self._boot or not number.isdecimal() or len(number) > 18:
            return None
        after = int(number)
        if not self._lost <= after <= self.number:
            return None
        return [event for event in self._events.values() if event.number > after]

    async def wait(self, after: int) -> None:
        """Wait until there is an event with a greater number."""
        while self.number <= after:
            await self._news.wait()
