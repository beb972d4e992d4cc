"""The studio under many viewers: first view, what streams cost, how late a line is seen.

    python -m benchmarks.studio_streams --viewers 200 --lines 20 --rooms 64 --every 4

One room, one scripted engine (no model), viewers over HTTP on 127.0.0.1 in the same process, so the
figures hold the cost of both sides. The last line is JSON: milliseconds of first views (p50, p95),
milliseconds from a turn's storing until a viewer has read it (p50, p95) with one viewer only, the
same beside so many other rooms in which somebody speaks every few seconds and is answered, the same
with all viewers of one room, and the kilobytes that a stream takes. A line waits up to 50 ms to be
gathered with others (`streams.GROUP`) only where one was sent just before.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import re
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import psutil

from bot.commands import Order
from bot.limits import Limits
from bot.memory import Visitor, open_memory
from characters.card import load_cast
from tests.studio.conftest import FREE, Studio, held


def quantiles(values: list[float]) -> list[float]:
    """Half and 95% of the values lie below, in ms."""
    ordered = sorted(values)
    return [round(1000 * ordered[int(q * (len(ordered) - 1))], 1) for q in (0.5, 0.95)]


async def first_views(studio, browser, path: str, count: int = 40) -> list[float]:
    """Seconds until a room's page is there."""
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        await browser.get(path)
        taken.append(time.perf_counter() - began)
    return taken


async def delays(studio, browsers, path: str, lines: int) -> list[float]:
    """Seconds from a turn's storing until each viewer has read it."""
    _, text = await browsers[0].get(path)
    position = held(r"after=([^&\"]+)", text)
    told: dict[str, float] = {}
    seen: list[float] = []

    async def watch(browser) -> None:
        url = f"{studio.url}{path}/stream"
        async with browser.http.get(url, params={"after": position}) as answer:
            left = lines
            while left:
                line = (await answer.content.readline()).decode()
                now = time.perf_counter()
                if found := re.search(r"第(\d+)件事", line):
                    seen.append(now - told[found[1]])
                    left -= 1

    watching = [asyncio.create_task(watch(browser)) for browser in browsers]
    while len(studio.site.streams) < len(browsers):
        await asyncio.sleep(0.05)
    feed = await studio.site.rooms.feed(path.removeprefix("/room/"))
    visitor = Visitor("test:0", "0")
    for number in range(lines):

        def stored(number: int = number) -> None:
            told[str(number)] = time.perf_counter()

        await feed.obey(
            visitor, Order("narrate", f"第{number}件事。"), id="", moderator=True, kept=stored
        )
        await feed.settle()
        await asyncio.sleep(0.4)
    await asyncio.wait_for(asyncio.gather(*watching), 120)
    return seen


@contextlib.asynccontextmanager
async def talking(studio, count: int, every: float) -> AsyncIterator[Counter[str]]:
    """So many rooms in which somebody speaks `every` so many seconds; counts what was said."""
    said: Counter[str] = Counter()

    async def talk(number: int) -> None:
        visitor = Visitor(f"test:talks{number}", f"说话的{number}")
        key = await studio.site.rooms.create(visitor, "", alone=True)
        feed = await studio.site.rooms.feed(key)
        summon = Order("summon", "wukong")
        await feed.obey(visitor, summon, id="", moderator=True, kept=lambda: None)
        ready.release()
        await asyncio.sleep(every * number / max(1, count))
        while True:
            text = f"悟空，第{said['messages']}句"
            await feed.hear(visitor, text, id="", moderator=True, kept=lambda: None)
            said["messages"] += 1
            await asyncio.sleep(every)

    ready = asyncio.Semaphore(0)
    tasks = [asyncio.create_task(talk(number)) for number in range(count)]
    for _ in tasks:
        await ready.acquire()
    try:
        yield said
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def measure(viewers: int, lines: int, rooms: int, every: float) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        memory = await open_memory(None, folder=Path(folder) / "mrp", patience=5)
        studio = Studio(load_cast(), memory)
        await studio.start()
        studio.site.strangers = studio.site.requests = Limits(
            FREE, FREE
        )  # all come from one address
        studio.engine._delay = 0.02  # seconds a token
        studio.script = lambda prompt: "老孙知道了，这便去看个究竟，你且在此等着。"
        one = await studio.browser("test:0", "0")
        path = await studio.room(one, "wukong", alone=False)
        key = path.removeprefix("/room/")
        views = await first_views(studio, one, path)
        alone = await delays(studio, [one], path, lines)
        async with talking(studio, rooms, every) as said:
            began = time.perf_counter()
            beside = await delays(studio, [one], path, lines)
            views_beside = await first_views(studio, one, path)
            rate = said["messages"] / (time.perf_counter() - began)
        browsers = []
        for number in range(viewers):
            person = f"test:{number + 1}"
            await studio.allow(person, key)
            browsers.append(await studio.browser(person, str(number)))
        before = psutil.Process().memory_info().rss
        seen = await delays(studio, browsers, path, lines)
        after = psutil.Process().memory_info().rss
        await studio.stop()
        await memory.close()
    return {
        "viewers": viewers,
        "first_view_ms": quantiles(views),
        "one_viewer_ms": quantiles(alone),
        "rooms": rooms,
        "messages_per_s": round(rate, 1),
        "beside_rooms_ms": quantiles(beside),
        "first_view_beside_rooms_ms": quantiles(views_beside),
        "seen_ms": quantiles(seen),
        "stream_kb": round((after - before) / 1024 / viewers, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=200)
    parser.add_argument("--lines", type=int, default=20)
    parser.add_argument("--rooms", type=int, default=64)
    parser.add_argument("--every", type=float, default=4.0, help="seconds between two messages")
    options = parser.parse_args()
    work = measure(options.viewers, options.lines, options.rooms, options.every)
    print(json.dumps(asyncio.run(work)))


if __name__ == "__main__":
    main()
