"""What is heard and what is not, and votes."""

from __future__ import annotations

import asyncio

import pytest

from tests.discord.conftest import World


async def test_where_nobody_is_on_stage_nothing_is_heard(world: World):
    async with world.bot() as troupe:
        await world.server.say(world.ming, world.channel, "今天天气不错")
        await asyncio.sleep(0.2)
        room = troupe.house.memory.room("discord", str(world.channel))
        await room.look()
        assert room.turns == []
    assert len(world.server.messages(world.channel)) == 1


async def test_who_mentions_the_bot_is_heard_anywhere(world: World):
    async with world.bot():
        await world.server.say(world.ming, world.channel, f"<@{world.server.bot}> /召唤 八戒")
        lines = await world.lines_until(1)
        assert lines[0][0] == "猪八戒"
        await world.server.say(world.ming, world.channel, f"<@{world.server.bot}> 你好")
        assert (await world.lines_until(2))[1][1] == "知道了：你好"


async def test_a_mention_without_words_says_what_to_do(world: World):
    async with world.bot():
        await world.server.say(world.ming, world.channel, f"<@{world.server.bot}>")
        await world.server.until(lambda: len(world.server.messages(world.channel)) == 2)
    assert "/summon" in world.server.said(world.channel)[1][1].replace("\\", "")


async def test_bots_and_webhooks_are_not_heard(world: World):
    other = world.server.add_user("另一个机器人", bot=True)
    async with world.bot():
        await world.server.slash(world.ming, world.channel, "summon", who="悟空")
        await world.lines_until(1)
        await world.server.say(other, world.channel, "悟空，你好")
        await asyncio.sleep(0.3)
    assert len(world.lines()) == 1


async def test_commands_of_others_and_orders_as_text(world: World):
    async with world.bot():
        await world.server.slash(world.ming, world.channel, "summon", who="悟空")
        await world.lines_until(1)
        await world.server.say(world.ming, world.channel, "/roll 2d6")
        await world.server.say(world.ming, world.channel, "/召唤沙僧")
        lines = await world.lines_until(2)
    assert lines[1][0] == "沙僧" or lines[1][0] == "沙悟净"
    assert not any("roll" in text for _, text in world.server.said(world.channel)[3:])


async def test_a_thumb_is_a_vote(world: World, monkeypatch: pytest.MonkeyPatch):
    votes = []

    async def rate(self, person: str, place: str, value: int) -> bool:
        votes.append((person, place, value))
        return True

    monkeypatch.setattr("bot.room.Room.rate", rate)
    async with world.bot():
        await world.server.slash(world.ming, world.channel, "summon", who="悟空")
        await world.lines_until(1)
        line = next(m for m in world.server.messages(world.channel) if m.get("webhook_id"))
        await world.server.react(world.ming, world.channel, line["id"], "👍🏽")
        await world.server.react(world.hong, world.channel, line["id"], "👎")
        await world.server.react(world.hong, world.channel, line["id"], "🎉")
        await world.server.unreact(world.ming, world.channel, line["id"], "👍🏽")
        await world.server.until(lambda: len(votes) == 3)
    me, you = f"discord:{world.ming}", f"discord:{world.hong}"
    assert votes == [(me, line["id"], 1), (you, line["id"], -1), (me, line["id"], 0)]
