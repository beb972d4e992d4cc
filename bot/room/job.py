"""The message in hand: its stored record, and the flag that stops it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from bot.memory import Request
from characters.card import Character


class Job:
    """One message or order while it is carried out.

    `work` is its record as the memory holds it, until it is `closed` there. `speaker` is whose
    reply is being prepared or written; `chatter`: no person asked for it. Stopping counts whenever
    it comes: while the prompt is built, while the engine writes, and between two attempts.
    """

    def __init__(self, work: Request, overheard: Callable[[], bool] = lambda: False) -> None:
        self.work = work
        self.closed = False
        self.stopped = False
        self.reworded = False  # the message was edited before its first answer was stored
        self.deleted = False  # the message is gone
        self.speaker: Character | None = None
        self.chatter = False
        self._overheard = overheard
        self._interrupted = False
        self._writing: asyncio.Task[Any] | None = None

    @property
    def overheard(self) -> bool:
        """Whether somebody has spoken since this message: chatter ends then."""
        return self._overheard()

    @property
    def interrupted(self) -> bool:
        """Whether the reply that is being prepared or written shall end."""
        return self.stopped or self._interrupted

    def stop(self) -> bool:
        """End the reply in hand and ask nobody else. Returns whether there was one."""
        self.stopped = True
        return self.interrupt()

    def reword(self) -> None:
        """What is answered says something else now: the reply in hand is written anew."""
        self.reworded = True
        self.interrupt()

    def delete(self) -> None:
        """What is answered is gone, in the memory too: nobody answers it any more."""
        self.deleted = self.closed = True
        self.stop()

    def interrupt(self) -> bool:
        """End the reply in hand. Returns whether there was one that could still be ended."""
        if self.speaker is None:
            return False
        self._interrupted = True
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.cancel()
        return True

    @contextmanager
    def speaking(self, speaker: Character, *, chatter: bool) -> Iterator[None]:
        """While a reply is prepared and written. It is kept outside: then it must be kept whole."""
        self.speaker, self.chatter, self._interrupted = speaker, chatter, False
        try:
            yield
        finally:
            self.speaker, self.chatter = None, False

    @contextmanager
    def writing(self) -> Iterator[None]:
        """While the current task may be cancelled to end the reply."""
        self._writing = asyncio.current_task()
        try:
            yield
        finally:
            self._writing = None

    def next_step(self) -> Request:
        """The record after one more reply."""
        return replace(self.work, step=self.work.step + 1, at=round(time.time(), 3))
