"""Looks, every half minute, for rooms in which a character may speak first, and lets it.

initiative = Initiative(shared, house.doors)       # platforms say how a room of theirs is opened
initiative.start()

Several processes may look at the same rooms: which of them speaks is decided in Redis, in the step
that opens the request (`bot.room.unasked`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping

from bot.memory import MemoryProblem
from bot.memory.unasked import allow, allowing
from bot.room import Room, Shared
from bot.room.unasked import last_of, newest_of

log = logging.getLogger(__name__)

LOOK = 30.0  # seconds

# Opens a room of a platform by its name; None when it is none of this process.
Opener = Callable[[str], Awaitable[Room | None]]


class Initiative:
    """One for a house; `close` ends what it does in the background."""

    def __init__(self, shared: Shared, doors: Mapping[str, Opener]) -> None:
        self._doors = doors
        self._shared = shared
        self._closing = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """From now on look for rooms."""
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_on(), name="initiative")

    async def look(self) -> int:
        """Look once. Returns in how many rooms a character spoke.

        Raises:
            MemoryAway, MemoryProblem: Redis cannot be asked now.
        """
        spoke = 0
        for platform, open_room in list(self._doors.items()):
            for name in await allowing(self._shared.memory, platform):
                known = self._shared.memory.room(platform, name)
                await known.look()
                wish = known.state.unasked
                if wish is None:  # the room was erased, or says no by now
                    await allow(self._shared.memory, platform, name, allowed=False)
                elif wish.due(newest_of(known), last_of(known), self._shared.clock()):
                    room = await open_room(name)
                    spoke += bool(room and await room.speak_unasked())
        return spoke

    async def _look_on(self) -> None:
        while not self._closing.is_set():
            try:
                await self.look()
            except MemoryProblem as problem:
                log.info("nobody speaks first just now: %s", problem)
            except Exception:  # one room that fails must not silence all others for good
                log.exception("looking for rooms in which a character may speak first")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK):
                    await self._closing.wait()

    async def close(self) -> None:
        """Look no more."""
        self._closing.set()
        if self._looking:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
