"""Responses to interactions: files, and those that come too late."""

from __future__ import annotations

import json

import pytest

from tests.discord.conftest import World, begun
from tests.fakes.discord_server import Fault


async def test_a_long_answer_is_a_file(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bot.platforms.discord.answers.LONGEST_TOLD", 100)
    async with world.bot():
        call = await world.server.slash(world.ming, world.channel, "export")
        await call.acknowledged()
        answer = world.server.posts[world.channel][call.original]
        await world.server.until(lambda: answer["_files"])
    assert answer["flags"] & 64
    assert json.loads(answer["_files"]["mrp.json"])


async def test_an_answer_that_comes_too_late_is_said_in_the_channel(world: World):
    async with world.bot():
        await begun(world)
        world.server.fault = lambda asked: Fault(404) if asked.path.endswith("/callback") else None
        call = await world.server.slash(world.ming, world.channel, "summon", who="林黛玉")
        await world.server.until(
            lambda: any("林黛玉" in text for _, text in world.server.said(world.channel))
        )
        call.answer.set_result({})
