"""The bot on a Telegram of 127.0.0.1, with a real embedded Redis and a scripted engine."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from telegram import Bot
from telegram.ext import ExtBot

from bot.house import House
from bot.limits import Limits, Rate
from bot.memory import Memory, open_memory
from bot.platforms.telegram.accounts import Accounts, client_of
from bot.platforms.telegram.client import TelegramClient
from bot.platforms.telegram.limits import Limiter
from bot.room import Shared
from bot.voice import Voice, _last_said
from characters.card import Cast, load_cast
from characters.prompt import Style
from characters.style import Serving
from engine.echo import EchoEngine
from engine.sequence import Engine
from speech.hearer import Hearer
from speech.speaker import Speaker
from tests.fakes.telegram_server import Account, TelegramServer

DIRECTOR = "1000001:AAdirectordirectordirectordirector1"
WUKONG = "1000002:AAwukongwukongwukongwukongwukong12"


# Long, and never the same twice: a room cuts off who repeats itself.
STORY = "，".join(f"走到第{n}座山" for n in range(200))

# What people may ask is tested elsewhere.
FREELY = Rate(math.inf, 60)


class FastClock:
    """`pace` seconds pass in one of ours."""

    def __init__(self, pace: float) -> None:
        self.pace = pace

    def now(self) -> float:
        return time.monotonic() * self.pace

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.pace)


class World:
    """A Telegram with a group, three people, and the bot, started by `async with world.bot()`."""

    def __init__(self, server: TelegramServer, cast: Cast, memory: Memory) -> None:
        self.server = server
        self.cast = cast
        self.memory = memory
        self.director: Account = server.bot(DIRECTOR, "xiyou_bot", privacy=False)
        self.ming = server.person(11, "小明")
        self.hong = server.person(12, "Hong", language="en")
        self.stranger = server.person(13, "路人", started=False)
        self.group = server.group("取经路上")
        self.delay = 0.0
        self.clock = FastClock(server.pace)
        self.folder = Path()
        self.speaker: Speaker | None = None
        self.hearer: Hearer | None = None
        self.prompts: list[str] = []
        self.script: Callable[[str], str] = lambda prompt: f"知道了：{_last_said(prompt)}"

    def house(self, engine: Engine | None = None) -> House:
        def answer(prompt: str) -> str:
            self.prompts.append(prompt)
            return self.script(prompt)

        engine = engine or EchoEngine(answer, context=2**20, delay=self.delay)
        voice = Voice(engine, Serving(style=Style(cards="brief"), max_tokens=2**16), name="echo")
        shared = Shared(self.cast, voice, self.memory, limits=Limits(FREELY, FREELY))
        shared.speaker, shared.hearer = self.speaker, self.hearer
        return House(shared)

    def account(self, token: str) -> ExtBot[None]:
        return client_of(token, self.server.url, Limiter(self.clock))

    @contextlib.asynccontextmanager
    async def bot(
        self, house: House | None = None, characters: dict[str, str] | None = None
    ) -> AsyncIterator[TelegramClient]:
        """The bot, polling. `characters`: tokens by id."""
        own: dict[str, Bot] = {
            name: self.account(token) for name, token in (characters or {}).items()
        }
        home = house or self.house()
        troupe = TelegramClient(home, Accounts(self.account(DIRECTOR), own), clock=self.clock)
        await troupe.start()
        polling = asyncio.create_task(troupe.poll())
        try:
            yield troupe
        finally:
            polling.cancel()
            await asyncio.gather(polling, return_exceptions=True)
            await troupe.close()
            await home.people.close()  # the memory is the fixture's

    def texts(self, chat: int | None = None, thread: int | None = None) -> list[str]:
        return [m.text for m in self.server.shown(chat or self.group, thread=thread)]

    async def hears(self, text: str, chat: int | None = None, seconds: float = 20.0) -> None:
        """Wait until a bot wrote something that holds this text."""
        await self.server.until(lambda: any(text in shown for shown in self.texts(chat)), seconds)


@pytest.fixture(scope="session")
def cast() -> Cast:
    return load_cast()


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory):
    return tmp_path_factory.mktemp("telegram")


@pytest.fixture(scope="session", autouse=True)
def _one_redis(data) -> Iterator[None]:
    """Keep the embedded server alive between tests; stop it at the end."""
    keeper = asyncio.new_event_loop()
    opened = keeper.run_until_complete(open_memory(None, folder=data / "mrp"))
    yield
    keeper.run_until_complete(opened.close())
    keeper.close()


@pytest.fixture
async def memory(data) -> AsyncIterator[Memory]:
    opened = await open_memory(None, folder=data / "mrp", patience=5)
    await opened.redis.flushall()
    yield opened
    await opened.close()


@pytest.fixture
async def world(cast: Cast, memory: Memory, data) -> AsyncIterator[World]:
    server = TelegramServer(pace=200.0)
    await server.start()
    made = World(server, cast, memory)
    made.folder = data / "mrp"
    yield made
    await server.stop()
    assert not server.broken, server.broken
