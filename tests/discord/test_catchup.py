"""What is said while the bot is away."""

from __future__ import annotations

import asyncio
import datetime
import math

import pytest

from bot.limits import Limits, Rate
from tests.discord.conftest import World, begun, finished, spoken


@pytest.mark.parametrize("how", ["drop", "reconnect", "invalid", "invalid but resumable"])
async def test_what_is_said_while_the_connection_is_away_is_answered_once(world: World, how: str):
    async with world.bot():
        await begun(world)
        await world.server.say(world.ming, world.channel, "先")
        await world.lines_until(2)
        match how:
            case "drop":
                await world.server.drop()
            case "reconnect":
                await world.server.ask_reconnect()
            case "invalid":
                await world.server.invalidate()
            case _:
                await world.server.invalidate(resumable=True)
        await world.server.say(world.ming, world.channel, "断")
        await world.server.until(lambda: "知道了：断" in spoken(world), 20)
        await world.server.say(world.ming, world.channel, "后")
        await world.server.until(lambda: "知道了：后" in spoken(world), 10)
        await asyncio.sleep(0.3)
    assert sorted(spoken(world)[1:]) == sorted(["知道了：先", "知道了：断", "知道了：后"])
    assert (world.server.identified, world.server.resumed) == (
        (2, 0) if how == "invalid" else (1, 1)
    )


async def test_what_was_said_while_no_process_ran_is_answered_once(world: World):
    """In rooms where nothing was unfinished, in direct messages, and where the bot is mentioned."""
    server = world.server
    direct = server.add_direct(world.ming)
    quiet = server.add_channel(world.guild, "没人的地方")
    async with world.bot():
        await begun(world)
        await server.slash(world.ming, direct, "summon", who="悟空")
        await server.until(lambda: len(server.messages(direct)) >= 2)
        await server.say(world.ming, world.channel, "先")
        await server.until(lambda: "知道了：先" in spoken(world))
        await server.say(world.ming, quiet, "与机器人无关")
        await asyncio.sleep(0.1)
    await server.say(world.ming, world.channel, "停机时说的")
    await server.say(world.ming, direct, "私下说的")
    await server.say(world.ming, quiet, f"<@{server.bot}> /召唤 八戒")
    for _ in range(2):
        async with world.bot():
            await server.until(lambda: "知道了：停机时说的" in spoken(world), 10)
            await server.until(lambda: "知道了：私下说的" in str(server.said(direct)), 10)
            await server.until(lambda: world.lines(quiet), 10)
            await asyncio.sleep(0.5)
    assert spoken(world)[1:] == ["知道了：先", "知道了：停机时说的"]
    assert str(server.said(direct)).count("知道了：私下说的") == 1
    assert world.lines(quiet)[0][0] == "猪八戒"
    assert len(world.lines(quiet)) == 1


async def test_old_messages_take_nothing_of_what_a_person_may_say(world: World):
    """A person may say three things; four that were answered before a restart do not count."""
    server = world.server
    async with world.bot():
        await begun(world)
        for number in range(4):
            await server.say(world.ming, world.channel, f"旧话 {number}")
        await server.until(lambda: len(spoken(world)) == 5, 10)
    house = world.house(Limits(Rate(3, 0.001), Rate(math.inf, 1)))
    async with world.bot(house):
        await asyncio.sleep(0.5)  # the old ones are read again
        for number in range(3):
            await server.say(world.ming, world.channel, f"新话 {number}")
        await server.until(lambda: len(spoken(world)) == 8, 10)
    assert spoken(world)[5:] == [f"知道了：新话 {n}" for n in range(3)]


async def test_a_mention_without_words_is_not_answered_again(world: World):
    async with world.bot():
        await world.server.say(world.ming, world.channel, f"<@{world.server.bot}>")
        await world.server.until(lambda: len(world.server.messages(world.channel)) == 2)
    async with world.bot():
        await asyncio.sleep(0.5)
    assert len(world.server.messages(world.channel)) == 2


async def test_what_was_erased_is_not_heard_again_after_a_restart(world: World):
    direct = world.server.add_direct(world.ming)
    async with world.bot():
        await world.server.slash(world.ming, direct, "summon", who="悟空")
        await world.server.until(lambda: len(world.server.messages(direct)) >= 2)
        await world.server.say(world.ming, direct, "我的秘密是甲")
        await world.server.until(lambda: "知道了：我的秘密" in str(world.server.said(direct)))
        await world.server.say(world.ming, direct, "/忘记 全部")
        await world.server.until(lambda: "抹去" in str(world.server.said(direct)))
    before = len(world.server.messages(direct))
    async with world.bot() as bot:
        await asyncio.sleep(0.6)
        assert len(world.server.messages(direct)) == before
        known = bot.house.memory.room("discord", str(direct))
        await known.look()
        assert known.turns == []


async def test_older_messages_are_left(world: World, monkeypatch: pytest.MonkeyPatch):
    async with world.bot():
        await begun(world)
    await world.server.say(world.ming, world.channel, "从前说的")
    monkeypatch.setattr("bot.platforms.discord.catchup.FRESH", datetime.timedelta(seconds=-5))
    async with world.bot():
        await asyncio.sleep(0.5)
    assert len(spoken(world)) == 1


async def test_quiet_channels_open_no_rooms(world: World):
    server = world.server
    channels = [server.add_channel(world.guild, f"闲聊 {n}") for n in range(30)]
    async with world.bot() as bot:
        for channel in channels:
            await server.say(world.ming, channel, "今天天气不错")
        await server.invalidate()
        await server.until(lambda: server.identified == 2, 20)
        await begun(world)
        assert len(bot.house._rooms) == 1
        assert len(bot.messages._newest) <= 1
        assert bot.messages._locks == {}
        assert not [a for a in server.asked if a.method == "POST" and "/webhooks" in a.path][3:]


async def test_in_a_busy_channel_the_newest_are_read(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bot.platforms.discord.catchup.MOST_MISSED", 3)
    async with world.bot() as bot:
        await begun(world)
        await finished(bot)
    for number in range(6):
        await world.server.say(world.ming, world.channel, f"第 {number}")
    async with world.bot():
        await world.server.until(lambda: len(spoken(world)) == 4, 10)
        await asyncio.sleep(0.3)
    assert spoken(world)[1:] == ["知道了：第 3", "知道了：第 4", "知道了：第 5"]
