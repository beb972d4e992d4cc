"""Server-sent events: one room's changes, to one browser, at the browser's own speed.

Each event has an id; a browser that comes back says the last one it saw, and is sent what came
after it, or the whole transcript anew where that is too far back. So nothing is shown twice, and
nothing is missing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from bot.platforms.studio.feed import Feed
from bot.platforms.studio.log import Event
from bot.platforms.studio.transcript import STAGE, Item, Now

MOST_OF_ONE = 6  # streams of one person; the oldest ends where there are more
ENOUGH = b"event: enough\ndata: \n\n"  # for a page that is not to come back by itself
BEAT = 15.0  # seconds between two signs of life, with a look whether the viewer may still look
GROUP = 0.05  # seconds after a change within which the next ones are gathered

Render = Callable[[str, object], str]  # a template's name, and what it shows


class Streams:
    """The open streams of a process, by person. `closed`: the process ends."""

    def __init__(self) -> None:
        self._open: dict[str, list[asyncio.Event]] = {}
        self.closed = False

    def __len__(self) -> int:
        return sum(map(len, self._open.values()))

    @contextlib.contextmanager
    def one(self, person: str) -> Iterator[asyncio.Event]:
        """A stream of this person. It is to end once the event is set."""
        ending = asyncio.Event()
        if self.closed:
            ending.set()
        mine = self._open.setdefault(person, [])
        mine.append(ending)
        if len(mine) > MOST_OF_ONE:
            mine[-1 - MOST_OF_ONE].set()
        try:
            yield ending
        finally:
            mine.remove(ending)
            if not mine:
                self._open.pop(person, None)

    def close(self) -> None:
        """End all."""
        self.closed = True
        for mine in self._open.values():
            for ending in mine:
                ending.set()


async def events(
    feed: Feed,
    person: str,
    position: str,
    render: Render,
    *,
    ending: asyncio.Event,
    may: Callable[[], Awaitable[bool]],
) -> AsyncIterator[bytes]:
    """What a browser is sent that has seen everything up to `position`, until `ending` is set, or
    the person may not look any more. Pieces of `text/event-stream`."""
    log = feed.transcript.log
    ended = asyncio.create_task(ending.wait())
    try:
        with feed.watched():
            while not ending.is_set():
                found = log.since(position)
                position = log.position
                if found is None:
                    yield message(position, _everything(feed, person, render))
                    await asyncio.sleep(GROUP)
                elif found:
                    html = "".join(_changes(found, person, render))
                    yield message(position, html)
                    await asyncio.sleep(GROUP)
                if ending.is_set():
                    break
                news = asyncio.create_task(log.wait(int(position.partition("-")[2])))
                await asyncio.wait({news, ended}, timeout=BEAT, return_when=asyncio.FIRST_COMPLETED)
                if not news.done():
                    news.cancel()
                    feed.keep_open()
                    if not await may():
                        return
                    yield b": still here\n\n"
    finally:
        ended.cancel()


def message(position: str, html: str) -> bytes:
    """One event: its id, and HTML whose parts say where they belong."""
    lines = "\n".join(f"data: {line}" for line in html.split("\n"))
    return f"id: {position}\n{lines}\n\n".encode()


def _everything(feed: Feed, person: str, render: Render) -> str:
    return render("everything.html", feed.items(person)) + render("stage.html", feed.transcript.now)


def _changes(found: list[Event[Item | Now]], person: str, render: Render) -> Iterator[str]:
    for event in found:
        value = event.value
        if isinstance(value, Now):
            yield render("stage.html", value)
        elif value is None and event.key != STAGE:
            yield render("gone.html", event.key)
        elif isinstance(value, Item) and value.to in ("", person):
            yield render("changed.html", value)
