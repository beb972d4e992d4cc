"""The studio under many viewers: first view, what streams cost, how late a line is seen.

    python -m benchmarks.studio_streams --viewers 200 --lines 20

One room, one scripted engine (no model), viewers over HTTP on 127.0.0.1 in the same process, so the
figures hold the cost of both sides. The last line is JSON: milliseconds of first views (p50, p95),
milliseconds from a turn's storing until a viewer has read it (p50, p95), the same with one viewer
only, and the kilobytes that a stream takes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import tempfile
import time
from pathlib import Path

import psutil

from bot.commands import Order
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


async def measure(viewers: int, lines: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        memory = await open_memory(None, folder=Path(folder) / "mrp", patience=5)
        studio = Studio(load_cast(), memory)
        await studio.start()
        studio.site.strangers = studio.site.requests = FREE  # all come from one address
        one = await studio.browser("test:0", "0")
        path = await studio.room(one, "wukong", alone=False)
        key = path.removeprefix("/room/")
        views = await first_views(studio, one, path)
        alone = await delays(studio, [one], path, lines)
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
        "seen_ms": quantiles(seen),
        "stream_kb": round((after - before) / 1024 / viewers, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=200)
    parser.add_argument("--lines", type=int, default=20)
    options = parser.parse_args()
    print(json.dumps(asyncio.run(measure(options.viewers, options.lines))))


if __name__ == "__main__":
    main()
