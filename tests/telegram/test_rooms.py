"""Rooms of chats and topics, and what becomes of them."""

from __future__ import annotations

import asyncio

from tests.telegram.conftest import World


async def test_topics_are_rooms(world: World):
    forum = world.server.group("论坛", forum=True)
    async with world.bot():
        world.server.says(forum, world.ming, "/summon wukong", thread=7)
        await world.server.until(lambda: world.texts(forum, thread=7))
        world.server.says(forum, world.ming, "/who", thread=9)
        await world.server.until(lambda: world.texts(forum, thread=9))
        assert "台上没有人" in world.texts(forum, thread=9)[0]


async def test_a_group_that_becomes_a_supergroup_goes_on(world: World):
    async with world.bot() as troupe:
        world.server.says(world.group, world.ming, "/summon wukong")
        await world.hears("孙悟空")
        new = world.server.migrates(world.group)
        await troupe.settled()
        await asyncio.sleep(0.1)
        await troupe.settled()
        world.server.says(new, world.ming, "悟空，搬家了")
        await world.hears("知道了：悟空，搬家了", new)


async def test_thumbs_on_a_line_count(world: World):
    async with world.bot() as troupe:
        world.server.says(world.group, world.ming, "/summon wukong")
        await world.hears("孙悟空")
        line = world.server.shown(world.group)[0]
        world.server.reacts(world.group, world.ming, line.id, "👍")
        await asyncio.sleep(0.1)
        await troupe.settled()
        assert troupe.house.stats["rated"] == 1
