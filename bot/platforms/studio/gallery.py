"""The gallery of faces, one character's page, and the files that pages load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

import characters
from bot.commands import Order
from bot.platforms.studio.pages import FILES
from bot.platforms.studio.site import Ask
from canon import CanonError
from characters import tavern
from characters.card import Character
from text.folding import fold, simplified

FACES = Path(characters.__file__).parent / "faces"
# Formats of a card to take along, with their types.
KINDS: Mapping[tavern.Format, str] = {"png": "image/png", "json": "application/json"}
PASSAGES = 3  # of the book, on a character's page
FOR_EVER = "public, max-age=31536000, immutable"
A_DAY = "public, max-age=86400"
A_WHILE = "private, max-age=300"  # somebody may change it

_NOBODY = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">\
<rect width="64" height="64" fill="#d9c9ad"/><circle cx="32" cy="25" r="12" fill="#8a7458"/>\
<path d="M9 64a23 21 0 0 1 46 0z" fill="#8a7458"/></svg>"""


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage of the book, from a chapter."""

    section: int
    text: str


async def home(ask: Ask) -> web.StreamResponse:
    """The gallery; for somebody who is not signed in, how to come in."""
    if ask.session is None:
        return ask.page("welcome.html", cast=list(ask.site.house.cast))
    cast = await ask.site.house.casts.of("", person=ask.visitor.person)
    query = ask.request.query.get("q", "")[:100].strip()
    found = [one for one in cast if is_found(one, query)]
    return ask.page("gallery.html", q=query, found=found)


def is_found(one: Character, query: str) -> bool:
    """Whether a character's names or its one line hold the words of a query, in either script."""
    texts = (*one.names, one.brief.zh, one.brief.en)
    held = simplified("\n".join(map(fold, texts)))
    return all(simplified(fold(word)) in held for word in query.split())


async def character(ask: Ask) -> web.StreamResponse:
    """Who a character is, and what the book says of them."""
    one = await _named(ask)
    if one is None:
        return ask.problem(404, "not found")
    entry = ask.site.house.casts.entry(one.id)
    own = entry is not None and entry.owner == ask.visitor.person
    may_change = entry is not None and (own or ask.visitor.role == "owner")
    return ask.page("character.html", one=one, passages=_passages(ask, one), may_change=may_change)


async def _named(ask: Ask) -> Character | None:
    """The character of an address, where the visitor can bring it on stage."""
    cast = await ask.site.house.casts.of("", person=ask.visitor.person)
    return next((one for one in cast if one.id == ask.part("id")), None)


def _passages(ask: Ask, one: Character) -> list[Passage]:
    book = ask.site.house.shared.book
    if book is None or not one.first_chapter:
        return []
    try:
        found = book.search(one.name.zh, character=one.name.zh, k=PASSAGES)
    except CanonError:
        return []  # the book that was given knows nobody of this name
    return [] if found.nothing_fits else [Passage(hit.section, hit.text) for hit in found.passages]


async def card(ask: Ask) -> web.StreamResponse:
    """The character's card as a file, for this program and others."""
    one = await _named(ask)
    format = next((each for each in KINDS if each == ask.part("format")), None)
    if one is None or format is None:
        return ask.problem(404, "not found")
    data = tavern.write(one, format=format, face=await _picture(ask, one.id), language=ask.language)
    return web.Response(
        body=data,
        content_type=KINDS[format],
        headers={"Content-Disposition": f'attachment; filename="{one.id}.{format}"'},
    )


async def talk(ask: Ask) -> web.StreamResponse:
    """A new room, alone with this character."""
    one = await _named(ask)
    if one is None:
        return ask.problem(404, "not found")
    key = await ask.site.rooms.create(ask.visitor, one.name[ask.language], alone=True)
    feed = await ask.site.rooms.feed(key)
    assert feed is not None
    work = feed.obey(ask.visitor, Order("summon", one.id), id="", moderator=True, kept=lambda: None)
    await ask.site.later(work)  # a greeting of the card: no model is asked
    return ask.see("room", key)


async def face(ask: Ask) -> web.StreamResponse:
    """A character's picture; a plain one where there is none."""
    found = await _picture(ask, ask.part("id"))
    if found is None:
        return _file(_NOBODY, "image/svg+xml", A_WHILE)
    shipped = any(one.id == ask.part("id") for one in ask.site.house.cast)
    return _file(found, "image/png", A_DAY if shipped else A_WHILE)


async def _picture(ask: Ask, id: str) -> bytes | None:
    """A character's PNG; None without one."""
    if any(one.id == id for one in ask.site.house.cast):
        file = FACES / f"{id}.png"
        return file.read_bytes() if file.is_file() else None
    return await ask.site.house.casts.face(id)


async def file(ask: Ask) -> web.StreamResponse:
    """A style sheet or script of ours. Its address changes with its content."""
    name = ask.part("name")
    data = ask.site.pages.files.get(name)
    if data is None:
        return ask.problem(404, "not found")
    return _file(data, FILES[name][1], FOR_EVER)


def _file(data: bytes, kind: str, kept: str) -> web.Response:
    return web.Response(body=data, content_type=kind, headers={"Cache-Control": kept})
