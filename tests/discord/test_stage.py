"""Replies are streamed, split, and shown once whatever happens to the requests."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from tests.discord.conftest import World, begun, spoken, varied
from tests.fakes.discord_server import Fault


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
        await world.server.until(lambda: "".join(t for _, t in world.lines()[1:]) == whole, 8)
    assert len(world.lines()[1:]) == 2
    assert all(text.endswith(("。", "！", "？")) for _, text in world.lines()[1:-1])
    hooks = [m["webhook_id"] for m in world.server.messages(world.channel) if m.get("webhook_id")]
    assert len(set(hooks[1:])) == 1  # the parts of a line stay together


async def test_a_line_grows_by_few_edits_and_ends_whole(world: World):
    whole = varied(60)
    world.script = lambda prompt: whole
    world.delay = 0.025
    async with world.bot():
        await world.server.slash(world.ming, world.channel, "summon", who="悟空")
        await world.lines_until(1)
        world.server.asked.clear()
        await world.server.say(world.ming, world.channel, "慢慢说")
        await world.server.until(lambda: len(world.lines()) == 2, 8)
        assert world.lines()[1][1].endswith(" ▍")
        await world.server.until(lambda: world.lines()[1][1] == whole, 12)
    writes = [
        a for a in world.server.asked if a.path.startswith("webhooks/") and "/hook-" in a.path
    ]
    assert writes[0].method == "POST"
    assert len(writes) >= 3
    drafts = [a.at for a in writes[:-1]]
    assert all(b - a >= 1.15 for a, b in itertools.pairwise(drafts))
    assert any(a.path.endswith("/typing") for a in world.server.asked)
    assert not world.server.too_many


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


async def test_a_webhook_that_is_deleted_in_mid_line(world: World):
    whole = varied(50)
    world.script = lambda prompt: whole
    world.delay = 0.02
    async with world.bot():
        await begun(world)
        await world.server.say(world.ming, world.channel, "慢慢说")
        await world.server.until(lambda: len(spoken(world)) == 2, 8)
        world.server.webhooks.clear()
        await world.server.until(lambda: whole in spoken(world), 10)
        await asyncio.sleep(0.5)
    assert spoken(world).count(whole) == 1
    assert not any(text.endswith("▍") for text in spoken(world))


async def test_a_draft_whose_answer_was_lost_ends_whole(world: World):
    whole = varied(80)
    world.server.deny(world.channel, "manage_webhooks")
    world.script = lambda prompt: whole
    world.delay = 0.02
    async with world.bot():
        await begun(world)
        left = [Fault(0, after=True)]
        world.server.fault = lambda asked: (
            left.pop() if left and asked.method == "POST" and "▍" in str(asked.body) else None
        )
        await world.server.say(world.ming, world.channel, "慢慢说")
        await world.server.until(lambda: not left and whole in spoken(world), 15)
    assert spoken(world)[1:] == [whole]


async def test_a_message_that_is_deleted_in_mid_line(world: World):
    whole = varied(50)
    world.script = lambda prompt: whole
    world.delay = 0.02
    async with world.bot():
        await begun(world)
        await world.server.say(world.ming, world.channel, "慢慢说")
        await world.server.until(lambda: len(spoken(world)) == 2, 8)
        newest = max(world.server.posts[world.channel])
        del world.server.posts[world.channel][newest]
        await world.server.until(lambda: spoken(world)[1:] == [whole], 10)


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
