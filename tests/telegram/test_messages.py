"""What people write: talk, Telegram's own commands, and whose words they are."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from bot.platforms.telegram.client import TelegramClient
from tests.telegram.conftest import STORY, World


async def test_stop_breaks_a_line_off(world: World):
    world.delay = 0.05
    world.script = lambda prompt: STORY
    async with world.bot():
        world.server.says(world.group, world.ming, "/summon wukong")
        await world.hears("孙悟空")
        world.server.says(world.group, world.ming, "悟空，讲个长故事")
        await world.server.until(lambda: world.prompts)
        await asyncio.sleep(0.3)
        world.server.says(world.group, world.ming, "/stop")
        await world.hears("停了")
        await world.hears("——")


async def test_a_new_group_is_told_about_privacy_mode(world: World):
    world.director.privacy = True
    async with world.bot():
        world.server.adds(world.group, world.ming, world.director)
        await world.hears("/setprivacy")


def raw(world: World, text: str, **more: Any) -> int:
    """A message of 小明's in the group with other fields than `says` gives it."""
    server = world.server
    number = server._next()
    message = {"message_id": number, "date": int(time.time()), "chat": server._chat(world.group),
               "from": server.people[world.ming], "text": text} | more  # fmt: skip
    for account in server._hearing(world.group, text, None, None):
        server._update(account, {"message": message})
    return number


ANONYMOUS = {"id": 1087968824, "is_bot": True, "first_name": "Group"}
CHANNEL = {"id": -1002000000001, "type": "channel", "title": "小明的频道"}
BY_CHANNEL = {"id": 136817688, "is_bot": True, "first_name": "Channel"}


async def facts(world: World, person: int) -> list[str]:
    return [fact.text for fact in (await world.memory.person(f"telegram:{person}").known()).facts]


async def scene(world: World) -> None:
    world.server.says(world.group, world.ming, "/summon 悟空")
    await world.hears("孙悟空")


async def settled(client: TelegramClient, world: World) -> None:
    await world.server.until(lambda: not world.director.updates or not client._tasks, 10)
    await asyncio.sleep(0.3)
    await client.settled()
    await client.house.people.settle()


@pytest.mark.parametrize(
    "order",
    ["/forget all", "/remember 我怕水", "/summon 八戒", "/stop", "/start", "（）", "/忘记 全部"],
)
async def test_what_is_forwarded_is_no_order(world: World, order):
    async with world.bot() as client:
        await scene(world)
        world.server.says(world.group, world.ming, "/remember 我属猴")
        await settled(client, world)
        origin = {"type": "user", "date": 1, "sender_user": world.server.people[world.hong]}
        before = len(world.texts())
        raw(world, order, forward_origin=origin)
        await settled(client, world)
        assert await facts(world, world.ming) == ["我属猴"]
        said = world.texts()[before:]
        assert not any("猪八戒" in text or "停" in text or "班主" in text for text in said), said


@pytest.mark.parametrize(
    "more",
    [
        {"forward_origin": {"type": "hidden_user", "date": 1, "sender_user_name": "某人"}},
        {"forward_origin": {"type": "channel", "date": 1, "chat": CHANNEL, "message_id": 3}},
        {"via_bot": {"id": 7, "is_bot": True, "first_name": "inline"}},
    ],
)
async def test_what_is_forwarded_is_heard_and_is_no_fact_of_who_passes_it_on(world: World, more):
    async with world.bot() as client:
        await scene(world)
        raw(world, "悟空，请记住我对花生过敏", **more)
        await world.hears("知道了：（转来别人的话）“悟空，请记住我对花生过敏”")
        await settled(client, world)
        assert await facts(world, world.ming) == []
        raw(world, "悟空，请记住我对花生过敏")
        await settled(client, world)
        assert len(await facts(world, world.ming)) == 1  # said by oneself it is one


async def test_anonymous_administrators_are_heard_and_nothing_is_kept_of_them(world: World):
    group = world.server._chat(world.group)
    async with world.bot() as client:
        await scene(world)
        for signature in ("掌柜", "账房"):
            anonymous = {"sender_chat": group, "author_signature": signature, "from": ANONYMOUS}
            raw(world, f"悟空，我是{signature}，请记住我怕水", **anonymous)
            await world.hears(f"知道了：悟空，我是{signature}")
            raw(world, "/remember 我怕水", **anonymous)
            raw(world, "/persona 一位书生", **anonymous)
            await settled(client, world)
        assert await facts(world, world.group) == []
        assert sum("几个人共用这个身份" in text for text in world.texts()) == 4
        assert not await world.memory.redis.keys(f"*person:telegram:{world.group}*")
        assert not await world.memory.redis.keys("*person:telegram:1087968824*")


async def test_a_person_who_posts_as_their_channel_is_heard(world: World):
    async with world.bot() as client:
        await scene(world)
        raw(world, "悟空，你在吗？", sender_chat=CHANNEL, **{"from": BY_CHANNEL})
        await world.hears("知道了：悟空，你在吗？")
        raw(world, "/remember 我怕水", sender_chat=CHANNEL, **{"from": BY_CHANNEL})
        await settled(client, world)
        assert await facts(world, CHANNEL["id"]) == []


async def test_a_post_of_the_linked_channel_is_not_answered(world: World):
    service = {"id": 777000, "is_bot": False, "first_name": "Telegram"}
    async with world.bot() as client:
        await scene(world)
        more = {"sender_chat": CHANNEL, "is_automatic_forward": True, "from": service}
        raw(world, "悟空，新文章", **more)
        await settled(client, world)
        assert not any("新文章" in text for text in world.texts())
