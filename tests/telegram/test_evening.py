"""An evening in a group with the shipped model: real engine, real Redis, a restart in between."""

from __future__ import annotations

import asyncio
import re
from functools import partial

import pytest

from bot.house import House
from bot.limits import Limits
from bot.room import Shared
from bot.voice import open_voice
from engine.llama import LlamaEngine
from hub.choice import SHIPPED
from tests.telegram.conftest import FREELY, World


def house(world: World, limits: Limits | None = None) -> House:
    limits = limits or Limits(FREELY, FREELY)
    return House(Shared(world.cast, open_voice(str(SHIPPED), seed=3), world.memory, limits=limits))


def spoken(world: World) -> list[str]:
    """Who has spoken, in order."""
    heads = (re.match(r"\S+ (孙悟空|猪八戒|唐僧|沙僧)\n", m.text) for m in
             world.server.shown(world.group))  # fmt: skip
    return [head[1] for head in heads if head]


@pytest.mark.timeout(600)
async def test_an_evening_with_the_shipped_model(world: World):
    server, group = world.server, world.group
    open_house = house(world)
    try:
        async with world.bot(open_house) as troupe:
            server.says(group, world.ming, "/summon@xiyou_bot 猴哥")
            await world.hears("孙悟空", seconds=60)
            server.says(group, world.hong, "/summon Pigsy")
            await world.hears("猪八戒", seconds=60)
            said = len(spoken(world))
            server.says(group, world.ming, "悟空、八戒，你们饿不饿？")
            await server.until(lambda: len(spoken(world)) >= said + 2, 60)
            await troupe.settled()
            assert spoken(world)[said : said + 2] == ["孙悟空", "猪八戒"]
            # Somebody replies to 八戒, and 八戒 it is who answers.
            line = [m for m in server.shown(group) if "猪八戒" in m.text.split("\n")[0]][-1]
            said = len(spoken(world))
            server.says(group, world.hong, "真的？", reply_to=line.id)
            await server.until(lambda: len(spoken(world)) > said, 60)
            await troupe.settled()
            assert spoken(world)[said] == "猪八戒"
            last = [m for m in server.shown(group) if m.buttons()][-1]
            server.presses(group, world.ming, last.id, "retry")
            await server.until(lambda: "2/2" in last.buttons().get("retry", ""), 60)
    finally:
        await open_house.close()
    world.memory = await _again(world)
    open_house = house(world)
    try:
        async with world.bot(open_house) as troupe:
            # The buttons of before still mean what they meant.
            server.presses(group, world.ming, last.id, "retry")
            await server.until(lambda: "3/3" in last.buttons().get("retry", ""), 60)
            # Stopped in the middle of a line, which this model writes in a tenth of a second.
            for attempt in range(20):
                shown = len(server.shown(group))
                server.says(group, world.ming, f"悟空，从头细细讲来，第 {attempt} 回，讲长些。")
                engine = open_house.voice.engine
                assert isinstance(engine, LlamaEngine)
                while not engine.stats().writing:
                    await asyncio.sleep(0.002)
                server.says(group, world.hong, "/stop")
                await server.until(partial(lambda n: len(server.shown(group)) > n, shown), 60)
                await troupe.settled()
                if any(m.text.endswith("——") for m in server.shown(group)[shown:]):
                    break
            else:
                raise AssertionError(f"nobody was stopped: {world.texts(group)}")
            server.says(group, world.ming, "/dismiss 悟空")
            await world.hears("退场了", seconds=60)
            server.says(group, world.ming, "/forget 全部")
            await troupe.settled()
    finally:
        await open_house.close()
        world.memory = await _again(world)


async def _again(world: World):
    from bot.memory import open_memory

    # The same embedded server: its folder is the one of the fixture.
    return await open_memory(None, folder=world.folder, patience=5)
