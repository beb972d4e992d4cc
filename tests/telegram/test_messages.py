"""What people write: talk, Telegram's own commands, and whose words they are."""

from __future__ import annotations

import asyncio

from tests.telegram.conftest import STORY, World


async def test_stop_breaks_a_line_off(world: World):
    world.delay = 0.05
    world.script = lambda prompt: STORY
    async with world.bot():
        world.server.says(world.group, world.ming, "/summon wukong")
        await world.hears("孙悟空")
        world.server.says(world.group, world.ming, "悟空，讲个长故事")
        await world.server.until(lambda: world.prompts)
        await asyncio.sleep(0.3)
        world.server.says(world.group, world.ming, "/stop")
        await world.hears("停了")
        await world.hears("——")


async def test_a_new_group_is_told_about_privacy_mode(world: World):
    world.director.privacy = True
    async with world.bot():
        world.server.adds(world.group, world.ming, world.director)
        await world.hears("/setprivacy")
