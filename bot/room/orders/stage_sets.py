"""Stage sets: /stageset takes the whole scene out as one file, and brings one in.

    /stageset export 月下荒庙 | 天黑了，只有一盏灯。    who is on stage, place, lore, and an opening
    /stageset import                                  the zip that this person attached
    /stageset keep                                    what was previewed is brought here

A file is looked at whole before anything of it is kept: either all of it comes, or nothing. What it
is: `characters.tavern.stage_sets`.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass, replace

from bot import notices
from bot.casts import IS_SOMEBODYS, CastProblem, Entry, Reach
from bot.drafts import joined, plain
from bot.memory.attached import attach, attached
from bot.memory.lore import LoreProblem, check, keep, lorebooks
from bot.room.exchange import Exchange
from bot.room.orders import making, making_words
from bot.room.orders.cards import NEW, file_given, fitting_face, shown_face
from bot.room.orders.ownership import may_at_once, may_change, why_not
from bot.room.orders.stage import bring_on
from bot.room.orders.table import order
from characters.card import CardError, Character, Words
from characters.lore import Lorebook
from characters.macros import expand
from characters.tavern import Imported, Setting, lore_of, read, write_group
from characters.tavern.fields import wrong
from characters.tavern.stage_sets import LONGEST
from characters.turn import Turn
from text.folding import fold

_VERBS = {
    **dict.fromkeys(("import", "导入"), "import"),
    **dict.fromkeys(("export", "导出"), "export"),
    **dict.fromkeys(("keep", "save", "保存"), "keep"),
}
LONGEST_NAME = 80  # characters, as below
_OPENING = LONGEST["opening"]

HOW = Words(
    "/戏台 导出 名字 | 开场的话：台上的角色、地点、设定集存成一个文件。把这样的文件"
    "（SillyTavern 的群组压缩包也行）作为附件发来，/戏台 导入 先看，再 /戏台 保存 搬到这里。",
    "/stageset export NAME | OPENING: who is on stage, place and lore as one file. Attach such a "
    "file (or a SillyTavern group as a zip), /stageset import shows it, /stageset keep brings it "
    "here.",
)
UNREAD = Words("这个戏台读不了：{}", "This stage set cannot be read: {}")
PREVIEW = Words(
    "戏台《{}》，先看看（还没有搬来）：", "The stage set “{}”, a preview (not here yet):"
)
ON_STAGE = Words("登台：{}", "On stage: {}")
NEW_HERE = Words("{}（新）", "{} (new)")
SETTING = {
    "place": Words("地点：{}", "Place: {}"),
    "mood": Words("气氛：{}", "Mood: {}"),
    "note": Words("导演的话：{}", "Director's note: {}"),
    "chapter": Words("到第 {} 回为止", "As of chapter {}"),
    "opening": Words("开场：{}", "Opening: {}"),
}
LORE = Words("设定集：{}", "Lore: {}")
BOOK = Words("{}（{} 条）", "{} ({} entries)")
MUST_WAIT = Words(
    "这里成员做的角色要先审核，戏台里的新角色上不了台：请管理员来搬，或者 /角色 导入 一个一个送审",
    "what members make for here is approved first, so the new characters of a set cannot come on "
    "stage: have a moderator bring it, or hand them in one by one with /character import",
)
WHAT_NOW = Words("/戏台 保存 搬到这里。", "/stageset keep brings it here.")
BROUGHT = Words("戏台《{}》搬来了。", "The stage set “{}” is here.")
EXPORTED = Words("戏台《{}》。{}", "The stage set “{}”.{}")
NO_CHAPTER = Words("这本书只有 {} 回", "this book has {} chapters")
_SHOWN = 300  # characters of an opening or a note in a preview


@dataclass(frozen=True, slots=True)
class _Member:
    """Who comes on stage: somebody who is here already, or a character to be kept."""

    character: Character
    face: bytes | None
    new: bool


@order("stageset")
async def _stage_set(talk: Exchange, argument: str) -> None:
    word, _, rest = argument.strip().partition(" ")
    if not talk.job.work.individual and word:
        await talk.tell(making_words.SHARED_SENDER)
        return
    try:
        match _VERBS.get(word.casefold(), ""):
            case "export":
                await _export(talk, rest)
            case "import":
                await _import(talk, rest)
            case "keep":
                await _keep(talk)
            case _:
                await talk.tell(HOW)
    except CardError as problem:
        await talk.tell(UNREAD, problem)
    except CastProblem as problem:
        await talk.tell(UNREAD, problem.told(talk.view.language))
    except LoreProblem as problem:
        await talk.tell(notices.LORE_FULL, problem.most)


async def _export(talk: Exchange, rest: str) -> None:
    """All on stage, unless one of them is somebody else's."""
    view, casts, language = talk.view, talk.view.shared.casts, talk.view.language
    cast, state = view.scene().cast, view.memory.state
    if not cast:
        await talk.tell(notices.NOBODY)
        return
    for character in cast:
        entry = casts.entry(character.id)
        if entry is not None and not may_change(talk, entry):
            await talk.tell(making_words.NOT_YOURS, character.name[language])
            return
    named, _, opening = rest.replace("｜", "|").partition("|")
    name = named.strip() or state.place or joined((c.name[language] for c in cast), language)
    name = " ".join(name.split())[:LONGEST_NAME]
    setting = Setting(
        state.place, state.mood, state.note, plain(opening).strip()[:_OPENING], state.chapter
    )
    members = [(one, await shown_face(casts, one), ()) for one in cast]
    ids = {"", *(one.id for one in cast)}
    books = await lorebooks(view.shared.memory, view.key)
    lore = [_by_names(talk, book) for book in books if book.owner in ids]
    data = await asyncio.to_thread(write_group, name, members, lore=lore, setting=setting)
    file = re.sub(r"[^\w]+", "-", name).strip("-_")[:40] or "stage"
    where = await view.stage.attach(f"{file}.zip", data)
    await talk.announce(EXPORTED, name, f"\n{where}" if where else "")


async def _import(talk: Exchange, rest: str) -> None:
    """Show what is in a file, and whether it could come here."""
    given = await file_given(talk, rest)
    if given is None:
        await talk.tell(HOW)
        return
    name, data = given
    found = await asyncio.to_thread(_opened, data, name)
    members = await _members(talk, found)
    await _check(talk, found, name)
    await attach(talk.view.shared.memory, talk.job.work.individual, name, data)
    await talk.view.notice(_preview(talk, found, members), to=talk.job.work.person)


async def _keep(talk: Exchange) -> None:
    """Bring the person's last file here: characters, lore, place, and all on stage."""
    view, work = talk.view, talk.job.work
    given = await attached(view.shared.memory, work.individual)
    if given is None:
        await talk.tell(HOW)
        return
    name, data = given
    found = await asyncio.to_thread(_opened, data, name)
    members = await _members(talk, found)
    await _check(talk, found, name)
    kept = await _kept(talk, members)
    by_old = {old.id: new.id for old, new in zip(found.characters, kept, strict=True)}
    for book in _books(found):
        owner = by_old[book.owner] if book.owner else ""
        await keep(view.shared.memory, view.key, replace(book, owner=owner))
    await view.refresh(work.person)
    setting = found.setting
    changes = {
        key: value
        for key in ("place", "mood", "note", "chapter")
        if (value := getattr(setting, key))
    }
    if changes:
        await view.memory.write(**changes)
    await bring_on(talk, kept, greet=not setting.opening)
    if setting.opening:
        opening = expand(
            setting.opening,
            char=kept[0].name[view.language],
            user=work.name,
            seed=view.key,
            language=view.language,
        )
        # Closed with the turn: what a narrator tells twice would have happened twice.
        await view.memory.write(Turn("", opening, "narration"), person=work.person, work=work)
        talk.job.closed = True
        await talk.announce(notices.NARRATED, opening)
    await talk.announce(BROUGHT, found.group)


def _opened(data: bytes, name: str) -> Imported:
    found = read(data, name)
    if found.title != "group":
        raise wrong(name, "", f"is a {found.title}, not a group of characters")
    return found


def _books(found: Imported) -> list[Lorebook]:
    """The lorebooks of a set besides those in its cards, which their characters bring along."""
    own = {
        one.id: lore_of(json.loads(one.source.card), one.id)
        for one in found.characters
        if one.source
    }
    return [book for book in found.lore if book not in own.get(book.owner, ())]


async def _members(talk: Exchange, found: Imported) -> list[_Member]:
    """The characters of a set: who is here already, and who would be new or changed.

    Raises:
        CastProblem: one is too long, or a name is somebody's; so nobody may come.
    """
    view, casts = talk.view, talk.view.shared.casts
    members, taken = [], dict[str, Character]()
    for one in found.characters:
        entry = casts.entry(one.id)
        known = view.cast.characters
        here = next((each for each in known if each.id == one.id and each == one), None)
        if here is not None:
            members.append(_Member(here, None, new=False))
            continue
        face = found.faces.get(one.id)
        if entry is None or not _changes_here(talk, entry):
            one = replace(one, id=NEW)
            if refused := _why_none_is_made(talk):
                raise CastProblem(refused)
        casts.check(one)
        for name in (name for name in one.names if name != one.id):
            whose = taken.get(fold(name)) or view.cast.owner(name)
            if whose is not None and (whose.id != one.id or one.id == NEW):
                raise CastProblem(IS_SOMEBODYS, name, whose.name[view.language])
        taken |= {fold(name): one for name in one.names if name != one.id}
        if view.shared.filter.broken("\n".join(making.texts_of(one))):
            raise CastProblem(making_words.NOT_TALKED_ABOUT)
        members.append(_Member(one, face, new=True))
    return members


def _changes_here(talk: Exchange, entry: Entry) -> bool:
    """Whether a set may change a stored character: where this person may, here, and nobody has to
    approve of it. Else it comes as a new one, as a stranger's does."""
    here = entry.reach != "place" or entry.place == talk.view.place
    return here and may_change(talk, entry) and may_at_once(talk, entry.reach, entry.place)


def _why_none_is_made(talk: Exchange) -> Words | None:
    """Why this person's sets may bring no new character here; None when they may. One that waited
    for approval could not come on stage."""
    place = talk.view.place
    if not place or may_at_once(talk, "place", place):
        return None
    return why_not(talk, "place", place) or MUST_WAIT


async def _check(talk: Exchange, found: Imported, name: str) -> None:
    """Whether the setting and the lorebooks of a set fit this room.

    Raises:
        CardError, CastProblem, LoreProblem: they do not.
    """
    view, setting = talk.view, found.setting
    last = view.shared.book.last if view.shared.book else 0
    if last and setting.chapter > last:
        what = NO_CHAPTER[view.language].format(last)
        raise wrong(name, "group.json: extensions.mrp.chapter", what)
    texts = (setting.place, setting.mood, setting.note, setting.opening)
    if view.shared.filter.broken("\n".join(texts)):
        raise CastProblem(making_words.NOT_TALKED_ABOUT)
    await check(view.shared.memory, view.key, _books(found))


async def _kept(talk: Exchange, members: list[_Member]) -> list[Character]:
    """Keep who is new; all of them or none. Returns all, as they are called here.

    Raises:
        CastProblem: one cannot be kept (a name was taken a moment ago, there are too many).
    """
    view, casts, person = talk.view, talk.view.shared.casts, talk.job.work.individual
    reach: Reach = "place" if view.place else "private"
    kept: list[Character] = []
    made: list[Entry] = []
    changed: list[tuple[Entry, bytes]] = []  # as they were, with their pictures
    try:
        for one in members:
            if not one.new:
                kept.append(one.character)
                continue
            before = casts.entry(one.character.id)
            if before is not None:
                changed.append((before, await casts.face(before.id) or b""))
            entry = await casts.keep(
                one.character,
                before.owner if before else person,
                before.reach if before else reach,
                place=before.place if before else view.place,
                face=await fitting_face(one.face),
            )
            if before is None:
                made.append(entry)
            kept.append(entry.character)
    except CastProblem:
        for entry in made:
            await casts.withdraw(entry.id)
        for was, face in changed:
            await casts.keep(was.character, was.owner, was.reach, place=was.place, face=face)
        raise
    return kept


def _by_names(talk: Exchange, book: Lorebook) -> Lorebook:
    """A book whose entries say by name who knows them: ids are others in another bot."""

    def named(ids: frozenset[str]) -> frozenset[str]:
        found = {one: talk.view.known.owner(one) for one in ids}
        return frozenset(fold(who.name["zh"]) if who else one for one, who in found.items())

    entries = (replace(e, only=named(e.only), never=named(e.never)) for e in book.entries)
    return replace(book, entries=tuple(entries))


def _preview(talk: Exchange, found: Imported, members: list[_Member]) -> str:
    language, setting = talk.view.language, found.setting
    names = (one.character.name[language] for one in members)
    shown = [
        NEW_HERE[language].format(name) if one.new else name
        for name, one in zip(names, members, strict=True)
    ]
    rows = [
        PREVIEW[language].format(found.group),
        ON_STAGE[language].format(joined(shown, language)),
    ]
    for key, label in SETTING.items():
        if value := getattr(setting, key):
            text = str(value)
            rows.append(label[language].format(text[:_SHOWN] + "……" * (len(text) > _SHOWN)))
    if books := _books(found):
        told = (BOOK[language].format(book.name, len(book.entries)) for book in books)
        rows.append(LORE[language].format(joined(told, language)))
    return "\n".join((*rows, WHAT_NOW[language]))
