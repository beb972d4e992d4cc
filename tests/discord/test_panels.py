"""Panels are shown, replaced, and work after a restart."""

# slow: waits for panels to be drawn

from __future__ import annotations

from tests.discord.conftest import World, panel_of
from tests.fakes.discord_server import text_of


async def test_the_panel_shows_who_is_here_and_works_after_a_restart(world: World):
    async with world.bot():
        await world.server.slash(world.ming, world.channel, "summon", who="悟空、八戒")
        panel = await panel_of(world.server, world.channel)
        assert "孙悟空" in text_of(panel)
        assert "猪八戒" in text_of(panel)
    async with world.bot():
        call = await world.server.click(
            world.ming, world.channel, panel["id"], "mrp:dismiss", "bajie"
        )
        await call.acknowledged()
        await world.server.until(lambda: "猪八戒" not in text_of(panel), 6)
        assert "孙悟空" in text_of(panel)


async def test_a_new_panel_takes_the_place_of_the_one_before(world: World):
    async with world.bot():
        await world.server.slash(world.ming, world.channel, "summon", who="悟空")
        first = await panel_of(world.server, world.channel)
    async with world.bot():  # which has to look for it
        await world.server.slash(world.ming, world.channel, "summon", who="八戒")
        await world.server.until(lambda: int(first["id"]) not in world.server.posts[world.channel])
        second = await panel_of(world.server, world.channel)
    assert int(second["id"]) > int(first["id"])
