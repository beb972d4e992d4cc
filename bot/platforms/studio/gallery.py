"""The gallery of faces, one character's page, and the files that pages load."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from aiohttp import web

import characters
from bot.commands import Order
from bot.discovery import By, ranked
from bot.memory import Grant
from bot.platforms.studio.pages import FILES
from bot.platforms.studio.room_pages import title_of
from bot.platforms.studio.rooms import PLATFORM
from bot.platforms.studio.site import Ask
from canon import CanonError
from characters import tavern
from characters.card import Character, Language
from text.folding import fold, simplified

FACES = Path(characters.__file__).parent / "faces"
# Formats of a card to take along, with their types.
KINDS: Mapping[tavern.Format, str] = {"png": "image/png", "json": "application/json"}
PASSAGES = 3  # of the book, on a character's page
FOR_EVER = "public, max-age=31536000, immutable"
A_DAY = "public, max-age=86400"
A_WHILE = "private, max-age=300"  # somebody may change it

_NOBODY = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">\
<rect width="64" height="64" fill="#d9c9ad"/>{}</svg>"""
_HEAD = """<circle cx="32" cy="25" r="12" fill="#8a7458"/><path d="M9 64a23 21 0 0 1 46 0z" \
fill="#8a7458"/>"""
_INITIAL = """<text x="32" y="43" text-anchor="middle" font-size="32" font-family="serif" \
fill="#6b4f33">{}</text>"""


SORTED: tuple[By, ...] = ("popular", "new", "rated")
MOST_CATEGORIES = 24  # that the gallery offers
_HAN = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Seen:
    """A character that a visitor can see: whether they can talk with it `alone`, and the chats that
    it can be brought to."""

    character: Character
    alone: bool = True
    chats: tuple[Grant, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage of the book, from a chapter."""

    section: int
    text: str


async def home(ask: Ask) -> web.StreamResponse:
    """The gallery; for somebody who is not signed in, how to come in."""
    if ask.session is None:
        return ask.page("welcome.html", cast=list(ask.site.house.cast))
    asked = ask.request.query
    everybody = [seen.character for seen in await visible(ask)]
    query, category = asked.get("q", "")[:100].strip(), asked.get("category", "")[:60]
    by = next((each for each in SORTED if each == asked.get("by")), None)
    found = [one for one in everybody if is_found(one, query)]
    if category:
        found = [one for one in found if category in one.categories]
    casts = ask.site.house.casts
    counts = await casts.popularity.counts([one.id for one in found])
    if by:
        made = {entry.id: entry.made for entry in casts.entries()}
        found = ranked(found, counts, made, by=by)
    return ask.page(
        "gallery.html",
        q=query,
        by=by or "",
        category=category,
        categories=categories_of(everybody, ask.language),
        found=found,
        counts=counts,
    )


async def visible(ask: Ask) -> list[Seen]:
    """Whom the visitor can talk with, alone or in a chat that is open to them here. Characters that
    were made or withdrawn a moment ago, in whatever process, are seen as they are.

    Raises:
        MemoryProblem: it cannot be read.
    """
    casts, person = ask.site.house.casts, ask.visitor.person
    alone = await casts.of("", person=person)
    found = {one.id: Seen(one) for one in alone}
    for key, grant in (await ask.site.rooms.granted(ask.visitor)).items():
        if key.startswith(f"{PLATFORM}:"):
            continue
        for one in casts.now(grant.place, person=person):
            seen = found.get(one.id) or Seen(one, alone=False)
            found[one.id] = replace(seen, chats=(*seen.chats, grant))
    return list(found.values())


def categories_of(cast: Iterable[Character], language: Language) -> list[str]:
    """The categories of a cast, most frequent first: a character's in the script that is read, and
    all of them where it has none there."""
    counted: Counter[str] = Counter()
    for one in cast:
        read = [each for each in one.categories if bool(_HAN.search(each)) == (language == "zh")]
        counted.update(read or one.categories)
    return [name for name, _ in counted.most_common(MOST_CATEGORIES)]


def is_found(one: Character, query: str) -> bool:
    """Whether a character's names or its one line hold the words of a query, in either script."""
    texts = (*one.names, one.brief.zh, one.brief.en)
    held = simplified("\n".join(map(fold, texts)))
    return all(simplified(fold(word)) in held for word in query.split())


async def character(ask: Ask) -> web.StreamResponse:
    """Who a character is, and what the book says of them."""
    seen = await _named(ask)
    if seen is None:
        return ask.problem(404, "not found")
    one, casts = seen.character, ask.site.house.casts
    entry = casts.entry(one.id)
    own = entry is not None and entry.owner == ask.visitor.person
    return ask.page(
        "character.html",
        one=one,
        alone=seen.alone,
        chats=[(grant.room, title_of(ask, grant)) for grant in seen.chats],
        passages=_passages(ask, one),
        liked=(await casts.popularity.counts([one.id]))[one.id],
        may_change=entry is not None and (own or ask.visitor.role == "owner"),
    )


async def _named(ask: Ask) -> Seen | None:
    """The character of an address, where the visitor can bring it on stage."""
    return next((s for s in await visible(ask) if s.character.id == ask.part("id")), None)


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
    seen = await _named(ask)
    format = next((each for each in KINDS if each == ask.part("format")), None)
    if seen is None or format is None:
        return ask.problem(404, "not found")
    one = seen.character
    data = tavern.write(one, format=format, face=await _picture(ask, one.id), language=ask.language)
    return web.Response(
        body=data,
        content_type=KINDS[format],
        headers={"Content-Disposition": f'attachment; filename="{one.id}.{format}"'},
    )


async def talk(ask: Ask) -> web.StreamResponse:
    """A new room, alone with this character."""
    seen = await _named(ask)
    if seen is None or not seen.alone:
        return ask.problem(404, "not found")
    one = seen.character
    key = await ask.site.rooms.create(ask.visitor, one.name[ask.language], alone=True)
    return await _summon(ask, one, key, moderator=True)


async def bring(ask: Ask) -> web.StreamResponse:
    """The character comes on stage in a chat that is open to the visitor, and so do they."""
    seen, key = await _named(ask), ask.text("room", 200)
    grant = next((grant for grant in seen.chats if grant.room == key), None) if seen else None
    if seen is None or grant is None:
        return ask.problem(404, "not found")
    return await _summon(ask, seen.character, key, moderator=grant.moderator)


async def _summon(ask: Ask, one: Character, key: str, *, moderator: bool) -> web.StreamResponse:
    feed = await ask.site.rooms.feed(key)
    if feed is None:
        return ask.problem(404, "not found")
    order = Order("summon", one.id)
    work = feed.obey(ask.visitor, order, id="", moderator=moderator, kept=lambda: None)
    await ask.site.later(work)  # a greeting of the card: no model is asked
    return ask.see("room", key)


async def face(ask: Ask) -> web.StreamResponse:
    """A character's picture; where there is none, the first letter of its name."""
    found = await _picture(ask, ask.part("id"))
    if found is None:
        return _file(drawn(ask.site.name_of(ask.part("id"), "zh")), "image/svg+xml", A_WHILE)
    shipped = any(one.id == ask.part("id") for one in ask.site.house.cast)
    return _file(found, "image/png", A_DAY if shipped else A_WHILE)


def drawn(name: str) -> bytes:
    """A plain SVG with the first letter of a name; a head where that is none."""
    first = name[:1]
    figure = _INITIAL.format(html.escape(first)) if first.isalpha() else _HEAD
    return _NOBODY.format(figure).encode()


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
