"""A room moves to another name: a Telegram group that becomes a supergroup gets a new id."""

from __future__ import annotations

import time
from typing import Any

from bot.memory.connection import Connection
from bot.memory.keys import PREFIX, ROOM_PARTS, SET_UP_PARTS, person_key, room_key


async def move(memory: Connection, old: str, new: str) -> bool:
    """Bring all that is kept of the room `old` to the room `new` (tags, as `keys.tag` makes them).

    What `new` has already stays as it is: a move that was broken off can be done again. Returns
    whether there was anything to move.

    Raises:
        MemoryProblem: Redis stays away, or refuses for good.
    """

    async def step() -> bool:
        redis: Any = memory.redis
        moved = False
        for part in (*ROOM_PARTS, *SET_UP_PARTS):
            source, target = room_key(old, part), room_key(new, part)
            # Key by key: the two rooms may lie on different servers of a cluster.
            data = await redis.dump(source)
            if data is None:
                continue
            moved = True
            if not await redis.exists(target):
                life = await redis.pttl(source)
                await redis.restore(target, max(life, 0), data)
            if part == "turns":
                await _relist(redis, target, old, new)
            await redis.delete(source)
        platform, _, name = old.partition(":")
        await redis.zrem(f"{PREFIX}rooms:{platform}", name)
        await redis.zadd(f"{PREFIX}rooms:{platform}", {new.partition(":")[2]: time.time()})
        return moved

    return await memory.lasting(step, None)


async def _relist(redis: Any, turns: str, old: str, new: str) -> None:
    """People find the room under its new name when they want to be forgotten there."""
    people = {fields.get("p", "") for _, fields in await redis.xrange(turns)} - {""}
    for person in people:
        key = person_key(person, "rooms")
        for suffix in ("", " private"):
            score = await redis.zscore(key, f"{old}{suffix}")
            if score is not None:
                await redis.zadd(key, {f"{new}{suffix}": score})
                await redis.zrem(key, f"{old}{suffix}")
