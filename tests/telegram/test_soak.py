"""Many messages while the server fails now and then: each is answered once, none is too much.

MRP_SOAK=1000 pytest tests/telegram/test_soak.py -s
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import random
from typing import Any

import pytest

from bot.voice import _last_said
from tests.fakes.telegram_server import Dropped, Refused
from tests.telegram.conftest import World

MESSAGES = int(os.environ.get("MRP_SOAK", "60"))
FAULTS = 0.1


def answer(text: str) -> str:
    """Unlike any other, as a room cuts off who repeats himself; with markup not to be obeyed."""
    digest = hashlib.blake2s(text.encode(), digest_size=16).hexdigest()
    return f"<b>{digest}&amp; @all"


@pytest.mark.timeout(1800)
async def test_soak(world: World, caplog):
    caplog.set_level(logging.ERROR)
    chance = random.Random(7)
    groups = [world.group, *(world.server.group(f"群{n}") for n in range(max(2, MESSAGES // 50)))]
    failed: list[str] = []

    def fault(method: str, data: dict[str, Any]) -> Exception | None:
        if method in ("getMe", "setMyCommands") or chance.random() >= FAULTS:
            return None
        failed.append(method)
        kind = chance.randrange(4)
        if kind == 0:
            return Refused(502, "Bad Gateway")
        if kind == 1:
            return Refused(429, "Too Many Requests: retry after 3", retry_after=3)
        if kind == 2:
            return Refused(500, "Internal Server Error")
        return Dropped()

    asked: dict[str, int] = {}
    world.script = lambda prompt: answer(_last_said(prompt))
    async with world.bot() as troupe:
        for group in groups:
            world.server.says(group, world.ming, "/summon wukong")
            await world.hears("孙悟空", group)
        world.server.faults = fault
        for number in range(MESSAGES):
            group = chance.choice(groups)
            text = f"悟空，第{number}问？"
            asked[text] = group
            world.server.says(group, chance.choice([world.ming, world.hong]), text)
            await asyncio.sleep(chance.random() * 0.02)

        waiting = dict(asked)

        def answered() -> bool:
            shown = {group: "\n".join(world.texts(group)) for group in groups}
            for text in [t for t, group in waiting.items() if answer(t) in shown[group]]:
                del waiting[text]
            return not waiting

        await world.server.until(answered, 60 + MESSAGES)
        world.server.faults = lambda method, data: None
        await troupe.settled()
    for text, group in asked.items():
        shown = [m.text for m in world.server.shown(group) if answer(text) in m.text]
        assert len(shown) == 1, (text, shown)
    assert failed
    assert not world.server.broken
    errors = [record.getMessage() for record in caplog.records]
    assert not errors
    print(f"\n{len(asked)} messages, {len(world.server.calls)} calls, {len(failed)} failed")
