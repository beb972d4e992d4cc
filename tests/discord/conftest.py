"""The bot on a Discord of 127.0.0.1, with a real embedded Redis and a scripted engine."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import math
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bot.house import House
from bot.limits import Limits, Rate
from bot.memory import Memory, open_memory
from bot.platforms.discord.client import DiscordClient
from bot.platforms.discord.faces import Faces
from bot.room import Shared
from bot.voice import Voice, _last_said
from characters.card import Cast, load_cast
from characters.prompt import Style
from characters.style import Serving
from engine.echo import EchoEngine
from speech.hearer import Hearer
from speech.speaker import Speaker
from tests.fakes.discord_server import FakeDiscord, connected, text_of, walk

BASE = "https://faces.example"
FREELY = Rate(math.inf, 1)


def varied(length: int) -> str:
    """A text of so many characters without repetition, which would be taken for a loop."""
    cards = load_cast()
    texts = [t for c in cards for t in (c.persona.zh, c.style.zh, *c.lines.zh, *c.greeting.zh)]
    whole = "".join(texts)
    assert len(whole) >= length
    return whole[:length]


class World:
    """One guild with one channel, two people, and the bot, started by `async with world.bot()`."""

    # What single test files add to theirs.
    direct: int  # a direct message
    role: int
    other: int
    moderated: list[bool]

    def __init__(self, server: FakeDiscord, cast: Cast, memory: Memory) -> None:
        self.server = server
        self.cast = cast
        self.memory = memory
        self.ming = server.add_user("小明")
        self.hong = server.add_user("Hong", locale="en-US")
        self.guild = server.add_guild("取经路")
        self.channel = server.add_channel(self.guild, "花果山")
        self.delay = 0.0
        self.speaker: Speaker | None = None
        self.hearer: Hearer | None = None
        self.script: Callable[[str], str] = lambda prompt: f"知道了：{_last_said(prompt)}"
        self.prompts: list[str] = []

    def house(self, limits: Limits | None = None) -> House:
        def answer(prompt: str) -> str:
            self.prompts.append(prompt)
            return self.script(prompt)

        engine = EchoEngine(answer, context=2**20, delay=self.delay)
        voice = Voice(engine, Serving(style=Style(cards="brief"), max_tokens=2**16), name="echo")
        limits = limits or Limits(FREELY, FREELY)
        shared = Shared(self.cast, voice, self.memory, limits=limits)
        shared.speaker, shared.hearer = self.speaker, self.hearer
        return House(shared)

    def troupe(self, house: House | None = None, **more: Any) -> DiscordClient:
        more = {"reads": bool(self.server.approved), "guild_ready_timeout": 0.05} | more
        house = house or self.house()
        return DiscordClient(house, faces=Faces(self.cast, base=BASE), **more)

    @contextlib.asynccontextmanager
    async def bot(self, house: House | None = None, **more: Any) -> AsyncIterator[DiscordClient]:
        troupe = self.troupe(house, **more)
        try:
            async with connected(self.server, troupe):
                await self.server.until(lambda: self.server.commands or 0 not in troupe.shards)
                yield troupe
        finally:
            # What rooms do in the background ends before their memory is closed.
            for room in list(troupe.house._rooms.values()):
                await room.close()
            await troupe.house.people.close()

    def lines(self, channel: int | None = None) -> list[tuple[str, str]]:
        """(name, text) of what characters said, as it stands."""
        where = channel or self.channel
        return [
            (m["author"]["username"], m["content"])
            for m in self.server.messages(where)
            if m.get("webhook_id")
        ]

    async def lines_until(self, count: int, channel: int | None = None, seconds: float = 5.0):
        """That many lines, all of them whole."""
        await self.server.until(
            lambda: (
                len(found := self.lines(channel)) >= count
                and not any(text.endswith("▍") for _, text in found)
            ),
            seconds,
            f"not {count} whole lines: {self.lines(channel)}",
        )
        return self.lines(channel)


def spoken(world: World, channel: int | None = None) -> list[str]:
    """Texts of characters, through whatever they were sent."""
    found = []
    for message in world.server.messages(channel or world.channel):
        text = text_of(message)
        if message.get("webhook_id"):
            found.append(text)
        elif text.startswith("**孙悟空**\n"):
            found.append(text.partition("\n")[2])
    return found


async def begun(world: World, channel: int | None = None) -> None:
    where = channel or world.channel
    await world.server.slash(world.ming, where, "summon", who="悟空")
    await world.server.until(lambda: spoken(world, where))


async def finished(bot: DiscordClient) -> None:
    """Wait until nothing is in hand that another process would take up, and say so."""
    async with asyncio.timeout(10):
        # The memory also holds what tests before this one broke off, in channels of other worlds.
        while any(
            bot.get_channel(int(name))
            for name in await bot.house.unfinished("discord")
            if name.isdigit()
        ):
            await asyncio.sleep(0.01)


async def panel_of(server: FakeDiscord, channel: int) -> dict:
    """The panel that stands in a channel, once it is there."""

    def found() -> dict | None:
        for message in reversed(server.messages(channel)):
            if any(c.get("custom_id") == "mrp:stop" for c in walk(message["components"])):
                return message
        return None

    return await server.until(found)


@pytest.fixture(scope="session")
def cast() -> Cast:
    return load_cast()


_numbers = itertools.count()


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory):
    return tmp_path_factory.mktemp("discord")


@pytest.fixture
async def memory(data) -> AsyncIterator[Memory]:
    opened = await open_memory(None, folder=data / "mrp", patience=5)
    yield opened
    await opened.close()


@pytest.fixture(scope="session", autouse=True)
def _one_server(data):
    """Keep the embedded Redis alive between tests; stop it at the end."""
    keeper = asyncio.new_event_loop()
    opened = keeper.run_until_complete(open_memory(None, folder=data / "mrp"))
    yield
    keeper.run_until_complete(opened.close())
    keeper.close()


@pytest.fixture
async def server(caplog: pytest.LogCaptureFixture) -> AsyncIterator[FakeDiscord]:
    """After every test: no ping, nothing Discord would complain of, no unhandled exception."""
    caplog.set_level(logging.INFO)
    async with FakeDiscord() as found:
        yield found
    assert found.pings == []
    assert found.problems == []
    records = [*caplog.get_records("call"), *caplog.records]
    broken = [r for r in records if r.exc_info or "exception" in r.getMessage()]
    assert not broken, [logging.Formatter().format(r) for r in broken]
    assert found.token not in caplog.text


@pytest.fixture
def world(server: FakeDiscord, cast: Cast, memory: Memory) -> World:
    return World(server, cast, memory)
