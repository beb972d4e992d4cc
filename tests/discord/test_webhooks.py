"""Pools of webhooks: deleted, full, found again."""

from __future__ import annotations

import asyncio
import time
from functools import partial

import pytest

from tests.discord.conftest import World, begun, spoken, varied
from tests.fakes.discord_server import Fault


async def test_a_webhook_that_was_deleted_is_replaced(world: World):
    async with world.bot():
        await begun(world)
        world.server.webhooks.clear()
        for text in ("一", "二", "三", "四"):
            await world.server.say(world.ming, world.channel, text)
        await world.server.until(lambda: len(spoken(world)) == 5, 10)
    assert spoken(world)[1:] == ["知道了：一", "知道了：二", "知道了：三", "知道了：四"]
    assert 0 < len(world.server.webhooks) <= 3


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
            await world.server.until(partial(lambda n: len(spoken(world)) >= n + 3, before))
    assert len(world.server.webhooks) <= 3


@pytest.mark.parametrize("status", [500, 502, 503, 404, 403, 429])
async def test_where_webhooks_fail_the_bot_itself_speaks(world: World, status: int):
    """Whole lines at once, and in time: nothing waits for a webhook to heal."""
    async with world.bot():
        await begun(world)
        world.server.fault = lambda asked: (
            Fault(status) if asked.path.startswith("webhooks/") and "/hook-" in asked.path else None
        )
        began = time.monotonic()
        for text in ("一", "二"):
            await world.server.say(world.ming, world.channel, text)
        await world.server.until(lambda: len(spoken(world)) == 3, 20)
        assert time.monotonic() - began < (20 if status == 429 else 5)
        # and orders are answered meanwhile
        call = await world.server.slash(world.ming, world.channel, "memory")
        await call.acknowledged()
        answer = world.server.answer_to(call)
        await world.server.until(lambda: answer["content"], 5)
    assert spoken(world)[1:] == ["知道了：一", "知道了：二"]


@pytest.mark.parametrize("asked_for", ["GET", "POST"])
async def test_where_webhooks_cannot_be_listed_or_made_the_bot_itself_speaks(
    world: World, asked_for: str
):
    world.server.fault = lambda asked: (
        Fault(503) if asked.method == asked_for and asked.path.endswith("/webhooks") else None
    )
    async with world.bot():
        await begun(world)
        await world.server.say(world.ming, world.channel, "在吗")
        await world.server.until(lambda: len(spoken(world)) == 2, 10)
    assert not world.server.webhooks


async def test_a_draft_whose_webhook_fails_is_finished_by_the_bot(world: World):
    whole = varied(80)
    world.script = lambda prompt: whole
    world.delay = 0.02
    async with world.bot():
        await begun(world)
        await world.server.say(world.ming, world.channel, "慢慢说")
        await world.server.until(lambda: len(spoken(world)) == 2, 8)
        broken = [True]
        world.server.fault = lambda asked: Fault(503) if broken and "/hook-" in asked.path else None
        await world.server.until(lambda: whole in spoken(world), 15)
        broken.clear()
        await asyncio.sleep(0.2)
        await world.server.say(world.ming, world.channel, "再说")
        await world.server.until(lambda: spoken(world).count(whole) == 2, 15)
        await asyncio.sleep(0.5)
    # the half line is deleted as soon as the webhook answers again
    assert not any(text.endswith("▍") for text in spoken(world))


async def test_webhooks_are_used_again_when_they_heal(world: World, monkeypatch):
    monkeypatch.setattr("bot.platforms.discord.webhooks.FAILING_FOR", 0.5)
    async with world.bot():
        await begun(world)
        left = [Fault(503)]
        world.server.fault = lambda asked: left.pop() if left and "/hook-" in asked.path else None
        await world.server.say(world.ming, world.channel, "一")
        await world.server.until(lambda: len(spoken(world)) == 2, 5)
        await asyncio.sleep(0.6)
        await world.server.say(world.ming, world.channel, "二")
        await world.server.until(lambda: len(world.lines()) == 2, 5)
