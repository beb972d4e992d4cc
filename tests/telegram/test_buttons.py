"""Buttons under lines: what they mean, whom they mean, and what they may not do."""

from __future__ import annotations

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
