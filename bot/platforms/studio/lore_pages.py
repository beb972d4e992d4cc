"""Lorebooks of a room: to read, add to, take from, and bring in as a file, by the order /lore."""

from __future__ import annotations

import asyncio

from aiohttp import web

from bot.commands import Order
from bot.drafts import plain
from bot.memory.attached import attach
from bot.memory.lore import lorebooks
from bot.platforms.studio.room_pages import obeyed, opened, title_of, trouble, well
from bot.platforms.studio.site import Ask
from bot.room.orders.lore import LONGEST_KEY, LONGEST_TEXT, MOST_KEYS, called
from characters import tavern
from characters.card import CardError


async def page(ask: Ask) -> web.StreamResponse:
    """All books of the room with their entries."""
    found = await opened(ask)
    if found is None:
        return ask.problem(404, "not found")
    return await _page(ask, "")


async def _page(ask: Ask, told: str, status: int = 200) -> web.Response:
    found = await opened(ask)
    if found is None:
        return ask.problem(404, "not found")
    _, room, grant = found
    books = await lorebooks(ask.site.house.memory, room.key)
    return ask.page(
        "lore.html",
        status=status,
        key=ask.part("key"),
        title=title_of(ask, grant),
        books=[(called(book.name)[ask.language], book) for book in books],
        cast=room.view.known,
        longest=LONGEST_TEXT,
        told=told,
        typed={name: ask.text(name, LONGEST_TEXT) for name in ("keys", "lore", "who")},
    )


async def change(ask: Ask) -> web.StreamResponse:
    """One form of the page: an entry that is added, a name that is taken away, or a file."""
    found = await opened(ask)
    if found is None:
        return ask.problem(404, "not found")
    feed, _, grant = found
    if name := ask.text("remove", 100):
        order = Order("lore", f"remove {name}")
    elif isinstance(ask.form.get("book"), web.FileField):
        wrong = await _take_in(ask, ask.form["book"])
        if wrong:
            return await _page(ask, wrong, 400)
        order = Order("lore", "import")
    else:
        keys, text = (" ".join(plain(ask.text(name, 2000)).split()) for name in ("keys", "lore"))
        # A colon ends the keys of /lore.
        keys = keys.replace(":", " ").replace("：", " ").strip()
        if not keys or not text:
            return await _page(ask, _words(ask, "lore missing"), 400)
        if len(text) > LONGEST_TEXT or len(keys) > MOST_KEYS * LONGEST_KEY:
            return await _page(ask, _words(ask, "lore long", LONGEST_TEXT), 400)
        who = ask.text("who", 60).strip()
        order = Order("lore", f"add {f'@{who} ' if who else ''}{keys}：{text}")
    wrong = await obeyed(ask, feed, grant, order)
    return trouble(ask, wrong) if wrong else well(ask)


async def _take_in(ask: Ask, field: web.FileField) -> str:
    """Keep a file for /lore import. Returns what is wrong with it, "" for nothing.

    Raises:
        MemoryProblem: it cannot be kept.
    """
    data, name = field.file.read(), plain(field.filename)[:80]
    if not data:
        return _words(ask, "make no file")
    try:
        if not (await asyncio.to_thread(tavern.read, data, name)).lore:
            return _words(ask, "lore none", name)
    except CardError as problem:
        return _words(ask, "lore unread", problem)
    await attach(ask.site.house.memory, ask.visitor.person, name, data)
    return ""


def _words(ask: Ask, key: str, *values: object) -> str:
    return ask.site.pages.words(ask.language)(key, *values)
