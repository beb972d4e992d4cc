"""Making a character: a form with a preview and a test line, cards of other programs, and changing
or withdrawing one of one's own.

A character made here is its maker's alone: it comes on stage in their private rooms, here and in
chats. The host may let it appear everywhere. For a server or group it is made there (/character).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web

from bot.audition import QUESTION, test_line
from bot.casts import CastProblem, Entry, Reach
from bot.conversation import Crowded
from bot.drafts import plain
from bot.forms import filled
from bot.platforms.studio.site import Ask
from bot.room.orders.making import texts_of
from characters import tavern
from characters.card import CardError, Character, Language
from characters.tavern import pictures
from engine.sequence import EngineError

FIELDS = ("name", "aliases", "brief", "greeting", "persona", "style", "lines", "categories")
LARGEST_FACE = 1 << 20  # bytes
LONGEST = 9000  # characters of a field


class NotMade(Exception):
    """Nothing was kept; the words of the page say why."""


async def page(ask: Ask) -> web.StreamResponse:
    """An empty form, or one with a character of the visitor's."""
    entry = await _theirs(ask)
    if ask.part("id") and entry is None:
        return ask.problem(404, "not found")
    return _form(ask, entry, typed_of(entry.character if entry else None, ask.language), "")


def typed_of(character: Character | None, language: Language) -> dict[str, str]:
    """A character as its form has it, in the language that it is told in."""
    if character is None:
        return dict.fromkeys(FIELDS, "")
    said: Language = language if getattr(character.name, language) else "zh"
    said = said if getattr(character.name, said) else "en"
    return {
        "name": character.name[said],
        "aliases": "、".join(character.aliases[said]),
        "brief": character.brief[said],
        "greeting": "\n".join(character.greeting[said][:1]),
        "persona": character.persona[said],
        "style": character.style[said],
        "lines": "\n".join(character.lines[said]),
        "categories": "、".join(character.categories),
    }


def _form(
    ask: Ask, entry: Entry | None, typed: Mapping[str, str], told: str, status: int = 200
) -> web.Response:
    return ask.page(
        "make.html",
        status=status,
        id=entry.id if entry else "",
        typed=typed,
        told=told,
        reach=entry.reach if entry else "private",
        preview=(typed["name"], typed["brief"] or typed["persona"], typed["greeting"], ""),
    )


async def _theirs(ask: Ask) -> Entry | None:
    """The stored character of an address, where the visitor may change it."""
    casts = ask.site.house.casts
    await casts.refresh()
    entry = casts.entry(ask.part("id"))
    if entry is None:
        return None
    known = await ask.site.house.memory.person(ask.visitor.person).known()
    own = entry.owner in (ask.visitor.person, *known.accounts)
    return entry if own or ask.visitor.role == "owner" else None


def made(ask: Ask, onto: Character | None) -> Character:
    """The character of a form.

    Raises:
        NotMade: something is missing, or is not talked about here.
    """
    words = ask.site.pages.words(ask.language)
    typed = {key: plain(ask.text(key, LONGEST)).strip() for key in FIELDS}
    if not typed["name"] or not typed["greeting"] or not (typed["brief"] or typed["persona"]):
        raise NotMade(words("make missing"))
    try:
        character = filled({(key, ""): text for key, text in typed.items()}, onto)
        ask.site.house.casts.check(character)
    except CastProblem as problem:
        raise NotMade(problem.told(ask.language)) from problem
    except CardError as problem:
        raise NotMade(words("make wrong", str(problem).rpartition("character: ")[2])) from problem
    if ask.site.house.shared.filter.broken("\n".join(texts_of(character))):
        raise NotMade(words("make filtered"))
    return character


async def keep(ask: Ask) -> web.StreamResponse:
    """Keep the character of the form, new or changed."""
    house = ask.site.house
    words = ask.site.pages.words(ask.language)
    entry = await _theirs(ask)
    if ask.part("id") and entry is None:
        return ask.problem(404, "not found")
    reach: Reach = entry.reach if entry else "private"
    if ask.visitor.role == "owner":
        reach = "everywhere" if ask.text("reach", 20) == "everywhere" else "private"
    try:
        moderator = ask.visitor.role != "member"
        if not house.shared.permissions.allows("character", moderator=moderator):
            raise NotMade(words("make forbidden"))
        face = _face(ask)
        character = made(ask, entry.character if entry else None)
        kept = await house.casts.keep(
            character,
            entry.owner if entry else ask.visitor.person,
            reach,
            place=entry.place if entry else "",
            waiting=entry.waiting if entry else False,
            face=face,
        )
    except NotMade as problem:
        typed = {key: ask.text(key, LONGEST) for key in FIELDS}
        return _form(ask, entry, typed, str(problem), 400)
    except CastProblem as problem:
        typed = {key: ask.text(key, LONGEST) for key in FIELDS}
        return _form(ask, entry, typed, problem.told(ask.language), 400)
    return ask.see("character", kept.id)


def _face(ask: Ask) -> bytes | None:
    """The picture of a form, without anything that is hidden in it; None: it stays as it is.

    Raises:
        NotMade: it is no PNG, or too large.
    """
    field = ask.form.get("face")
    if not isinstance(field, web.FileField):
        return None
    data = field.file.read(LARGEST_FACE + 1)
    words = ask.site.pages.words(ask.language)
    if not data:
        return None
    if len(data) > LARGEST_FACE:
        raise NotMade(words("too large", LARGEST_FACE >> 20))
    if pictures.picture_kind(data) != "png":
        raise NotMade(words("make png"))
    try:
        return pictures.bare(data, "face")
    except CardError as problem:
        raise NotMade(words("make png")) from problem


async def preview(ask: Ask) -> web.StreamResponse:
    """The form as a card, with what it lacks; nothing is kept."""
    told = ""
    try:
        made(ask, None)
    except NotMade as problem:
        told = str(problem)
    value = tuple(plain(ask.text(key, LONGEST)) for key in ("name", "brief", "greeting"))
    text = ask.site.pages.part("preview.html", ask.language, (*value, told))
    return web.Response(text=text, content_type="text/html")


async def audition(ask: Ask) -> web.StreamResponse:
    """What the character of the form answers to one question, by the model."""
    words = ask.site.pages.words(ask.language)
    try:
        character = made(ask, None)
        said = await test_line(
            ask.site.house.voice, character, ask.language, person=ask.visitor.person
        )
        told = words("make line", QUESTION[ask.language], said or "……")
    except NotMade as problem:
        told = str(problem)
    except (Crowded, EngineError) as problem:
        told = words("make no line", problem)
    value = tuple(plain(ask.text(key, LONGEST)) for key in ("name", "brief", "greeting"))
    if ask.by_script:
        text = ask.site.pages.part("preview.html", ask.language, (*value, told))
        return web.Response(text=text, content_type="text/html")
    return _form(ask, None, {key: ask.text(key, LONGEST) for key in FIELDS}, told)


async def bring_in(ask: Ask) -> web.StreamResponse:
    """A card of another program (PNG, JSON, CHARX, YAML): its characters become the visitor's."""
    house, field = ask.site.house, ask.form.get("card")
    words = ask.site.pages.words(ask.language)
    blank = dict.fromkeys(FIELDS, "")
    if not isinstance(field, web.FileField):
        return _form(ask, None, blank, words("make no file"), 400)
    kept: list[Entry] = []
    try:
        data, name = field.file.read(), plain(field.filename)[:80]
        found = await asyncio.to_thread(tavern.read, data, name)
        if not found.characters:
            return _form(ask, None, blank, words("make no card"), 400)
        for character in found.characters:
            house.casts.check(character)
            if house.shared.filter.broken("\n".join(texts_of(character))):
                return _form(ask, None, blank, words("make filtered"), 400)
        for character in found.characters:
            face = found.faces.get(character.id)
            fits = face is not None and len(face) <= LARGEST_FACE
            png = face if fits and pictures.picture_kind(face or b"") == "png" else None
            kept.append(await house.casts.keep(character, ask.visitor.person, face=png))
    except CardError as problem:
        return _form(ask, None, blank, str(problem), 400)
    except CastProblem as problem:
        return _form(ask, None, blank, problem.told(ask.language), 400)
    return ask.see("character", kept[0].id)


async def withdraw(ask: Ask) -> web.StreamResponse:
    """Take a character of the visitor's away."""
    entry = await _theirs(ask)
    if entry is None:
        return ask.problem(404, "not found")
    await ask.site.house.casts.withdraw(entry.id)
    return ask.see("")
