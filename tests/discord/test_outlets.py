"""Messages of characters with and without webhooks."""

from __future__ import annotations

from tests.discord.conftest import World, begun, spoken
from tests.fakes.discord_server import Fault


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
