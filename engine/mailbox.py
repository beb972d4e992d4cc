"""Between the engine's thread and its callers' event loops: requests in, pieces of text out."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from typing import Generic, Literal, TypeVar

from engine.sequence import EngineError, Finish

log = logging.getLogger(__name__)

Item = TypeVar("Item")
What = Literal["ask", "leave"]


class Mailbox:
    """What the loop has written for one caller; lives in the caller's event loop."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.pieces: deque[str] = deque()
        self.finish: Finish | None = None
        self.error: BaseException | None = None
        self.closed = False
        self._wake: list[asyncio.Future[None]] = []

    async def news(self) -> None:
        """Wait for a piece or the end."""
        future = self.loop.create_future()
        self._wake.append(future)
        await future

    def put(self, piece: str, finish: Finish | None, error: BaseException | None) -> None:
        """In the caller's loop: a piece (may be empty) and perhaps the end."""
        if piece:
            self.pieces.append(piece)
        if finish is not None and self.finish is None:
            self.finish = finish
        self.error = self.error or error
        self.closed = self.closed or finish is not None or error is not None
        waiting, self._wake = self._wake, []
        for future in waiting:
            if not future.done():
                future.set_result(None)


Letter = tuple[Mailbox, str, Finish | None, BaseException | None]


class Outbox:
    """What a step has for the callers, delivered with one call an event loop."""

    def __init__(self) -> None:
        self._letters: list[Letter] = []

    def put(
        self,
        mailbox: Mailbox,
        piece: str,
        finish: Finish | None = None,
        error: BaseException | None = None,
    ) -> None:
        """Keep a piece of text, or the end, until `deliver`."""
        self._letters.append((mailbox, piece, finish, error))

    def deliver(self) -> None:
        """Hand everything over to the callers' event loops."""
        letters, self._letters = self._letters, []
        by_loop: dict[asyncio.AbstractEventLoop, list[Letter]] = {}
        for letter in letters:
            by_loop.setdefault(letter[0].loop, []).append(letter)
        for loop, mine in by_loop.items():
            try:
                loop.call_soon_threadsafe(_put, mine)
            except RuntimeError:  # the caller's loop is closed: nobody is there to be told
                log.debug("a caller's event loop is gone")


def _put(letters: list[Letter]) -> None:
    for mailbox, piece, finish, error in letters:
        mailbox.put(piece, finish, error)


class Inbox(Generic[Item]):
    """Requests on their way into the loop's thread; the one place with a lock.

    `closed` is None while the loop takes them, afterwards the error for whoever comes.
    """

    def __init__(self) -> None:
        self.closed: EngineError | None = None
        self._items: deque[tuple[What, Item]] = deque()
        self._bell = threading.Condition()

    def __bool__(self) -> bool:
        return bool(self._items)

    def put(self, what: What, item: Item) -> EngineError | None:
        """From any thread. Returns the error where the loop takes nothing any more."""
        with self._bell:
            if self.closed is None:
                self._items.append((what, item))
            self._bell.notify()
            return self.closed

    def take(self) -> list[tuple[What, Item]]:
        """All that has arrived, in order."""
        with self._bell:
            items = list(self._items)
            self._items.clear()
        return items

    def wait(self) -> None:
        """Sleep until something arrives or the inbox is closed."""
        with self._bell:
            if not self._items and self.closed is None:
                self._bell.wait()

    def close(self, error: EngineError) -> None:
        """From now on `put` returns `error`; the first one counts."""
        with self._bell:
            self.closed = self.closed or error
            self._bell.notify()
