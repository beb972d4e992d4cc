"""Pools of webhooks: deleted, full, found again."""

from __future__ import annotations

from tests.discord.conftest import World, begun, spoken


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
            await world.server.until(lambda n=before: len(spoken(world)) >= n + 3)
    assert len(world.server.webhooks) <= 3
