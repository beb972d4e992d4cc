"""A character's life on Telegram: step by step, summoned by another process, withdrawn."""

from __future__ import annotations

import pytest

from bot.casts import Casts
from tests.telegram.conftest import World


@pytest.fixture(autouse=True)
async def _nothing_made(memory):
    for pattern in ("mrp:1:{cast}:*", "mrp:1:{person:telegram:*}:*"):
        if keys := await memory.redis.keys(pattern):
            await memory.redis.delete(*keys)


async def test_made_step_by_step_and_summoned_by_its_nickname_by_another_process(world: World):
    says, ming = world.server.says, world.ming
    async with world.bot():
        says(ming, ming, "/character create")
        await world.hears("叫什么名字？", ming)
        for answer, asked in (
            ("小墨龙", "登场时说什么？"),
            ("墨龙来也！", "用一句话介绍"),
            ("一条<b>爱写字</b>的小龙。", "详细介绍"),
            ("/skip", "怎么说话"),
            ("文绉绉", "别名"),
            ("小墨", "类别"),
            ("龙", "试一句：你是谁？"),
        ):
            says(ming, ming, answer)
            await world.hears(asked, ming)
        await world.hears("一条<b>爱写字</b>的小龙。", ming)  # nobody's markup
        says(ming, ming, "/character keep private")
        await world.hears("小墨龙保存了", ming)
    async with world.bot():
        says(ming, ming, "/summon 小墨")
        await world.hears("墨龙来也！", ming)
        says(ming, ming, "/character withdraw 小墨")
        await world.hears("我这就告辞了", ming)
    casts = Casts(world.memory, world.cast)
    await casts.refresh()
    assert casts.entries() == ()


async def test_cancel_ends_it(world: World):
    says, ming = world.server.says, world.ming
    async with world.bot():
        says(ming, ming, "/character create")
        await world.hears("叫什么名字？", ming)
        says(ming, ming, "/cancel")
        await world.hears("放弃了", ming)
