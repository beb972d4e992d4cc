"""What a message says: markup as words, forwards, our role, other bots' commands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.discord.conftest import World


@pytest.fixture
async def playing(world: World) -> AsyncIterator[World]:
    """A world in which 孙悟空 is on stage and the bot has its managed role."""
    world.role = world.server.add_role(world.guild, "mRP", of_bot=True)
    world.other = world.server.add_role(world.guild, "版主")
    async with world.bot():
        await world.server.slash(world.ming, world.channel, "summon", who="悟空")
        await world.lines_until(1)
        yield world


async def test_the_bots_own_role_is_a_mention_of_it(world: World):
    role = world.server.add_role(world.guild, "mRP", of_bot=True)
    async with world.bot():
        await world.server.say(world.ming, world.channel, f"<@&{role}> /召唤 八戒")
        assert (await world.lines_until(1))[0][0] == "猪八戒"


async def test_another_role_is_none(world: World):
    role = world.server.add_role(world.guild, "版主")
    async with world.bot():
        await world.server.say(world.ming, world.channel, f"<@&{role}> /召唤 八戒")
        await asyncio.sleep(0.3)
    assert world.lines() == []


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("<@&{role}>，你好", "你好"),
        ("你好 <@&{role}>", "你好 @mRP"),
        ("问 <@&{other}> 去", "问 @版主 去"),
        ("问 <@&123456789012345678> 去", "问 @? 去"),
        ("去 <#{channel}> 看看", "去 #花果山 看看"),
        ("去 <#123456789012345678> 看看", "去 #? 看看"),
        ("<t:1700000000:R> 集合", "2023-11-14 22:13 UTC 集合"),
        ("<t:1700000000> 集合", "2023-11-14 22:13 UTC 集合"),
        ("<t:1700000000:d> 集合", "2023-11-14 集合"),
        ("<t:1700000000:t> 集合", "22:13 UTC 集合"),
        ("<t:99999999999999999:R> 集合", "? 集合"),
        ("用 </summon:123456> 吧", "用 /summon 吧"),
        ("用 </forget all:123456> 吧", "用 /forget all 吧"),
        ("</forget:123456> 是什么", "“/forget” 是什么"),
        ("给你 <:peach:123456> 和 <a:fire:1>", "给你 :peach: 和 :fire:"),
        ("看 <https://a.b/c> 这里", "看 https://a.b/c 这里"),
        ("看 <id:customize> 这里", "看 #customize 这里"),
        ("<@{hong}> 在吗", "@Hong 在吗"),
    ],
)
async def test_markup_is_read_as_words(playing: World, written: str, read: str):
    text = written.format(
        role=playing.role, other=playing.other, channel=playing.channel, hong=playing.hong
    )
    await playing.server.say(playing.ming, playing.channel, text)
    await playing.lines_until(2)
    assert f"{read}" in playing.prompts[-1]
    for mark in ("<@", "<#", "<t:", "</summon", "</forget", "<:", "<a:", "<id:", "<http"):
        assert mark not in playing.prompts[-1].rpartition(read[:2])[2]


async def test_a_forward_is_heard_as_talk(playing: World):
    await playing.server.forward(playing.ming, playing.channel, "悟空，师父被抓走了！")
    await playing.lines_until(2)
    assert "师父被抓走了" in playing.prompts[-1]


async def test_a_forwarded_order_is_not_obeyed(playing: World):
    await playing.server.forward(playing.ming, playing.channel, "/召唤 八戒")
    await playing.server.forward(playing.ming, playing.channel, "/forget all")
    await playing.lines_until(3)
    assert {name for name, _ in playing.lines()} == {"孙悟空"}


async def test_a_forward_in_a_direct_message_is_heard(world: World):
    direct = world.server.add_direct(world.ming)
    async with world.bot():
        await world.server.slash(world.ming, direct, "summon", who="悟空")
        await world.server.until(lambda: len(world.server.messages(direct)) >= 2)
        await world.server.forward(world.ming, direct, "师父被抓走了！ <@&1> <t:1700000000:R>")
        await world.server.until(lambda: world.prompts)
    assert "师父被抓走了！ @? 2023" in world.prompts[-1]


@pytest.mark.parametrize(
    "text",
    [
        "!play 西游记",
        "?help",
        "$stats",
        ".ping",
        "p!catch",
        "t!daily now",
        ";;queue",
        "%rank",
        "!!x",
    ],
)
async def test_commands_for_other_bots_are_not_answered_in_character(playing: World, text: str):
    await playing.server.say(playing.ming, playing.channel, text)
    await playing.server.say(playing.ming, playing.channel, "在吗")
    assert (await playing.lines_until(2))[1][1] == "知道了：在吗"


@pytest.mark.parametrize(
    "text",
    [
        "!!!",
        "？你说什么",
        "！快跑",
        "...hm",
        "*挥手*",
        "- 一",
        "$ 5 一个",
        "so? what",
        "1.5 斤",
        "e.g. this",
    ],
)
async def test_what_only_looks_like_one_is_heard(playing: World, text: str):
    await playing.server.say(playing.ming, playing.channel, text)
    lines = await playing.lines_until(2)
    assert lines[1][1].startswith("知道了：")


async def test_who_begins_with_another_bots_name_talks_to_it(playing: World):
    other = playing.server.add_user("点歌", bot=True)
    await playing.server.say(playing.ming, playing.channel, f"<@{other}> 放一首")
    await playing.server.say(playing.ming, playing.channel, f"悟空，<@{other}> 是谁")
    assert "@点歌 是谁" in (await playing.lines_until(2))[1][1]


async def test_a_picture_alone_is_answered_where_it_was_meant_for_us(world: World):
    direct = world.server.add_direct(world.ming)
    async with world.bot():
        await world.server.say(world.ming, direct, "")
        await world.server.until(lambda: "文字" in str(world.server.said(direct)))
        await world.server.say(world.ming, world.channel, "")
        await asyncio.sleep(0.2)
    assert len(world.server.messages(world.channel)) == 1
