"""The file that a person attached last: a card or a lorebook, for ten minutes.

await attach(memory, "discord:42", "alice.png", data)
name, data = await attached(memory, "discord:42")
"""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

from bot.memory.connection import Connection
from bot.memory.keys import person_key
from characters.tavern import CardError, read

KEPT = 600  # seconds
LARGEST = 8 << 20  # bytes
ENDINGS = (".png", ".json", ".charx", ".yaml", ".yml", ".zip")


def may_hold_card(name: str, size: int) -> bool:
    """Whether a file is worth a look, by its name and size in bytes."""
    return name.lower().endswith(ENDINGS) and 0 < size <= LARGEST


async def attach(memory: Connection, person: str, name: str, data: bytes) -> None:
    """Keep a file in place of the person's last one.

    Raises:
        MemoryAway, MemoryProblem: it cannot be kept now.
    """
    text = json.dumps([name[:200], base64.b64encode(data).decode("ascii")])

    async def step() -> None:
        redis: Any = memory.redis  # which is made anew when the server has moved
        await redis.set(person_key(person, "attached"), text, ex=KEPT)

    await memory.lasting(step, None)


async def take_in(
    memory: Connection, person: str, name: str, data: bytes, *, asked: bool = False
) -> str:
    """Keep a file when it holds a card or a lorebook, or was `asked` for.

    Returns the order that brings it; "" when there is nothing to bring.

    Raises:
        MemoryAway, MemoryProblem: it cannot be kept now.
    """
    try:
        # In a thread: a large file takes a second, for which no room may wait.
        found = await asyncio.to_thread(read, data, name)
    except CardError:
        found = None
    if found or asked:
        await attach(memory, person, name, data)
    if found is None:
        return ""
    if found.title == "group":
        return "/stageset import"
    return "/character import" if found.characters else "/lore import"


async def attached(memory: Connection, person: str) -> tuple[str, bytes] | None:
    """Name and bytes of the person's last file; None when there is none any more.

    Raises:
        MemoryAway, MemoryProblem: it cannot be read now.
    """
    if not person:
        return None

    async def step() -> str:
        redis: Any = memory.redis  # which is made anew when the server has moved
        return str(await redis.get(person_key(person, "attached")) or "")

    text = await memory.lasting(step, None)
    if not text:
        return None
    name, data = json.loads(text)
    return str(name), base64.b64decode(data)
