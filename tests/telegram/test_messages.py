"""What people write: talk, Telegram's own commands, and whose words they are."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from bot.platforms.telegram.client import TelegramClient
from bot.platforms.telegram.places import Place
from bot.voice import _last_said
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
CHANNEL: dict[str, Any] = {"id": -1002000000001, "type": "channel", "title": "小明的频道"}
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


async def transcript(client: TelegramClient, world: World) -> list[str]:
    room, _ = await client._rooms.open(Place(world.group))
    await room.enter()
    return [turn.text for turn in room.scene().turns]


async def test_an_edit_before_the_answer_is_what_is_answered(world: World):
    world.delay = 0.03
    world.script = lambda prompt: f"知道了：{_last_said(prompt)}，" + "好，" * 40
    async with world.bot() as client:
        await scene(world)
        number = world.server.says(world.group, world.ming, "悟空，你爱吃梨吗？")
        await world.server.until(lambda: any("爱吃梨" in prompt for prompt in world.prompts))
        world.server.edits(world.group, world.ming, number, "悟空，你爱吃桃吗？")
        await world.hears("知道了：悟空，你爱吃桃吗？", seconds=30)
        await settled(client, world)
        assert not any("爱吃梨" in text for text in world.texts())
        assert not any("爱吃梨" in text for text in await transcript(client, world))


async def test_an_edit_after_the_answer_changes_what_is_remembered(world: World):
    async with world.bot() as client:
        await scene(world)
        number = world.server.says(world.group, world.ming, "悟空，请记住我对花生过敏")
        await world.hears("知道了：悟空，请记住我对花生过敏")
        await settled(client, world)
        assert len(await facts(world, world.ming)) == 1
        world.server.edits(world.group, world.ming, number, "悟空，今天天气真好")
        await settled(client, world)
        assert await facts(world, world.ming) == []
        assert "悟空，今天天气真好" in await transcript(client, world)
        assert not any("花生" in text for text in (await transcript(client, world))[:2])


async def test_an_edit_gives_no_order(world: World):
    async with world.bot() as client:
        await scene(world)
        world.server.says(world.group, world.ming, "/remember 我属猴")
        number = world.server.says(world.group, world.ming, "悟空，你好")
        await world.hears("知道了：悟空，你好")
        world.server.edits(world.group, world.ming, number, "/forget all")
        await settled(client, world)
        assert await facts(world, world.ming) == ["我属猴"]


async def test_delete_as_a_reply_lets_ones_own_words_be_forgotten(world: World):
    async with world.bot() as client:
        await scene(world)
        number = world.server.says(world.group, world.ming, "悟空，请记住我对花生过敏")
        await world.hears("知道了：悟空，请记住我对花生过敏")
        await settled(client, world)
        world.server.says(world.group, world.hong, "/delete", reply_to=number)  # not hers
        await world.hears("要删哪一句")
        await settled(client, world)
        assert len(await facts(world, world.ming)) == 1
        world.server.says(world.group, world.ming, "/删除", reply_to=number)
        await world.hears("忘掉了那一句")
        await settled(client, world)
        assert await facts(world, world.ming) == []
        assert not any("花生" in text for text in await transcript(client, world))


async def test_an_administrator_may_delete_what_others_said(world: World):
    world.server.groups[world.group].admins = {world.hong}
    async with world.bot() as client:
        await scene(world)
        number = world.server.says(world.group, world.ming, "悟空，你听我说")
        await world.hears("知道了：悟空，你听我说")
        world.server.says(world.group, world.hong, "/delete", reply_to=number)
        await world.hears("忘掉了那一句")
        assert not any("你听我说" in text for text in await transcript(client, world))


async def test_delete_of_nothing_says_how(world: World):
    async with world.bot():
        await scene(world)
        line = world.server.shown(world.group)[-1]
        world.server.says(world.group, world.ming, "/delete")
        await world.server.until(lambda: sum("要删哪一句" in t for t in world.texts()) == 1)
        world.server.says(world.group, world.ming, "/delete", reply_to=line.id)
        await world.server.until(lambda: sum("要删哪一句" in t for t in world.texts()) == 2)


@pytest.mark.parametrize("order", ["/forget room", "/pause", "/note 悲伤", "/忘记 屋子"])
async def test_what_cannot_be_undone_is_for_moderators(world: World, order):
    world.server.groups[world.group].admins = {world.hong}
    async with world.bot() as client:
        await scene(world)
        world.server.says(world.group, world.ming, "悟空，你好")
        await world.hears("知道了：悟空，你好")
        state = await transcript(client, world)
        before = len(world.texts())
        world.server.says(world.group, world.ming, order)
        await world.server.until(lambda: len(world.texts()) > before)
        await settled(client, world)
        assert await transcript(client, world) == state
        room, _ = await client._rooms.open(Place(world.group))
        assert not (await room.status()).paused
        refusal = world.texts()[-1]
        world.server.says(world.group, world.hong, order)
        await world.server.until(lambda: world.texts()[-1] != refusal)


async def test_whoever_brought_the_bot_in_may_do_what_administrators_may(world: World):
    async with world.bot() as client:
        world.server.adds(world.group, world.ming, world.director)
        await world.hears("班主")
        world.server.says(world.group, world.ming, "/summon 悟空")
        await world.hears("孙悟空")
        world.server.says(world.group, world.ming, "/pause")
        await settled(client, world)
        room, _ = await client._rooms.open(Place(world.group))
        assert (await room.status()).paused


async def test_a_command_in_traditional_characters(world: World):
    async with world.bot():
        world.server.says(world.group, world.ming, "/召喚 豬八戒")
        await world.hears("猪八戒")
