"""Which channel is which room."""

from __future__ import annotations

import asyncio

import pytest

from tests.discord.conftest import BASE, World, begun
from tests.fakes.discord_server import text_of, walk


async def test_a_direct_message_is_a_room(world: World):
    direct = world.server.add_direct(world.ming)
    async with world.bot():
        await world.server.slash(world.ming, direct, "summon", who="wukong")
        await world.server.until(lambda: len(world.server.messages(direct)) >= 2)
        await world.server.say(world.ming, direct, "你好")
        await world.server.until(
            lambda: any("知道了：你好" in text for _, text in world.server.said(direct))
        )
    # no webhooks there: a heading and a face
    spoken = next(m for m in world.server.messages(direct) if "知道了" in text_of(m))
    assert text_of(spoken).startswith("**孙悟空**\n")
    assert [c["media"]["url"] for c in walk(spoken["components"]) if c["type"] == 11] == [
        f"{BASE}/wukong.png"
    ]


@pytest.mark.parametrize("kind", ["thread", "forum post"])
async def test_threads_and_forum_posts_are_scenes_of_their_own(world: World, kind: str):
    parent = world.channel
    if kind == "forum post":
        parent = world.server.add_channel(world.guild, "论坛", type=15)
    one = world.server.add_channel(world.guild, "第一场", type=11, parent=parent)
    two = world.server.add_channel(world.guild, "第二场", type=11, parent=parent)
    async with world.bot():
        await world.server.slash(world.ming, one, "summon", who="悟空")
        await world.server.slash(world.ming, two, "summon", who="八戒")
        await world.lines_until(1, one)
        await world.lines_until(1, two)
        await world.server.say(world.ming, one, "第一场的话")
        await world.server.say(world.ming, two, "第二场的话")
        assert (await world.lines_until(2, one))[1] == ("孙悟空", "知道了：第一场的话")
        assert (await world.lines_until(2, two))[1] == ("猪八戒", "知道了：第二场的话")
    assert len({w["channel"] for w in world.server.webhooks.values()}) == 1


async def test_brought_along_by_a_person_where_the_bot_is_no_member(world: World):
    away = world.server.add_guild("别人家", member=False)
    channel = world.server.add_channel(away, "客厅")
    async with world.bot():
        call = await world.server.slash(world.ming, channel, "summon", external=True, who="悟空")
        await call.acknowledged()
        await world.server.until(
            lambda: any("孙悟空" in text_of(m) for m in world.server.messages(channel))
        )
        call = await world.server.slash(world.ming, channel, "say", external=True, text="你好")
        await call.acknowledged()
        await world.server.until(
            lambda: any("知道了：你好" in text_of(m) for m in world.server.messages(channel))
        )
    assert not world.server.webhooks


async def test_a_room_goes_by_what_is_said_and_not_by_a_clients_language(world: World):
    """Hong's Discord is English; everybody speaks Chinese."""
    async with world.bot():
        await world.server.slash(world.hong, world.channel, "summon", who="悟空")
        await world.lines_until(1)
        await world.server.say(world.ming, world.channel, "悟空，你是谁？")
        lines = await world.lines_until(2)
    assert [name for name, _ in lines] == ["孙悟空", "孙悟空"]


async def test_an_idle_room_leaves_the_process_and_comes_back(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("bot.house.IDLE", 0.2)
    monkeypatch.setattr("bot.house.SWEEP", 0.0)
    other = world.server.add_channel(world.guild, "另一间")
    async with world.bot() as bot:
        await begun(world)
        await asyncio.sleep(0.8)
        await begun(world, other)
        assert set(bot.rooms._open) == {str(other)}
        await world.server.say(world.ming, world.channel, "还在吗")
        lines = await world.lines_until(2)
        assert lines[1][1] == "知道了：还在吗"
