"""What is heard and what is not, and votes."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from tests.discord.conftest import World, begun


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


async def turns(world: World, channel: int | None = None) -> list[str]:
    room = world.memory.room("discord", str(channel or world.channel))
    await room.look()
    return [kept.turn.text for kept in room.turns if kept.turn.side == "human"]


async def test_an_edit_is_what_was_said(world: World):
    async with world.bot():
        await begun(world)
        said = await world.server.say(world.ming, world.channel, "我住在南京")
        await world.lines_until(2)
        await world.server.edit(world.ming, world.channel, said["id"], "我住在<#1>杭州")
        await asyncio.sleep(0.3)
        assert await turns(world) == ["我住在#?杭州"]
        await world.server.say(world.ming, world.channel, "我住在哪里？")
        await world.lines_until(3)
        assert "小明：我住在#?杭州" in world.prompts[-1]
        assert "小明：我住在南京" not in world.prompts[-1]


async def test_an_edit_before_the_answer_is_what_is_answered(world: World):
    world.delay = 0.05
    async with world.bot():
        await begun(world)
        await world.server.say(world.ming, world.channel, "先来一句长的，好让下一句等一等")
        said = await world.server.say(world.ming, world.channel, "写错了")
        await world.server.edit(world.ming, world.channel, said["id"], "改好了")
        lines = await world.lines_until(3, seconds=15)
    assert lines[-1][1] == "知道了：改好了", (lines, world.prompts[-1][-300:])


async def test_the_preview_of_a_link_is_no_edit(world: World):
    async with world.bot():
        await begun(world)
        said = await world.server.say(world.ming, world.channel, "看 https://a.b")
        await world.lines_until(2)
        await world.server.unfurl(world.channel, said["id"])
        await asyncio.sleep(0.2)
        assert await turns(world) == ["看 https://a.b"]


@pytest.mark.parametrize("how", ["one by one", "in bulk"])
@pytest.mark.parametrize("where", ["server", "direct"])
async def test_a_deleted_message_is_taken_out(world: World, how: str, where: str):
    channel = world.channel if where == "server" else world.server.add_direct(world.ming)
    async with world.bot():
        await world.server.slash(world.ming, channel, "summon", who="悟空")
        await world.server.until(lambda: "孙悟空" in str(world.server.said(channel)))
        ids = []
        for text in ("我的秘密是甲", "我的秘密是乙", "今天下雨"):
            ids.append((await world.server.say(world.ming, channel, text))["id"])
            await world.server.until(
                partial(lambda t: f"知道了：{t}" in str(world.server.said(channel)), text)
            )
        if how == "in bulk":
            await world.server.delete(channel, *ids[:2])
        else:
            for one in ids[:2]:
                await world.server.delete(channel, one)
        await asyncio.sleep(0.4)
        assert await turns(world, channel) == ["今天下雨"]
        await world.server.say(world.ming, channel, "还有呢？")
        await world.server.until(lambda: "知道了：还有" in str(world.server.said(channel)))
        assert "秘密是甲" not in world.prompts[-1]


async def test_a_characters_line_that_a_moderator_deletes_is_taken_out(world: World):
    async with world.bot():
        await begun(world)
        world.script = lambda prompt: "俺说了一句不该说的话。"
        await world.server.say(world.ming, world.channel, "说吧")
        await world.lines_until(2)
        line = [m for m in world.server.messages(world.channel) if m.get("webhook_id")][-1]
        await asyncio.sleep(0.2)  # where it stands is stored
        await world.server.delete(world.channel, line["id"])
        await asyncio.sleep(0.4)
        world.script = lambda prompt: "好。"
        await world.server.say(world.ming, world.channel, "还有呢？")
        await world.lines_until(2)
        assert "不该说的话" not in world.prompts[-1]
        assert "小明：说吧" in world.prompts[-1]


async def test_after_a_restart_too_it_is_taken_out(world: World):
    """Nothing is held in a cache of Discord's: the room is opened for it."""
    async with world.bot():
        await begun(world)
        said = await world.server.say(world.ming, world.channel, "我的秘密是甲")
        await world.lines_until(2)
    async with world.bot():
        await world.server.delete(world.channel, said["id"])
        await asyncio.sleep(0.4)
        assert await turns(world) == []


async def test_what_the_bot_deletes_itself_stays_in_the_room(world: World):
    """A line whose message is gone is posted anew; the old message's end is no deletion."""
    async with world.bot():
        await begun(world)
        await world.server.say(world.ming, world.channel, "第一句")
        await world.lines_until(2)
        call = await world.server.slash(world.ming, world.channel, "retry")
        await call.acknowledged()
        await asyncio.sleep(0.4)
        assert await turns(world) == ["第一句"]


async def test_edits_and_deletions_where_nobody_plays_open_no_room(world: World):
    async with world.bot() as bot:
        said = await world.server.say(world.ming, world.channel, "与机器人无关")
        await world.server.edit(world.ming, world.channel, said["id"], "还是无关")
        await world.server.delete(world.channel, said["id"])
        await asyncio.sleep(0.2)
        assert bot.house._rooms == {}
