"""A reply while it grows: edits, and messages that are taken away in the middle."""

from __future__ import annotations

import asyncio
import itertools

from tests.discord.conftest import World, begun, spoken, varied
from tests.fakes.discord_server import Fault


async def test_a_line_grows_by_few_edits_and_ends_whole(world: World):
    whole = varied(60)
    world.script = lambda prompt: whole
    world.delay = 0.025
    async with world.bot():
        await world.server.slash(world.ming, world.channel, "summon", who="悟空")
        await world.lines_until(1)
        world.server.asked.clear()
        await world.server.say(world.ming, world.channel, "慢慢说")
        await world.server.until(lambda: len(world.lines()) == 2, 8)
        assert world.lines()[1][1].endswith(" ▍")
        await world.server.until(lambda: world.lines()[1][1] == whole, 12)
    writes = [
        a for a in world.server.asked if a.path.startswith("webhooks/") and "/hook-" in a.path
    ]
    assert writes[0].method == "POST"
    assert len(writes) >= 3
    drafts = [a.at for a in writes[:-1]]
    assert all(b - a >= 1.15 for a, b in itertools.pairwise(drafts))
    assert any(a.path.endswith("/typing") for a in world.server.asked)
    assert not world.server.too_many


async def test_a_webhook_that_is_deleted_in_mid_line(world: World):
    whole = varied(50)
    world.script = lambda prompt: whole
    world.delay = 0.02
    async with world.bot():
        await begun(world)
        await world.server.say(world.ming, world.channel, "慢慢说")
        await world.server.until(lambda: len(spoken(world)) == 2, 8)
        world.server.webhooks.clear()
        await world.server.until(lambda: whole in spoken(world), 10)
        await asyncio.sleep(0.5)
    assert spoken(world).count(whole) == 1
    assert not any(text.endswith("▍") for text in spoken(world))


async def test_a_draft_whose_answer_was_lost_ends_whole(world: World):
    whole = varied(80)
    world.server.deny(world.channel, "manage_webhooks")
    world.script = lambda prompt: whole
    world.delay = 0.02
    async with world.bot():
        await begun(world)
        left = [Fault(0, after=True)]
        world.server.fault = lambda asked: (
            left.pop() if left and asked.method == "POST" and "▍" in str(asked.body) else None
        )
        await world.server.say(world.ming, world.channel, "慢慢说")
        await world.server.until(lambda: not left and whole in spoken(world), 15)
    assert spoken(world)[1:] == [whole]


async def test_a_message_that_is_deleted_in_mid_line(world: World):
    whole = varied(50)
    world.script = lambda prompt: whole
    world.delay = 0.02
    async with world.bot():
        await begun(world)
        await world.server.say(world.ming, world.channel, "慢慢说")
        await world.server.until(lambda: len(spoken(world)) == 2, 8)
        newest = max(world.server.posts[world.channel])
        del world.server.posts[world.channel][newest]
        await world.server.until(lambda: spoken(world)[1:] == [whole], 10)
