"""What Discord really does: limits, lost answers, dropped connections, things deleted under us."""

from __future__ import annotations

import asyncio

import pytest

from tests.discord.conftest import World, varied
from tests.fakes.discord_server import Fault, text_of


def spoken(world: World, channel: int | None = None) -> list[str]:
    """Texts of characters, through whatever they were sent."""
    found = []
    for message in world.server.messages(channel or world.channel):
        text = text_of(message)
        if message.get("webhook_id"):
            found.append(text)
        elif text.startswith("**孙悟空**\n"):
            found.append(text.partition("\n")[2])
    return found


async def begun(world: World, channel: int | None = None) -> None:
    where = channel or world.channel
    await world.server.slash(world.ming, where, "summon", who="悟空")
    await world.server.until(lambda: spoken(world, where))


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


async def test_lost_answers_where_history_may_not_be_read(world: World):
    world.server.deny(world.channel, "read_message_history")
    async with world.bot():
        await begun(world)
        left = [Fault(502)]
        world.server.fault = lambda asked: (
            left.pop() if left and asked.method == "POST" and "/hook-" in asked.path else None
        )
        await world.server.say(world.ming, world.channel, "在吗")
        await world.server.until(lambda: len(spoken(world)) == 2, 10)


async def test_without_manage_webhooks_a_heading_and_a_face(world: World):
    world.server.deny(world.channel, "manage_webhooks")
    async with world.bot():
        await begun(world)
        await world.server.say(world.ming, world.channel, "你好")
        await world.server.until(lambda: spoken(world)[1:] == ["知道了：你好"])
    assert not world.server.webhooks
    nonces = [m.get("nonce") for m in world.server.messages(world.channel) if m.get("nonce")]
    assert len(nonces) == len(set(nonces)) == 2


async def test_a_webhook_that_was_deleted_is_replaced(world: World):
    async with world.bot():
        await begun(world)
        world.server.webhooks.clear()
        for text in ("一", "二", "三", "四"):
            await world.server.say(world.ming, world.channel, text)
        await world.server.until(lambda: len(spoken(world)) == 5, 10)
    assert spoken(world)[1:] == ["知道了：一", "知道了：二", "知道了：三", "知道了：四"]
    assert 0 < len(world.server.webhooks) <= 3


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


async def test_a_channel_that_is_full_of_webhooks(world: World):
    for number in range(15):
        world.server.add_webhook(world.channel, f"别人的 {number}")
    async with world.bot():
        await begun(world)
        assert spoken(world)
    assert len(world.server.webhooks) == 15


async def test_a_channel_with_one_place_left(world: World):
    for number in range(14):
        world.server.add_webhook(world.channel, f"别人的 {number}")
    async with world.bot():
        await begun(world)
        for text in ("一", "二"):
            await world.server.say(world.ming, world.channel, text)
        await world.lines_until(3)
    assert len(world.server.webhooks) == 15


async def test_webhooks_of_an_earlier_start_are_used_again(world: World):
    for _ in range(2):
        async with world.bot():
            await begun(world)
            before = len(spoken(world))
            for text in ("一", "二", "三"):
                await world.server.say(world.ming, world.channel, text)
            await world.server.until(lambda n=before: len(spoken(world)) >= n + 3)
    assert len(world.server.webhooks) <= 3


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


async def test_heartbeats(cast, memory):
    from tests.fakes.discord_server import FakeDiscord

    async with FakeDiscord(heartbeat=0.2) as server:
        world = World(server, cast, memory)
        async with world.bot():
            await asyncio.sleep(1.5)
            assert server.connected
            await begun(world)
        assert server.problems == []


async def test_an_answer_that_comes_too_late_is_said_in_the_channel(world: World):
    async with world.bot():
        await begun(world)
        world.server.fault = lambda asked: Fault(404) if asked.path.endswith("/callback") else None
        call = await world.server.slash(world.ming, world.channel, "summon", who="林黛玉")
        await world.server.until(
            lambda: any("林黛玉" in text for _, text in world.server.said(world.channel))
        )
        call.answer.set_result({})


async def test_an_order_whose_answer_is_lost_is_carried_out_once(world: World):
    left = [Fault(0, after=True)]
    world.server.fault = lambda asked: (
        left.pop() if left and asked.path.endswith("/callback") else None
    )
    async with world.bot():
        await world.server.slash(world.ming, world.channel, "summon", who="悟空")
        await world.server.until(lambda: spoken(world), 6)
        await asyncio.sleep(0.5)
    assert len(spoken(world)) == 1
