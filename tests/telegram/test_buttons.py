"""Buttons under lines: what they mean, whom they mean, and what they may not do."""

from __future__ import annotations

import asyncio
from typing import Any

from bot.commands import Order
from bot.room import Room
from tests.telegram.conftest import World


async def test_another_version_takes_the_place_of_the_first(world: World):
    async with world.bot():
        world.server.says(world.group, world.ming, "/summon wukong")
        await world.hears("孙悟空")
        numbers = iter(range(100))
        world.script = lambda prompt: f"说法{next(numbers)}"
        world.server.says(world.group, world.ming, "悟空，说句话")
        await world.hears("说法0")
        line = next(m for m in world.server.shown(world.group) if "说法0" in m.text)
        query = world.server.presses(world.group, world.ming, line.id, "retry")
        await world.hears("说法1")
        assert line.text.endswith("说法1")
        assert "2/2" in line.buttons()["retry"]
        assert query in world.server.answers
        world.server.presses(world.group, world.ming, line.id, "+")
        await world.server.until(lambda: "记下了。" in world.server.answers.values())


async def test_buttons_ask_whom_they_mean(world: World):
    async with world.bot():
        world.server.says(world.group, world.ming, "/summon wukong, pigsy")
        await world.hears("猪八戒")
        line = world.server.shown(world.group)[-1]
        world.server.presses(world.group, world.ming, line.id, "next")
        question = await world.server.until(
            lambda: next((m for m in world.server.shown(world.group) if "谁接着说" in m.text), None)
        )
        world.server.presses(world.group, world.ming, question.id, "next bajie")
        await world.server.until(lambda: question.deleted)
        said = world.server.shown(world.group)[-1]
        assert "猪八戒" in said.text.split("\n")[0]
        world.server.presses(world.group, world.ming, said.id, "dismiss")
        question = await world.server.until(
            lambda: next((m for m in world.server.shown(world.group) if "谁退场" in m.text), None)
        )
        world.server.presses(world.group, world.ming, question.id, "dismiss wukong")
        await world.hears("退场了")


async def test_a_press_that_comes_again_is_carried_out_once(world: World):
    """As after a crash between carrying out and telling Telegram so."""
    async with world.bot() as client:
        world.server.says(world.group, world.ming, "/summon wukong")
        await world.hears("孙悟空")
        numbers = iter(range(100))
        world.script = lambda prompt: f"说法{next(numbers)}"
        world.server.says(world.group, world.ming, "悟空，说句话")
        await world.hears("说法0")
        line = next(m for m in world.server.shown(world.group) if "说法0" in m.text)
        world.server.presses(world.group, world.ming, line.id, "retry")
        await world.hears("说法1")
        pressed = {
            "id": str(world.server._query), "from": world.server.people[world.ming],
            "chat_instance": "1", "message": world.server._message(line), "data": "retry",
        }  # fmt: skip
        world.server._update(world.director, {"callback_query": pressed})
        await world.server.until(lambda: not world.director.updates or not client._tasks, 10)
        await asyncio.sleep(0.5)
        await client.settled()
        assert "2/2" in line.buttons()["retry"]
        world.server.presses(world.group, world.ming, line.id, "retry")  # a new one counts
        await world.hears("说法2")


async def test_a_button_on_a_message_that_telegram_no_longer_gives_is_answered(world: World):
    async with world.bot():
        gone = {
            "id": "77", "from": world.server.people[world.ming], "chat_instance": "1",
            "message": {"chat": world.server._chat(world.group), "message_id": 3, "date": 0},
            "data": "retry",
        }  # fmt: skip
        world.server._update(world.director, {"callback_query": gone})
        await world.server.until(lambda: "77" in world.server.answers)


async def test_whoever_presses_is_a_moderator_as_telegram_says(world: World, monkeypatch):
    heard: list[tuple[str, bool]] = []

    async def obey(self: Room, order: Order, **more: Any) -> None:
        heard.append((more["person"], more["moderator"]))

    world.server.groups[world.group].admins = {world.hong}
    async with world.bot():
        world.server.says(world.group, world.ming, "/summon wukong")
        await world.hears("孙悟空")
        line = world.server.shown(world.group)[-1]
        monkeypatch.setattr(Room, "obey", obey)
        for person in (world.ming, world.hong):
            world.server.presses(world.group, person, line.id, "retry")
        await world.server.until(lambda: len(heard) == 2)
    assert sorted(heard) == [(f"telegram:{world.ming}", False), (f"telegram:{world.hong}", True)]
