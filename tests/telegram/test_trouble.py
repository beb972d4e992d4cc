"""Redis that is busy, sends that fail, a process that dies: nobody is forgotten, nobody blocked."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
import redis.asyncio

from bot.platforms.telegram.updates import FRESH
from bot.room.inbox import FRESH as FRESH_IN_ROOMS
from tests.fakes.telegram_server import Refused
from tests.telegram.conftest import World


async def keep_busy(world: World, seconds: int) -> asyncio.Task[Any]:
    """Somebody else's script, so that Redis answers BUSY to all others."""
    path = world.memory.redis.connection_pool.connection_kwargs["path"]
    other = redis.asyncio.Redis(unix_socket_path=path, socket_timeout=30)
    await other.config_set("lua-time-limit", 100)
    script = (
        f"local t=redis.call('TIME')[1]; while redis.call('TIME')[1]-t<{seconds} do end; return 1"
    )

    async def run() -> None:
        await other.eval(script, 0)
        await other.config_set("lua-time-limit", 5000)
        await other.aclose()

    busy = asyncio.create_task(run())
    await asyncio.sleep(0.5)
    return busy


async def test_what_is_said_while_redis_is_busy_is_answered_in_order_when_it_is_free(world: World):
    async with world.bot():
        world.server.says(world.group, world.ming, "/summon 悟空")
        await world.hears("孙悟空")
        busy = await keep_busy(world, 3)
        for number in range(3):
            world.server.says(world.group, world.ming, f"悟空，第{number}问？")
            await asyncio.sleep(0.1)
        await busy
        for number in range(3):
            await world.hears(f"知道了：悟空，第{number}问？", seconds=20)
    answers = [text for text in world.texts() if "知道了" in text]
    assert [text[-3] for text in answers] == ["0", "1", "2"]


async def test_a_button_that_is_pressed_while_redis_is_busy_counts(world: World):
    async with world.bot():
        world.server.says(world.group, world.ming, "/summon 悟空")
        await world.hears("孙悟空")
        line = world.server.shown(world.group)[-1]
        world.script = lambda prompt: "换个说法"
        busy = await keep_busy(world, 3)
        world.server.presses(world.group, world.ming, line.id, "retry")
        await busy
        await world.hears("换个说法", seconds=20)


@pytest.mark.parametrize("order", ["/help", "/who", "/memory", "/cast"])
async def test_a_line_that_cannot_be_delivered_keeps_no_information_back(world: World, order):
    """Telegram refuses every line; what only informs is answered beside it."""

    def fault(method: str, data: dict[str, Any]) -> Exception | None:
        refused = method == "sendMessage" and "知道了" in str(data["text"])
        return Refused(502, "Bad Gateway") if refused else None

    world.server.pace = world.clock.pace = 1.0  # the tries take their real time
    async with world.bot():
        world.server.says(world.ming, world.ming, "/summon 悟空")
        await world.hears("孙悟空", world.ming)
        world.server.faults = fault
        world.server.says(world.ming, world.ming, "悟空，你好")
        await world.server.until(lambda: any("知道了" in str(d) for _, d in world.server.calls))
        before, since = len(world.texts(world.ming)), time.monotonic()
        world.server.says(world.ming, world.ming, order)
        await world.server.until(lambda: len(world.texts(world.ming)) > before, 5)
        assert time.monotonic() - since < 4


def test_what_is_too_old_is_the_same_for_updates_and_for_rooms():
    assert FRESH == FRESH_IN_ROOMS == 600


async def test_however_it_died_what_was_said_in_the_last_ten_minutes_is_answered_once(
    world: World,
):
    """Said before the end, while it was away, and with the answer half written."""
    world.delay = 0.05
    world.script = lambda prompt: "很长的回答，" * 30 if "长" in prompt[-60:] else "短答"
    async with world.bot():
        world.server.says(world.group, world.ming, "/summon 悟空")
        await world.hears("孙悟空")
        world.server.says(world.group, world.ming, "悟空，讲长些")
        await world.server.until(lambda: len(world.prompts) >= 1)
        await asyncio.sleep(0.3)
    world.server.says(world.group, world.hong, "悟空，还在吗？")
    old = {**world.director.updates[-1]["message"]}
    world.server.says(world.group, world.hong, "悟空，太久了")
    world.director.updates[-1]["message"]["date"] -= 601
    world.delay = 0.0
    world.script = lambda prompt: f"答：{old['text']}" if old["text"] in prompt[-200:] else "旧答"
    for _ in range(2):
        async with world.bot() as client:
            await world.hears(f"答：{old['text']}")
            await client.settled()
            await asyncio.sleep(0.3)
            await client.settled()
    shown = "\n".join(world.texts())
    assert shown.count(f"答：{old['text']}") == 1
    assert sum("期间来的 1 条消息" in text for text in world.texts()) == 1
