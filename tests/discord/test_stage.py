"""Replies are streamed, split, and shown once whatever happens to the requests."""

from __future__ import annotations

import asyncio

import pytest

from bot.stage import Line
from tests.discord.conftest import World, begun, spoken, varied
from tests.fakes.discord_server import FakeDiscord, Fault


async def test_nothing_is_markup_or_a_ping(world: World):
    world.script = lambda prompt: "@everyone **看** <@123456789012345678> https://a.b 喂"
    world.server.users[world.ming]["global_name"] = "@here *明*"
    async with world.bot():
        await world.server.slash(world.ming, world.channel, "summon", who="悟空")
        await world.lines_until(1)
        await world.server.say(world.ming, world.channel, "@everyone 快来")
        lines = await world.lines_until(2)
    assert lines[1][1].startswith("@\u200beveryone \\*\\*看\\*\\* \\<@\u200b123")
    assert world.server.pings == []


async def test_a_long_line_is_whole_in_several_messages(world: World):
    whole = varied(3050)
    world.script = lambda prompt: whole
    async with world.bot():
        await world.server.slash(world.ming, world.channel, "summon", who="悟空")
        await world.lines_until(1)
        await world.server.say(world.ming, world.channel, "说一大段")
        await world.server.until(lambda: "".join(t for _, t in world.lines()[1:]) == whole, 30)
    assert len(world.lines()[1:]) == 2
    assert all(text.endswith(("。", "！", "？")) for _, text in world.lines()[1:-1])
    hooks = [m["webhook_id"] for m in world.server.messages(world.channel) if m.get("webhook_id")]
    assert len(set(hooks[1:])) == 1  # the parts of a line stay together


@pytest.mark.parametrize(
    "fault",
    [
        Fault(500),
        Fault(502, after=True),
        Fault(0),
        Fault(0, after=True),
        Fault(scope="user"),
        Fault(scope="shared"),
        Fault(scope="global"),
    ],
    ids=str,
)
@pytest.mark.parametrize("hooks", [True, False], ids=["webhook", "bot"])
async def test_a_line_is_shown_once_whatever_happens_to_the_request(world, fault, hooks):
    if not hooks:
        world.server.deny(world.channel, "manage_webhooks")
    async with world.bot():
        await begun(world)
        left = [fault, fault]

        def break_sends(asked):
            body = asked.body if isinstance(asked.body, dict) else {}
            sends = asked.method == "POST" and "知道了" in str(body)
            return left.pop() if sends and left else None

        world.server.fault = break_sends
        await world.server.say(world.ming, world.channel, "在吗")
        await world.server.until(lambda: len(left) < 2 and len(spoken(world)) == 2, 20)
        await asyncio.sleep(1.0)
        assert spoken(world)[1:] == ["知道了：在吗"]


async def test_where_the_bot_may_not_write_nothing_breaks(world: World):
    async with world.bot():
        await begun(world)
        world.server.deny(world.channel, "send_messages", "manage_webhooks")
        world.server.webhooks.clear()
        await world.server.say(world.ming, world.channel, "你好")
        await asyncio.sleep(0.5)
        other = world.server.add_channel(world.guild, "另一间")
        await world.server._dispatch(
            "CHANNEL_CREATE", world.server._channel(other), str(world.guild), 0
        )
        await begun(world, other)


async def test_a_line_that_is_said_once_more_is_edited_and_not_posted_anew(world: World):
    """The first attempt repeats itself; what stands there grows into the second one."""
    bad = "作为一个人工智能，我不能说这些。" + varied(40)
    good = varied(60)
    attempts = []

    def script(prompt: str) -> str:
        attempts.append(prompt)
        return bad if len(attempts) == 1 else good

    world.script = script
    world.delay = 0.02
    async with world.bot():
        await begun(world)
        world.server.asked.clear()
        await world.server.say(world.ming, world.channel, "慢慢说")
        await world.server.until(lambda: len(spoken(world)) == 2, 10)
        first = max(world.server.posts[world.channel])
        await world.server.until(
            lambda: spoken(world)[1:] == [good], 20, f"{len(attempts)} {spoken(world)} {good}"
        )
        assert len(attempts) == 2
        assert max(world.server.posts[world.channel]) == first
    hooks = [a for a in world.server.asked if "/hook-" in a.path]
    assert [a.method for a in hooks].count("POST") == 1
    assert not [a for a in hooks if a.method == "DELETE"]


async def test_a_draft_that_comes_to_nothing_goes(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bot.platforms.discord.stage.REPLACED_WITHIN", 0.3)
    async with world.bot() as bot:
        await begun(world)
        stage = bot.rooms._open[str(world.channel)].stage
        line = Line("x.0", world.cast["wukong"], "俺", "zh")
        await stage.show(line)
        await world.server.until(lambda: len(spoken(world)) == 2, 5)
        await stage.withdraw("x.0", ())
        await world.server.until(lambda: len(spoken(world)) == 1, 5)


async def test_another_line_does_not_wait_for_a_draft_that_goes(world: World):
    async with world.bot() as bot:
        await begun(world)
        stage = bot.rooms._open[str(world.channel)].stage
        await stage.show(Line("x.0", world.cast["wukong"], "俺", "zh"))
        await world.server.until(lambda: len(spoken(world)) == 2, 5)
        await stage.withdraw("x.0", ())
        await stage.show(Line("y.0", world.cast["wukong"], "来也", "zh", done=True))
    assert spoken(world)[1:] == ["来也"]


async def test_an_unexpected_exception_does_not_lose_the_line(cast, memory, monkeypatch, caplog):
    """It is tried again, and not left to a restart."""
    from bot.platforms.discord.outlets import ChannelOutlet

    post, left = ChannelOutlet.post, [KeyError("id"), ValueError("no JSON")]

    async def breaks(self, *args, **more):
        if left:
            raise left.pop()
        return await post(self, *args, **more)

    async with FakeDiscord() as server:
        world = World(server, cast, memory)
        async with world.bot():
            await begun(world)
            monkeypatch.setattr(ChannelOutlet, "post", breaks)
            await server.say(world.ming, world.channel, "在吗")
            await server.until(lambda: "知道了：在吗" in spoken(world), 10)
    assert not left
    assert "KeyError" in caplog.text
