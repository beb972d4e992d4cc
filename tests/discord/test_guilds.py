"""Rooms of servers, channels and threads that are gone are erased."""

from __future__ import annotations

import asyncio

import pytest

from tests.discord.conftest import World, begun


async def rooms_kept(world: World, *channels: int) -> list[int]:
    """Of these channels, those of which something is kept."""
    found = []
    for channel in channels:
        if await world.memory.redis.keys(f"*room:discord:{channel}*"):
            found.append(channel)
    return found


@pytest.mark.parametrize("running", [True, False], ids=["told", "while it was not running"])
async def test_removed_from_a_server_its_rooms_are_erased(world: World, running: bool):
    server = world.server
    other = server.add_guild("另一家")
    stays = server.add_channel(other, "留下")
    thread = server.add_channel(world.guild, "第一场", type=11, parent=world.channel)
    direct = server.add_direct(world.ming)
    places = (world.channel, thread, stays, direct)
    async with world.bot():
        for channel in places:
            await server.slash(world.ming, channel, "summon", who="悟空")
        await server.until(lambda: all(server.messages(c) for c in places))
        await asyncio.sleep(0.3)
        assert await rooms_kept(world, *places) == list(places)
        if running:
            await server.remove_bot(world.guild)
            await asyncio.sleep(0.5)
            assert await rooms_kept(world, *places) == [stays, direct]
    if not running:
        server.guilds[world.guild]["member"] = False
        async with world.bot():
            await asyncio.sleep(0.7)
        assert await rooms_kept(world, *places) == [stays, direct]


async def test_an_outage_of_a_server_erases_nothing(world: World):
    async with world.bot():
        await begun(world)
        await world.server._dispatch(
            "GUILD_DELETE", {"id": str(world.guild), "unavailable": True}, str(world.guild), 0
        )
        await asyncio.sleep(0.3)
        assert await rooms_kept(world, world.channel) == [world.channel]


@pytest.mark.parametrize("kind", ["channel", "thread"])
async def test_a_channel_that_is_deleted_takes_its_room_along(world: World, kind: str):
    there = world.channel
    if kind == "thread":
        there = world.server.add_channel(world.guild, "第一场", type=11, parent=world.channel)
    async with world.bot() as bot:
        await begun(world, there)
        await world.server.delete_channel(there)
        await asyncio.sleep(0.4)
        assert await rooms_kept(world, there) == []
        assert str(there) not in {name for _, name in bot.house._rooms}
