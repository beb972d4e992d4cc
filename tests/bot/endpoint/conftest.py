"""A served model and cast on 127.0.0.1: the fake engine, a real embedded Redis."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from bot.endpoint.server import Bounds, Endpoint, listen
from bot.house import House
from bot.limits import Limits
from bot.room import Shared
from bot.voice import Voice
from characters.prompt import Style
from characters.style import Serving
from engine.echo import EchoEngine

KEY = "a-key-for-tests"


class Served:
    """An endpoint and what it stands on; `prompts` are what the model read."""

    def __init__(self, url: str, house: House, endpoint: Endpoint, prompts: list[str]) -> None:
        self.url = url
        self.house = house
        self.endpoint = endpoint
        self.prompts = prompts
        self.headers = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture
async def serve(cast, memory) -> AsyncIterator[Callable[..., Awaitable[Served]]]:
    """Starts endpoints: `await serve(["知道了。"], delay=…, limits=…)`."""
    leaving: list[Any] = []

    async def start(script: Any = None, **options: Any) -> Served:
        prompts: list[str] = []
        lines = itertools.cycle(script) if isinstance(script, list) else None

        def answer(prompt: str) -> str:
            prompts.append(prompt)
            said = next(lines) if lines else script(prompt) if script else "知道了。"
            if isinstance(said, Exception):
                raise said
            return said

        engine = EchoEngine(
            answer, delay=options.get("delay", 0.0), context=options.get("context", 2**20)
        )
        voice = Voice(engine, Serving(style=Style(cards="brief")), name="mini")
        told = {"limits": options.get("limits", Limits()), "book": options.get("book")}
        shared = Shared(cast, voice, memory, **told)
        if "filter" in options:
            shared.filter = options["filter"]
        house = House(shared)
        key = options.get("key", KEY)
        endpoint = Endpoint(voice, house=house, key=key, bounds=options.get("bounds", Bounds()))
        runner = await listen(endpoint, "127.0.0.1:0", key=key)
        leaving.append((runner, house))
        port = runner.addresses[0][1]
        return Served(f"http://127.0.0.1:{port}", house, endpoint, prompts)

    yield start
    for runner, house in leaving:
        await runner.cleanup()
        for room in house._rooms.values():
            await room.close()
        await house.people.close()
