"""Rooms as a whole: used lately, in a place, heard already, erased."""

from __future__ import annotations

import secrets

import pytest

from bot.memory import Memory, places
from bot.memory.erasure import REDELIVERED, erase_all
from bot.memory.keys import PREFIX, room_key
from bot.memory.stored import Request, new_id
from characters.turn import Turn


@pytest.fixture
def platform() -> str:
    """A platform of its own for each test: all share one Redis."""
    return f"test{secrets.token_hex(4)}"


async def said(memory: Memory, platform: str, room: str, text: str, message: str) -> None:
    kept = memory.room(platform, room)
    await kept.look()
    work = await kept.hear(
        Request(new_id(), person="discord:7"), Turn("小明", text), message=message
    )
    await kept.close(work)


async def test_rooms_used_lately_newest_first(memory: Memory, platform: str):
    for room in ("11", "22", "33"):
        await said(memory, platform, room, "你好", "m1")
        await memory.redis.zadd(f"{PREFIX}rooms:{platform}", {room: 1000 * int(room)})
    await said(memory, platform, "44", "你好", "m1")
    assert await places.used_rooms(memory, platform, since=3600, most=9) == ["44"]
    assert await places.used_rooms(memory, platform, since=1e12, most=3) == ["44", "33", "22"]


async def test_a_message_is_known_once_it_was_stored(memory: Memory, platform: str):
    assert not await places.was_heard(memory, platform, "11", "m1")
    await said(memory, platform, "11", "你好", "m1")
    assert await places.was_heard(memory, platform, "11", "m1")
    assert not await places.was_heard(memory, platform, "12", "m1")


async def test_a_place_is_erased_room_by_room(memory: Memory, platform: str):
    for room in ("11", "22"):
        await said(memory, platform, room, f"秘密{room}", "m1")
        await places.put_into_place(memory, platform, "900", room)
    assert await places.places(memory, platform) == ["900"]
    assert sorted(await places.rooms_of_place(memory, platform, "900")) == ["11", "22"]
    assert await places.erase_room(memory, platform, "11", "900")
    assert not await places.erase_room(memory, platform, "11", "900")
    assert await places.places(memory, platform) == ["900"]
    assert await places.erase_room(memory, platform, "22", "900")
    assert await places.places(memory, platform) == []
    assert [
        k for k in await memory.redis.keys("*") if f"room:{platform}" in k or f"{platform}:900" in k
    ] == []
    assert await memory.redis.zcard(f"{PREFIX}rooms:{platform}") == 0


async def test_message_ids_outlive_an_erased_room_for_some_minutes(memory: Memory, platform: str):
    """Else what was erased would be heard again when a restarted bot reads the last ten minutes."""

    await said(memory, platform, "11", "我的秘密", "m1")
    await erase_all(memory, f"{platform}:11", ["discord:7"])
    assert await places.was_heard(memory, platform, "11", "m1")
    left = await memory.redis.ttl(room_key(f"{platform}:11", "heard"))
    assert 600 < left <= REDELIVERED
