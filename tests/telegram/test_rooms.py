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


def removed(world: World, chat: int, status: str) -> None:
    """The bot is thrown out, leaves, or is blocked by a person."""
    user = world.server._user(world.director.id)
    change = {
        "chat": world.server._chat(chat), "from": world.server.people[world.ming], "date": 1,
        "old_chat_member": {"status": "member", "user": user},
        "new_chat_member": {"status": status, "user": user, "until_date": 0},
    }  # fmt: skip
    world.server._update(world.director, {"my_chat_member": change})


async def test_when_the_bot_is_removed_its_rooms_are_erased_topics_too(world: World):
    forum = world.server.group("论坛", forum=True)
    async with world.bot() as client:
        for thread in (None, 7):
            world.server.says(forum, world.ming, "/summon wukong", thread=thread)
        world.server.says(world.group, world.ming, "/summon wukong")
        world.server.says(forum, world.ming, "/remember 我怕水")
        await world.server.until(lambda: len(world.texts(forum)) >= 2 and world.texts())
        await client.settled()
        removed(world, forum, "kicked")
        await world.server.until(lambda: not client._tasks and not world.director.updates, 10)
        await client.settled()
        keys = [key.decode() if isinstance(key, bytes) else key
                for key in await world.memory.redis.keys("*{room:*")]  # fmt: skip
        assert not [key for key in keys if str(forum) in key]
        assert [key for key in keys if str(world.group) in key]
        known = await world.memory.person(f"telegram:{world.ming}").known()
        assert [fact.text for fact in known.facts] == ["我怕水"]


async def test_who_blocks_the_bot_in_private_finds_their_room_again(world: World):
    async with world.bot() as client:
        world.server.says(world.ming, world.ming, "/summon wukong")
        await world.hears("孙悟空", world.ming)
        removed(world, world.ming, "kicked")
        await world.server.until(lambda: not world.director.updates, 10)
        await client.settled()
        world.server.says(world.ming, world.ming, "悟空，我回来了")
        await world.hears("知道了：悟空，我回来了", world.ming)
