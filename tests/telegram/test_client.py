"""What people do and see on Telegram, on a strict server."""

from __future__ import annotations

import contextlib
import io
import logging

import pytest
from telegram.error import InvalidToken

from bot import logs
from bot.memory.workers import Workers
from tests.telegram.conftest import World


async def test_a_scene_in_a_group(world: World):
    async with world.bot():
        world.server.says(world.group, world.ming, "/summon@xiyou_bot 猴哥")
        await world.hears("孙悟空")
        world.server.says(world.group, world.hong, "/召唤 八戒")
        await world.hears("猪八戒")
        world.server.says(world.group, world.ming, "悟空，你怕不怕紧箍咒？")
        await world.hears("知道了：悟空，你怕不怕紧箍咒？")
        assert (world.group, "typing") in world.server.actions
        assert not world.server.drafts  # there are none in groups
        # Who spoke stands in bold above.
        line = next(m for m in world.server.shown(world.group) if "知道了" in m.text)
        assert line.html.startswith("<b>")
        assert "孙悟空" in line.text.split("\n")[0]
        # A reply to 八戒's greeting reaches 八戒, whatever it says.
        greeting = next(m for m in world.server.shown(world.group) if "猪八戒" in m.text)
        world.server.says(world.group, world.hong, "真的吗？", reply_to=greeting.id)
        await world.hears("知道了：真的吗？")
        last = next(m for m in world.server.shown(world.group) if "真的吗" in m.text)
        assert "猪八戒" in last.text.split("\n")[0]


async def test_a_restart_in_the_middle_of_a_scene(world: World):
    async with world.bot():
        world.server.says(world.group, world.ming, "/summon wukong")
        await world.hears("孙悟空")
        world.server.says(world.group, world.ming, "悟空，你好")
        await world.hears("知道了：悟空，你好")
    line = next(m for m in world.server.shown(world.group) if "知道了" in m.text)
    world.script = lambda prompt: "又来了"
    async with world.bot():
        world.server.presses(world.group, world.ming, line.id, "retry")
        await world.hears("又来了")
        assert "2/2" in line.buttons()["retry"]
        assert len([m for m in world.server.shown(world.group) if "你好" in m.text]) == 0


async def test_what_is_said_while_the_bot_is_down_is_answered_once(world: World):
    async with world.bot():
        world.server.says(world.group, world.ming, "/summon wukong")
        await world.hears("孙悟空")
    world.server.says(world.group, world.ming, "悟空，在吗？")
    for _ in range(2):
        async with world.bot() as troupe:
            await world.hears("知道了：悟空，在吗？")
            await troupe.settled()
    assert sum("在吗" in text for text in world.texts()) == 1


async def test_a_webhook_of_an_earlier_time_is_taken_away(world: World):
    world.director.webhook = {"url": "https://gone.example"}
    async with world.bot():
        world.server.says(world.ming, world.ming, "/summon wukong")
        await world.hears("孙悟空", world.ming)
    assert world.director.webhook is None


async def test_a_wrong_token_is_said_at_once(world: World):
    world.server.accounts.clear()
    with pytest.raises(InvalidToken):
        async with world.bot():
            pass


async def test_tokens_are_in_no_log(world: World):
    written = io.StringIO()
    root = logging.getLogger()
    level = root.level
    handler = logs.set_up("debug", libraries="debug", texts=True, stream=written)
    try:
        async with world.bot():
            world.server.says(world.group, world.ming, "/summon wukong")
            await world.hears("孙悟空")
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    # The HTTP library logs the addresses that it asks, and the token stands in them.
    assert "sendMessage" in written.getvalue()
    assert "AAdirector" not in written.getvalue()


async def test_one_process_asks_for_updates_and_another_goes_on_when_it_ends(world: World):
    first, second = world.house(), world.house()
    second.shared.workers = Workers(world.memory, "other/1/2/2")
    first.shared.workers = Workers(world.memory, "box/1/1/1")
    async with contextlib.AsyncExitStack() as stack:
        async with world.bot(first):
            world.server.says(world.group, world.ming, "/summon wukong")
            await world.hears("孙悟空")
            await stack.enter_async_context(world.bot(second))
            world.server.says(world.group, world.ming, "悟空，一")
            await world.hears("知道了：悟空，一")
            assert first.stats["heard"] == 2
            assert not second.stats["heard"], "it stands by"
        world.server.says(world.group, world.ming, "悟空，二")
        await world.hears("知道了：悟空，二")
        assert second.stats["heard"] == 1
    for said in ("一", "二"):
        assert sum(f"知道了：悟空，{said}" in text for text in world.texts()) == 1
