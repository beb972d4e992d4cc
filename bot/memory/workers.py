"""The processes that serve the same accounts: who is there, who is gone, and who has the floor.

    workers = Workers(memory)
    gone = await workers.beat("telegram/1000001")    # every BEAT seconds, by each process
    async with workers.floor(room, request.id): …    # one process at a time answers in a room
    await workers.leave("telegram/1000001")          # at the end: the others take up what is left

A group is what its processes could do for each other: the same bot, and on Discord the same shards.
Each says every few seconds that it is there; who has not for LIFE seconds is gone, and exactly one
of the others is told so. Nothing depends on it for keeping turns: what is stored is stored only by
who a request belongs to (see `room`), so that one who was given up and is only slow is refused. It
saves that two write an answer of which one is thrown away.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from importlib import resources
from typing import Any

from bot.memory.connection import Connection
from bot.memory.keys import PREFIX, quoted, room_key, tag
from bot.portable import process_ended, process_id

BEAT = 5.0  # seconds between two signs of life
LIFE = 20.0  # seconds after which one that gives none is gone
FLOOR_SECONDS = 3600  # that a floor may stay behind with nobody there
LOOK = 0.1  # seconds between two looks whether the floor is free
IN_ORDER = 10.0  # seconds that an older message, which another process has, goes first
_MOST_GONE = 1000  # processes that are remembered as gone

_BEAT = resources.files(__package__).joinpath("workers.lua").read_text("utf-8")
_FLOOR = resources.files(__package__).joinpath("floor.lua").read_text("utf-8")
_GIVE_BACK = (
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
)


class Workers:
    """This process among those that serve the same accounts. Alone as long as it never `beat`s.

    Methods raise MemoryAway when Redis stays away for longer than the patience, and MemoryProblem
    when it refuses for good.
    """

    def __init__(self, memory: Connection, name: str = "") -> None:
        self._memory = memory
        self._name = name
        self._others: dict[str, frozenset[str]] = {}  # by group
        self._gone: dict[str, None] = {}  # in the order in which they went

    @property
    def name(self) -> str:
        """What this process is called in Redis."""
        return self._name or process_id()

    @property
    def others(self) -> frozenset[str]:
        """The other processes that are there, of all groups."""
        return frozenset().union(*self._others.values())

    async def beat(self, group: str) -> tuple[str, ...]:
        """Say that this process is there. Returns those that are gone since: what they left is to
        be taken up by this process."""
        gone, others = await self._say(group)
        self._others[group] = frozenset(others)
        for process in gone:
            self._gone[process] = None
        while len(self._gone) > _MOST_GONE:
            del self._gone[next(iter(self._gone))]
        return tuple(process for process in gone if process != self.name)

    async def leave(self, group: str) -> None:
        """This process serves the group no more, and has stored all that it will."""
        self._others.pop(group, None)
        await self._say(group, leave=True)

    async def _say(self, group: str, *, leave: bool = False) -> tuple[list[str], list[str]]:
        key = f"{PREFIX}workers:{quoted(group)}"
        # Of those on this machine it is known at once.
        ended = [process for process in self._others.get(group, ()) if process_ended(process)]

        async def step() -> Any:
            redis: Any = self._memory.redis
            words = (self.name, int(LIFE), "1" if leave else "", *ended)
            return await redis.eval(_BEAT, 1, key, *words)

        gone, others = await self._memory.lasting(step, None)
        return list(gone), list(others)

    def ended(self, process: str) -> bool | None:
        """Whether a process (a `bot.portable.process_id`) has ended; None: nobody knows."""
        ended = process_ended(process)
        if ended is not None:
            return ended
        if process in self.others:
            return False
        return True if process in self._gone else None

    # -- the floor -------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def floor(self, room: str, request: str) -> AsyncIterator[bool]:
        """Hold the floor of a room (`platform:name`) to answer a request in it.

        Who is alone does not ask. Older requests that another process has go first, for a while.
        Yields whether somebody else may have written in the room meanwhile.
        """
        if not self.others:
            yield False
            return
        keys = [room_key(tag(room), part) for part in ("floor", "open")]
        until = time.monotonic() + IN_ORDER
        while True:
            found = await self._take(keys, request, in_order=time.monotonic() < until)
            if found == 1:
                break
            if found == 0:
                until = time.monotonic() + IN_ORDER
            await asyncio.sleep(LOOK)
        try:
            yield True
        finally:
            await self._give_back(keys[0])

    async def take(self, what: str) -> bool:
        """Hold something that one process at a time does. False: another one that lives has it."""
        return await self._take([_floor_key(what)], "", in_order=False) == 1

    async def give_back(self, what: str) -> None:
        """Let another process have it."""
        await self._give_back(_floor_key(what))

    async def _take(self, keys: list[str], request: str, *, in_order: bool) -> int:
        # Of those on this machine it is known at once that they have ended; what they held is free.
        alive = [process for process in self.others if not process_ended(process)]

        async def step() -> int:
            redis: Any = self._memory.redis
            return int(
                await redis.eval(
                    _FLOOR, len(keys), *keys,
                    *(self.name, FLOOR_SECONDS, request, "1" if in_order else "", *alive),
                )
            )  # fmt: skip

        return await self._memory.lasting(step, None)

    async def _give_back(self, key: str) -> None:
        async def step() -> None:
            redis: Any = self._memory.redis
            await redis.eval(_GIVE_BACK, 1, key, self.name)

        await self._memory.lasting(step, None)


def _floor_key(what: str) -> str:
    return f"{PREFIX}floor:{quoted(what)}"
