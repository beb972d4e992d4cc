"""A room's page: its transcript and stream, and all that is done there by the same order table."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Coroutine
from typing import Any

from aiohttp import web

from bot.commands import COMMANDS, Order, read
from bot.memory import Grant, MemoryProblem
from bot.platforms.studio.feed import Feed
from bot.platforms.studio.rooms import PLATFORM, is_alone
from bot.platforms.studio.site import Ask
from bot.platforms.studio.streams import ENOUGH, events
from bot.room import Room
from characters.card import Cast

STORED_WITHIN = 6.0  # seconds until somebody is told that what they said still waits
WRITTEN_WITHIN = 30.0  # seconds that a browser may leave a piece of its stream unread
LONGEST_ARGUMENT = 4096
MOST_FACES = 40  # that are offered; all others come by their names
ORDERS = frozenset(command.id for command in COMMANDS if not command.here_only)

# A feed, its room, and what the visitor may do there.
Opened = tuple[Feed, Room, Grant]


async def opened(ask: Ask) -> Opened | None:
    """The room of an address; None: it is not theirs, or cannot be opened here.

    Raises:
        MemoryProblem: it cannot be read.
    """
    key = ask.part("key")
    grant = await ask.site.rooms.grant(ask.visitor, key)
    if grant is None:
        return None
    feed = await ask.site.rooms.feed(key)
    if feed is None or feed.room is None:
        return None
    return feed, feed.room, grant


async def page(ask: Ask) -> web.StreamResponse:
    """The room as it is."""
    found = await opened(ask)
    if found is None:
        return ask.problem(404, "not found")
    feed, room, grant = found
    key, book = ask.part("key"), room.shared.book
    return ask.page(
        "room.html",
        key=key,
        title=title_of(ask, grant),
        position=feed.transcript.log.position,
        items=feed.items(ask.visitor.person),
        value=feed.transcript.now,
        characters=list(await cast_of(ask, room))[:MOST_FACES],
        to=room.view.character(ask.request.query.get("to", "")[:60]),
        last_chapter=book.last if book else 0,
        may_invite=grant.moderator and key.startswith(PLATFORM) and not is_alone(key),
        link=ask.request.query.get("link", "")[:200] if grant.moderator else "",
        nonce=secrets.token_hex(8),
    )


async def cast_of(ask: Ask, room: Room) -> Cast:
    """Who can be summoned there."""
    return await ask.site.house.casts.of(room.view.place, person=ask.visitor.person)


def title_of(ask: Ask, grant: Grant) -> str:
    """What a room is called on the pages."""
    if grant.title:
        return grant.title
    platform = grant.room.partition(":")[0]
    words = ask.site.pages.words(ask.language)
    return words("untitled") if platform == PLATFORM else words("room of", platform.capitalize())


# -- what people do --------------------------------------------------------------------------------


async def say(ask: Ask) -> web.StreamResponse:
    """Somebody says something: talk, an order that begins with a slash, or a whisper `to` one."""
    text = ask.text("text", LONGEST_ARGUMENT + 1)
    found = await opened(ask)
    if found is None:
        return ask.problem(404, "not found")
    feed, _, grant = found
    nonce, to = ask.text("id", 40), ask.text("to", 60)

    def begin(kept: Callable[[], object]) -> Coroutine[Any, Any, None]:
        id = f"{ask.visitor.person}/{nonce}" if nonce else ""
        if to and read(text) is None:
            whisper = Order("whisper", f"{to} {text}")
            return feed.obey(ask.visitor, whisper, id=id, moderator=grant.moderator, kept=kept)
        return feed.hear(ask.visitor, text, id=id, moderator=grant.moderator, kept=kept)

    wrong = await done(ask, begin)
    if wrong:
        return trouble(ask, wrong)
    if ask.by_script:
        said = json.dumps({"said": {"next": secrets.token_hex(8)}})
        return web.Response(status=204, headers={"HX-Trigger": said})
    return ask.see("room", ask.part("key"))


async def order(ask: Ask) -> web.StreamResponse:
    """A button was pressed: `order` is a command with its argument, `rate` a thumb on a line."""
    found = await opened(ask)
    if found is None:
        return ask.problem(404, "not found")
    feed, room, grant = found
    if rated := ask.text("rate", 100):
        value, _, key = rated.partition(" ")
        line = (await room.memory.lines()).get(key)
        if line is None or not line.places or value not in ("+", "-"):
            return trouble(ask, "no line")
        await room.rate(ask.visitor.person, line.places[0], 1 if value == "+" else -1)
        return well(ask)
    name, _, argument = ask.text("order", 200).partition(" ")
    argument = ask.text("argument", LONGEST_ARGUMENT) or argument
    if name == "stop":
        room.stop()
        return well(ask)
    if name == "page" and argument in ("why", "edit"):
        return _go(ask, "room", ask.part("key"), argument)
    if name not in ORDERS:
        return trouble(ask, "no order")
    wrong = await obeyed(ask, feed, grant, Order(name, argument))
    return trouble(ask, wrong) if wrong else well(ask)


async def scene(ask: Ask) -> web.StreamResponse:
    """Place, mood, chapter and note, as a form has them: whatever differs is ordered."""
    found = await opened(ask)
    if found is None:
        return ask.problem(404, "not found")
    feed, room, grant = found
    state = room.memory.state
    place, mood = (" ".join(ask.text(name, 200).split()) for name in ("place", "mood"))
    place, mood = (text.translate(_MARKS) for text in (place, mood))
    number = ask.text("chapter", 5).strip()
    chapter = int(number) if number.isdecimal() else 0
    orders: list[Order] = []
    if (place, mood, chapter) != (state.place, state.mood, state.chapter):
        if (state.place and not place) or (state.mood and not mood):
            orders.append(Order("scene", "none"))
        parts = [place] if place else []
        parts += [f"mood {mood}"] if mood else []
        parts += [f"chapter {chapter}" if chapter else "whole book"]
        orders.append(Order("scene", "; ".join(parts)))
    note = " ".join(ask.text("note", 400).split())
    if note != state.note:
        orders.append(Order("note", note or "none"))
    for each in orders:
        if wrong := await obeyed(ask, feed, grant, each):
            return trouble(ask, wrong)
    return well(ask)


# What separates the parts of /scene is no part of a place or a mood.
_MARKS = str.maketrans({";": "，", "；": "，", "|": "，", "｜": "，"})


async def obeyed(ask: Ask, feed: Feed, grant: Grant, order: Order) -> str:
    """Begin to carry out an order. Returns what is wrong (a key of the words), "" for nothing."""

    def begin(kept: Callable[[], object]) -> Coroutine[Any, Any, None]:
        return feed.obey(ask.visitor, order, id="", moderator=grant.moderator, kept=kept)

    return await done(ask, begin)


async def done(ask: Ask, begin: Callable[[Callable[[], object]], Coroutine[Any, Any, None]]) -> str:
    """Begin something that is stored before it is done, and wait only until it is stored. Returns
    what is wrong, "" for nothing."""
    stored = asyncio.Event()
    task = ask.site.later(begin(stored.set))
    waiting = asyncio.create_task(stored.wait())
    try:
        await asyncio.wait(
            {task, waiting}, timeout=STORED_WITHIN, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        waiting.cancel()
    if stored.is_set():
        return ""
    if not task.done():
        return "waits"
    if isinstance(task.exception(), MemoryProblem):
        return "away"
    return "failed" if task.exception() else "not heard"


def well(ask: Ask) -> web.Response:
    """It is done, or begun; what comes of it is in the stream."""
    if ask.by_script:
        return web.Response(status=204, headers={"HX-Trigger": "done"})
    return ask.see("room", ask.part("key"))


def _go(ask: Ask, *parts: str) -> web.Response:
    if ask.by_script:
        return web.Response(status=204, headers={"HX-Redirect": ask.site.path(*parts)})
    return ask.see(*parts)


def trouble(ask: Ask, key: str) -> web.Response:
    """One sentence below the transcript; without a script a page, with what was typed."""
    status = {"away": 503, "failed": 500, "waits": 202, "not heard": 429}.get(key, 400)
    if key == "not heard" and not ask.by_script and not ask.typed:
        return ask.see("room", ask.part("key"))
    return ask.problem(status, key, title="away" if key in ("away", "waits") else "failed")


# -- the stream ------------------------------------------------------------------------------------


async def stream(ask: Ask) -> web.StreamResponse:
    """What changes in the room, until the browser goes or may not look any more."""
    found = await opened(ask)
    session = ask.session
    if found is None or session is None:
        return web.Response(status=404)
    feed, site, person = found[0], ask.site, ask.visitor.person
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream",
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",  # nginx
        }
    )
    position = ask.request.headers.get("Last-Event-ID") or ask.request.query.get("after", "")
    language = ask.language

    def render(template: str, value: object) -> str:
        pages = site.pages
        part = pages.part if isinstance(value, list) else pages.shared
        return part(template, language, value)

    async def may() -> bool:
        try:
            here = await site.sessions.is_signed_in(session)
            return here and await site.rooms.grant(ask.visitor, ask.part("key")) is not None
        except MemoryProblem:
            return True  # it is not known: whoever looks goes on

    await response.prepare(ask.request)
    with site.streams.one(person) as ending:
        async for piece in events(feed, person, position, render, ending=ending, may=may):
            await asyncio.wait_for(response.write(piece), WRITTEN_WITHIN)
        if ending.is_set() and not site.streams.closed:
            await response.write(ENOUGH)
    return response
