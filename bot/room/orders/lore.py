"""Lorebooks of the room: /lore lists, adds, imports, removes.

/lore add 紧箍咒、咒语：只有唐僧会念。            keys, a colon, what is known
/lore add @悟空 花果山：水帘洞后面藏着酒。        only 悟空 knows it
/lore add *：这里天天下雨。                       always before everybody
/lore import {"entries": …}                       a lorebook's JSON; in a terminal also a file
/lore remove 花果山                               an entry of the room's own, or a whole book
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bot import notices
from bot.drafts import joined, plain
from bot.memory.lore import LoreProblem, drop, keep, lorebooks
from bot.room.exchange import Exchange
from bot.room.orders.cards import file_given
from bot.room.orders.table import order
from characters.card import Cast, Words
from characters.lore import Entry, Lorebook, with_entry
from characters.tavern import CardError, read
from text.folding import fold

OWN = "room"  # the name of the book that /lore add writes in
LONGEST_TEXT, LONGEST_KEY, MOST_KEYS = 1_000, 60, 12
MOST_ENTRIES = 200  # of the room's own book
_SHOWN = 30  # entries that a list names

_VERBS = {
    "add": ("add", "加", "添", "添加"),
    "import": ("import", "导入", "導入"),
    "remove": ("remove", "delete", "删", "删除", "刪除"),
}
_VERB = re.compile(
    rf"({'|'.join(sorted((w for ws in _VERBS.values() for w in ws), key=len, reverse=True))})"
    r"(?:[\s　]+|(?=[@＠\"「{*])|$)(.*)",
    re.DOTALL | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Odd(Exception):
    """What is wrong with an entry that somebody types."""

    words: Words
    values: tuple[object, ...] = ()


@order("lore")
async def _lore(talk: Exchange, argument: str) -> None:
    found = _VERB.fullmatch(argument.strip())
    if not argument.strip():
        await _list(talk)
        return
    verb = next((v for v, words in _VERBS.items() if found and found[1].lower() in words), "")
    try:
        match verb:
            case "add" if found:
                await _add(talk, found[2])
            case "import" if found:
                await _import(talk, found[2].strip())
            case "remove" if found:
                await _remove(talk, found[2].strip())
            case _:
                await talk.tell(notices.LORE_HOW)
    except LoreProblem as problem:
        await talk.tell(notices.LORE_FULL, problem.most)
    except _Odd as problem:
        await talk.tell(problem.words, *problem.values)


async def _list(talk: Exchange) -> None:
    view = talk.view
    language, cast = view.language, view.cast
    rows = []
    for book in await lorebooks(view.shared.memory, view.key):
        owner = cast.owner(book.owner) if book.owner else None
        only = notices.LORE_ONLY[language].format(owner.name[language]) if owner else ""
        names = joined((entry.name for entry in book.entries[:_SHOWN]), language)
        if len(book.entries) > _SHOWN:
            names += "……"
        title = called(book.name)[language]
        rows.append(notices.LORE_BOOK[language].format(title, len(book.entries), only, names))
    if not rows:
        rows = [notices.NO_LORE[language]]
    await view.notice("\n".join(rows), to=talk.job.work.person)


def called(book: str) -> Words:
    """How a book is called in a notice."""
    return notices.ROOM_LORE if book == OWN else Words(book, book)


async def _add(talk: Exchange, written: str) -> None:
    view = talk.view
    entry = entry_of(written, view.cast)
    books = await lorebooks(view.shared.memory, view.key)
    own = next((book for book in books if book.name == OWN), Lorebook(OWN))
    new = with_entry(own, entry)
    if len(new.entries) > MOST_ENTRIES:
        raise LoreProblem(MOST_ENTRIES)
    await keep(view.shared.memory, view.key, new)
    await talk.announce(notices.LORE_ADDED, entry.name)


def entry_of(written: str, cast: Cast) -> Entry:
    """The entry that somebody types: `@who keys: text`.

    Raises:
        _Odd: keys or text are missing or too long, or somebody is unknown.
    """
    head, mark, text = re.match(r"([^:：]*)([:：]?)(.*)", written, re.DOTALL).groups()  # type: ignore[union-attr]
    text = " ".join(plain(text).split())
    who = re.findall(r"[@＠]([^\s,，、@＠]+)", head)
    keys = [
        plain(key).strip().strip("\"'“”「」")
        for key in re.split(r"[,，、]", re.sub(r"[@＠][^\s,，、@＠]+", "", head))
    ]
    keys = [key for key in dict.fromkeys(keys) if key]
    if not mark or not text or not keys:
        raise _Odd(notices.LORE_HOW)
    if len(text) > LONGEST_TEXT:
        raise _Odd(notices.LORE_LONG, (len(text), LONGEST_TEXT))
    if len(keys) > MOST_KEYS or any(len(key) > LONGEST_KEY for key in keys):
        raise _Odd(notices.LORE_KEYS, (MOST_KEYS, LONGEST_KEY))
    only = []
    for name in who:
        character = cast.owner(name)
        if character is None:
            raise _Odd(notices.LORE_WHO, (name[:40],))
        only.append(fold(character.id))
    always = keys == ["*"]
    return Entry(
        name=text[:12] if always else keys[0],
        text=text,
        keys=() if always else tuple(keys),
        constant=always,
        only=frozenset(only),
    )


async def _import(talk: Exchange, written: str) -> None:
    """A lorebook from its JSON, from what was attached, in a terminal from a file."""
    try:
        given = await file_given(talk, written)
    except CardError as problem:
        raise _Odd(notices.LORE_UNREAD, (problem,)) from problem
    if given is None:
        raise _Odd(notices.LORE_HOW)
    name, data = given
    await import_books(talk, data, name)


async def import_books(talk: Exchange, data: bytes, name: str) -> None:
    """Keep the lorebooks of a file (a book's or a card's) in the room; all of them or none."""
    view = talk.view
    try:
        found = read(data, name)
    except CardError as problem:
        await talk.tell(notices.LORE_UNREAD, problem)
        return
    if not found.lore:
        await talk.tell(notices.LORE_UNREAD, f"{name}: no lorebook is in it")
        return
    for book in found.lore:
        title = OWN + "_" if book.name == OWN else book.name
        owner = view.cast.owner(book.owner) if book.owner else None
        await keep(
            view.shared.memory,
            view.key,
            replace(book, name=title, owner=owner.id if owner else ""),
        )
        await talk.announce(notices.LORE_IMPORTED, title, len(book.entries))


async def _remove(talk: Exchange, name: str) -> None:
    view = talk.view
    for book in await lorebooks(view.shared.memory, view.key):
        names = {fold(called(book.name).zh), fold(called(book.name).en), fold(book.name)}
        if fold(name) in names:
            await drop(view.shared.memory, view.key, book.name)
            await talk.announce(notices.LORE_REMOVED, called(book.name)[view.language])
            return
        kept = tuple(entry for entry in book.entries if fold(entry.name) != fold(name))
        if len(kept) < len(book.entries):
            if kept:
                await keep(view.shared.memory, view.key, replace(book, entries=kept))
            else:
                await drop(view.shared.memory, view.key, book.name)
            await talk.announce(notices.LORE_REMOVED, name[:80])
            return
    await talk.tell(notices.LORE_NONE, name[:80])
