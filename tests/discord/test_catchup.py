"""What is said while the bot is away."""

from __future__ import annotations

import asyncio

import pytest

from tests.discord.conftest import World, begun, spoken


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
