"""The client as a whole: talk, shards, intents, heartbeats."""

from __future__ import annotations

import asyncio
import itertools
import time

import pytest

from bot.platforms.discord.faces import Faces
from tests.discord.conftest import BASE, World, begun, panel_of
from tests.fakes.discord_server import FakeDiscord, Fault, connected, text_of


async def test_summoned_by_a_nickname_and_talked_to(world: World):
    async with world.bot():
        call = await world.server.slash(world.ming, world.channel, "summon", who="猴哥")
        assert (await call.acknowledged())["type"] == 5
        await world.lines_until(1)
        await world.server.say(world.ming, world.channel, "悟空，你怕不怕紧箍咒？")
        lines = await world.lines_until(2)
    assert [name for name, _ in lines] == ["孙悟空", "孙悟空"]
    assert lines[1][1] == "知道了：悟空，你怕不怕紧箍咒？"
    faces = [m["_avatar"] for m in world.server.messages(world.channel) if m.get("webhook_id")]
    assert set(faces) == {f"{BASE}/wukong.png"}


async def test_two_characters_speak_in_turn_each_under_its_name(world: World):
    async with world.bot():
        await world.server.slash(world.ming, world.channel, "summon", who="悟空、八戒")
        await world.lines_until(2)
        await world.server.say(world.ming, world.channel, "大家好")
        lines = await world.lines_until(4)
    assert {name for name, _ in lines[2:]} == {"孙悟空", "猪八戒"}
    hooks = [m["webhook_id"] for m in world.server.messages(world.channel) if m.get("webhook_id")]
    assert len(set(hooks)) == 3  # in rotation
    assert all(a != b for a, b in itertools.pairwise(hooks))


async def test_several_shards_in_one_process_and_over_two(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    async def at_once(self, shard_id: int | None, *, initial: bool) -> None:
        return None

    monkeypatch.setattr("discord.Client.before_identify_hook", at_once)  # else 5 s a shard
    server = world.server
    second = 0
    while True:
        second = server.add_guild("另一家")
        if (second >> 22) % 2 != (world.guild >> 22) % 2:
            break
        time.sleep(0.002)
    there = server.add_channel(second, "另一间")
    owner = {(world.guild >> 22) % 2: world.channel, (second >> 22) % 2: there}
    async with (
        world.bot(shard_count=2, shard_ids=[0]),
        world.bot(shard_count=2, shard_ids=[1]),
    ):
        for channel in owner.values():
            await server.slash(world.ming, channel, "summon", who="悟空")
            await world.lines_until(1, channel)
            await server.say(world.ming, channel, f"这里是 {channel}")
            assert len(await world.lines_until(2, channel)) == 2
    async with world.bot(shard_count=2):
        await server.say(world.ming, there, "合起来")
        await world.lines_until(3, there)


async def test_heartbeats(cast, memory):

    async with FakeDiscord(heartbeat=0.2) as server:
        world = World(server, cast, memory)
        async with world.bot():
            await asyncio.sleep(1.5)
            assert server.connected
            await begun(world)
        assert server.problems == []


async def test_without_message_content_it_works_and_says_so(cast, memory):
    async with FakeDiscord(message_content=False) as server:
        world = World(server, cast, memory)
        async with world.bot():
            await server.slash(world.ming, world.channel, "summon", who="悟空")
            panel = await panel_of(world.server, world.channel)
            assert "消息内容" in text_of(panel)
            await server.say(world.ming, world.channel, "这句没人听见")
            await server.say(world.ming, world.channel, f"<@{server.bot}> 这句听得见")
            assert (await world.lines_until(2))[1][1] == "知道了：这句听得见"
            await server.slash(world.ming, world.channel, "say", text="这句也是")
            assert (await world.lines_until(3))[2][1] == "知道了：这句也是"
        assert server.problems == []
        assert server.pings == []


async def test_commands_and_faces_are_registered_when_discord_answers_again(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    left = {"/commands": 2, "/emojis": 3}

    def break_them(asked):
        for end, count in left.items():
            if asked.path.endswith(end) and count:
                left[end] -= 1
                return Fault(503)
        return None

    world.server.fault = break_them
    troupe = world.troupe()
    troupe.faces = Faces(world.cast)
    async with connected(world.server, troupe):
        await world.server.until(lambda: world.server.commands, 20)
        await world.server.until(lambda: len(world.server.emojis) == len(world.cast), 20)
    assert left == {"/commands": 0, "/emojis": 0}
