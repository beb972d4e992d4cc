"""Rooms as a whole: which were used lately, which belong to a server, and erasing one.

A place is what holds several rooms, as a Discord server does. When the bot is removed from it, all
its rooms are erased.
"""

from __future__ import annotations

import time
from typing import Any

from bot.memory.connection import Connection
from bot.memory.keys import (
    PREFIX,
    person_key,
    quoted,
    room_key,
    room_keys,
    set_up_keys,
    tag,
    unquoted,
)
from bot.memory.room import RoomMemory
from bot.memory.update import RoomUpdate

BROUGHT_DAYS = 400

RECEIVED_KEPT = 3600  # seconds


async def used_rooms(memory: Connection, platform: str, *, since: float, most: int) -> list[str]:
    """Names of the rooms used within `since` seconds (an hour more or less), newest first.

    Raises:
        MemoryProblem: Redis stays away, or refuses for good.
    """

    async def step() -> list[str]:
        redis: Any = memory.redis  # which is made anew when the server has moved
        rows = await redis.zrevrangebyscore(
            f"{PREFIX}rooms:{quoted(platform)}", "+inf", time.time() - since, start=0, num=most
        )
        return [unquoted(name) for name in rows]

    return await memory.lasting(step, None)


async def was_heard(memory: Connection, platform: str, room: str, message: str) -> bool:
    """Whether a room stored a message of the platform already.

    Raises:
        MemoryProblem: Redis stays away, or refuses for good.
    """

    async def step() -> bool:
        redis: Any = memory.redis  # which is made anew when the server has moved
        key = room_key(f"{quoted(platform)}:{quoted(room)}", "heard")
        return await redis.zscore(key, message) is not None

    return await memory.lasting(step, None)


async def received_until(memory: Connection, name: str, until: int = 0) -> int:
    """Up to which event the connection of this name received everything; set with `until`.

    Raises:
        MemoryProblem: Redis stays away, or refuses for good.
    """
    key = f"{PREFIX}received:{quoted(name)}"

    async def step() -> int:
        redis: Any = memory.redis  # which is made anew when the server has moved
        if until:
            await redis.set(key, until, ex=RECEIVED_KEPT)
        return int(await redis.get(key) or 0)

    return await memory.lasting(step, None)


async def put_into_place(memory: Connection, platform: str, place: str, room: str) -> None:
    """Note that a room belongs to a place.

    Raises:
        MemoryProblem: Redis stays away, or refuses for good.
    """

    async def step() -> None:
        redis: Any = memory.redis  # which is made anew when the server has moved
        await redis.sadd(_rooms_key(platform, place), quoted(room))
        await redis.sadd(_places_key(platform), quoted(place))

    await memory.lasting(step, None)


async def bring(memory: Connection, person: str, place: str, *, away: bool = False) -> None:
    """Note that a person brought the bot into a place (`platform:id`); with `away`, not any more.

    It is forgotten with the person.

    Raises:
        MemoryProblem: Redis stays away, or refuses for good.
    """
    key = person_key(person, "brought")

    async def step() -> None:
        redis: Any = memory.redis  # which is made anew when the server has moved
        if away:
            await redis.srem(key, tag(place))
        else:
            await redis.sadd(key, tag(place))
            await redis.expire(key, BROUGHT_DAYS * 86_400)

    await memory.lasting(step, None)


async def has_brought(memory: Connection, person: str, place: str) -> bool:
    """Whether a person brought the bot into a place (`platform:id`).

    Raises:
        MemoryProblem: Redis stays away, or refuses for good.
    """

    async def step() -> bool:
        redis: Any = memory.redis  # which is made anew when the server has moved
        return bool(await redis.sismember(person_key(person, "brought"), tag(place)))

    return await memory.lasting(step, None)


async def places(memory: Connection, platform: str) -> list[str]:
    """The places of a platform that have rooms.

    Raises:
        MemoryProblem: Redis stays away, or refuses for good.
    """

    async def step() -> list[str]:
        redis: Any = memory.redis  # which is made anew when the server has moved
        return [unquoted(name) for name in await redis.smembers(_places_key(platform))]

    return await memory.lasting(step, None)


async def rooms_of_place(memory: Connection, platform: str, place: str) -> list[str]:
    """The rooms that were put into a place and not erased.

    Raises:
        MemoryProblem: Redis stays away, or refuses for good.
    """

    async def step() -> list[str]:
        redis: Any = memory.redis  # which is made anew when the server has moved
        return [unquoted(name) for name in await redis.smembers(_rooms_key(platform, place))]

    return await memory.lasting(step, None)


async def restore(room: RoomMemory) -> int | None:
    """Bring back what `RoomMemory.forget` erased a moment ago, before what was said since. Returns
    how many turns; None: there is nothing any more.

    Raises:
        MemoryAway, MemoryProblem: it cannot be done now.
    """
    found = int(await room.apply(RoomUpdate(restore=True, epoch=True)))
    return None if found < 0 else found


async def erase_room(memory: Connection, platform: str, room: str, place: str = "") -> bool:
    """Erase all that is kept of a room, and take it out of its place. False: nothing was kept.

    What is remembered of people stays theirs.

    Raises:
        MemoryProblem: Redis stays away, or refuses for good.
    """

    async def step() -> bool:
        redis: Any = memory.redis  # which is made anew when the server has moved
        name = f"{quoted(platform)}:{quoted(room)}"
        gone = await redis.delete(*room_keys(name), *set_up_keys(name))
        await redis.zrem(f"{PREFIX}rooms:{quoted(platform)}", quoted(room))
        if place:
            await redis.srem(_rooms_key(platform, place), quoted(room))
            if not await redis.exists(_rooms_key(platform, place)):
                await redis.srem(_places_key(platform), quoted(place))
        return bool(gone)

    return await memory.lasting(step, None)


def _rooms_key(platform: str, place: str) -> str:
    return f"{PREFIX}place:{quoted(platform)}:{quoted(place)}"


def _places_key(platform: str) -> str:
    return f"{PREFIX}places:{quoted(platform)}"
