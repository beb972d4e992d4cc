"""The same bot on SimCord, a simulation of Discord that others keep: a second opinion."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import Any

import simcord

from tests.discord.conftest import World


async def done(action: Awaitable[Any]) -> None:
    """SimCord waits until no task of the bot waits for anything; ours wait for Redis."""
    with contextlib.suppress(TimeoutError):
        await action
    await asyncio.sleep(0.2)


async def test_commands_webhooks_and_buttons(world: World):
    troupe = world.troupe(reads=True, shard_count=1)
    async with simcord.run(troupe, strict_sync=True, settle_timeout=0.3) as env:
        # SimCord answers what goes through the client's own session; ours would go to the network.
        troupe.webhooks._session = troupe.http._HTTPClient__session  # type: ignore[attr-defined]
        guild = env.create_guild()
        channel = guild.create_text_channel("花果山")
        ming = guild.add_member(env.create_user("ming"))
        await done(ming.slash(channel, "summon", who="猴哥 bajie"))
        await done(ming.send(channel, "悟空，你好"))
        await done(ming.send(channel, "八戒呢？"))
        lines = [m for m in channel.history() if m.webhook_id]
        assert [m.author.name for m in lines] == [
            "孙悟空", "猪八戒", "孙悟空", "猪八戒",
        ]  # fmt: skip
        assert lines[2].content == "知道了：悟空，你好"
        assert len({m.webhook_id for m in lines}) == 3
        panel = next(m for m in channel.history() if m.author.bot and not m.webhook_id)
        await done(ming.click(panel, custom_id="mrp:stop"))
        await done(ming.select(panel, ["wukong"], custom_id="mrp:dismiss"))
        await done(ming.send(channel, "还有谁？"))
        assert channel.history()[-1].author.name == "猪八戒"
