"""The pages on 127.0.0.1, with a real embedded Redis and a scripted engine."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from bot.house import House
from bot.limits import Limits, Rate
from bot.memory import Grant, Link, Memory, Visitor, open_memory
from bot.platforms.studio.addresses import addresses
from bot.platforms.studio.entry import COOKIE
from bot.platforms.studio.server import application
from bot.platforms.studio.site import Site
from bot.room import Shared
from bot.voice import Voice
from characters.card import Cast, load_cast
from characters.prompt import Style
from characters.style import Serving
from engine.echo import EchoEngine

# Debian's; `tests/studio/install.sh` gets it, MRP_CHROMIUM names another one.
CHROMIUM = os.environ.get("MRP_CHROMIUM") or shutil.which("chromium") or ""
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# What people may ask of a room is tested elsewhere.
FREE = Rate(math.inf, 60)


class Browser:
    """One browser: a cookie jar and the word of its forms."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.csrf = ""

    async def get(self, path: str, **more) -> tuple[int, str]:
        async with self.http.get(self.url + path, **more) as answer:
            text = await answer.text(errors="replace")
            if found := re.search(r'name="csrf" value="([^"]+)"', text):
                self.csrf = found[1]
            return answer.status, text

    async def post(self, path: str, follow: bool = False, **fields) -> tuple[int, str, str]:
        """Send a form as a page of ours does. Returns status, text, and where it leads."""
        headers = fields.pop("headers", {})
        data = {"csrf": self.csrf} | fields
        async with self.http.post(
            self.url + path, data=data, headers=headers, allow_redirects=follow
        ) as answer:
            return answer.status, await answer.text(), answer.headers.get("Location", "")

    @property
    def cookie(self) -> str:
        return next((c.value for c in self.http.cookie_jar if c.key == COOKIE), "")


class Studio:
    """A site, its server, and the browsers of its visitors."""

    def __init__(self, cast: Cast, memory: Memory, voice: Voice | None = None) -> None:
        self.memory = memory
        self.prompts: list[str] = []
        self.script: Callable[[str], str] = lambda prompt: "知道了。"
        self.engine = EchoEngine(self._answer, context=2**20)
        voice = voice or Voice(self.engine, Serving(style=Style(cards="brief")), name="echo")
        self.house = House(Shared(cast, voice, memory, limits=Limits(person=FREE, room=FREE)))
        self._browsers: list[Browser] = []

    def _answer(self, prompt: str) -> str:
        self.prompts.append(prompt)
        return self.script(prompt)

    async def start(self, base: str = "", *, secure: bool = False) -> None:
        scheme = "https" if secure else "http"
        self.site = Site(self.house, addresses("127.0.0.1:8642", f"{scheme}://127.0.0.1{base}"))
        self.server = TestServer(application(self.site))
        await self.server.start_server()
        self.url = str(self.server.make_url("")).rstrip("/") + base

    async def stop(self) -> None:
        for browser in self._browsers:
            await browser.http.close()
        await self.site.close()
        await self.server.close()
        await self.house.people.close()

    def stranger(self) -> Browser:
        """A browser that nobody is signed in with."""
        self._browsers.append(Browser(self.url))
        return self._browsers[-1]

    async def browser(
        self, person: str = "test:小明", name: str = "小明", *, role: str = "member", room: str = ""
    ) -> Browser:
        """A browser that came in by a link."""
        found = self.stranger()
        visitor = Visitor(person, name, role)  # type: ignore[arg-type]
        code = await self.site.sessions.invite(Link(visitor, room))
        status, _, _ = await found.post(f"/enter/{code}")
        assert status == 303
        await found.get("/me")
        return found

    async def room(self, browser: Browser, *characters: str, alone: bool = True) -> str:
        """A new room with these characters on stage. Returns its path."""
        _, _, path = await browser.post("/rooms", title="月下", alone="1" if alone else "")
        path = path.removeprefix(self.site.addresses.base)
        if characters:
            await browser.post(f"{path}/order", order=f"summon {' '.join(characters)}")
            await self.quiet(path)
        return path

    async def quiet(self, path: str) -> None:
        """Wait until all that was asked for in a room is done and seen."""
        feed = await self.site.rooms.feed(path.removeprefix("/room/"))
        assert feed is not None
        assert feed.room is not None
        async with asyncio.timeout(20):
            while not feed.room.idle or self.site._tasks:
                await asyncio.gather(*list(self.site._tasks), return_exceptions=True)
                await feed.settle()
            await feed.settle()

    async def say(self, browser: Browser, path: str, text: str) -> None:
        status, _, _ = await browser.post(f"{path}/say", text=text)
        assert status == 303
        await self.quiet(path)

    async def allow(self, person: str, room: str, **how) -> None:
        await self.site.sessions.grant(person, Grant(room, **how))

    @contextlib.asynccontextmanager
    async def stream(self, browser: Browser, path: str, after: str, **headers):
        """An open stream of a room; read it with `events`."""
        async with browser.http.get(
            f"{self.url}{path}/stream", params={"after": after}, headers=headers
        ) as answer:
            assert answer.status == 200
            yield answer


def held(pattern: str, text: str) -> str:
    """What the group of a pattern holds in a text."""
    found = re.search(pattern, text)
    assert found is not None, pattern
    return found[1]


async def event(answer: aiohttp.ClientResponse, seconds: float = 20.0) -> tuple[str, str]:
    """The next event of a stream: its id, or its name, and its data."""
    name, data = "", []
    async with asyncio.timeout(seconds):
        while True:
            line = (await answer.content.readline()).decode().rstrip("\n")
            if line.startswith(("id: ", "event: ")):
                name = line.partition(": ")[2]
            elif line.startswith("data: "):
                data.append(line.removeprefix("data: "))
            elif not line and (name or data):
                return name, "\n".join(data)


async def events_until(answer: aiohttp.ClientResponse, text: str) -> tuple[str, str]:
    """Events of a stream, put together, until they hold a text; and the id of the last one."""
    seen = ""
    while text not in seen:
        position, data = await event(answer)
        seen += data
    return position, seen


@pytest.fixture(scope="session")
def cast() -> Cast:
    return load_cast()


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory):
    return tmp_path_factory.mktemp("studio")


@pytest.fixture(autouse=True)
def data_home(tmp_path, monkeypatch):
    """A data folder of the test's own: settings, jobs and models lie there."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    for variable in ("MRP_MODELS", "MRP_MODEL", "DISCORD_TOKEN", "TELEGRAM_TOKEN", "REDIS_URL"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path / "data" / "mrp"


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
async def studio(cast: Cast, memory: Memory) -> AsyncIterator[Studio]:
    made = Studio(cast, memory)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def chromium() -> AsyncIterator[Any]:
    """A browser that Playwright drives."""
    playwright = pytest.importorskip("playwright.async_api", reason="pip install playwright")
    if not CHROMIUM:
        pytest.skip("no Chromium: tests/studio/install.sh")
    async with playwright.async_playwright() as started:
        browser = await started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()
