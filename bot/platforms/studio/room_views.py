"""Pages beside a room: the list of rooms, all orders, where a line comes from, editing a line, and
asking somebody in."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from bot.commands import COMMANDS, Order
from bot.memory import Grant, Link, StoredLine, Visitor
from bot.platforms.studio.room_pages import cast_of, obeyed, opened, title_of
from bot.platforms.studio.rooms import PLATFORM, is_alone
from bot.platforms.studio.site import Ask
from canon import Canon, CanonError

MOST_NAMES = 200  # that are offered where one is typed
AROUND = 400  # characters before and after a passage


@dataclass(frozen=True, slots=True)
class Row:
    """A room in the list: who is on stage as far as it is open here."""

    key: str
    title: str
    platform: str
    until: int
    cast: tuple[str, ...]


async def rooms(ask: Ask) -> web.StreamResponse:
    """The rooms that the visitor may open."""
    open_now = ask.site.rooms.open_now()
    rows = []
    for key, grant in (await ask.site.rooms.granted(ask.visitor)).items():
        room = open_now.get(key)
        cast = room.memory.state.cast if room else ()
        platform = key.partition(":")[0]
        rows.append(Row(key, grant.title, platform, grant.until, cast))
    rows.sort(key=lambda row: (row.platform == PLATFORM, row.title))
    return ask.page("rooms.html", rooms=rows)


async def create(ask: Ask) -> web.StreamResponse:
    """A new room."""
    key = await ask.site.rooms.create(
        ask.visitor, ask.text("title", 100), alone=bool(ask.text("alone", 5))
    )
    return ask.see("room", key)


async def remove(ask: Ask) -> web.StreamResponse:
    """A room leaves the visitor's list. What was said there stays, and so do others."""
    key = ask.text("room", 200)
    known = await ask.site.house.memory.person(ask.visitor.person).known()
    for account in dict.fromkeys((ask.visitor.person, *known.accounts)):
        await ask.site.sessions.withdraw(account, key)
    return ask.see("rooms")


async def orders(ask: Ask) -> web.StreamResponse:
    """Every command of the chats as a form."""
    found = await opened(ask)
    if found is None:
        return ask.problem(404, "not found")
    _, room, grant = found
    return ask.page(
        "orders.html",
        key=ask.part("key"),
        title=title_of(ask, grant),
        commands=[command for command in COMMANDS if not command.here_only],
        cast=list(await cast_of(ask, room))[:MOST_NAMES],
    )


# -- asking somebody in ----------------------------------------------------------------------------


async def invite(ask: Ask) -> web.StreamResponse:
    """A link for one other visitor, once."""
    key = ask.part("key")
    grant = await ask.site.rooms.grant(ask.visitor, key)
    if grant is None or not grant.moderator or not key.startswith(PLATFORM) or is_alone(key):
        return ask.problem(404, "not found")
    code = await ask.site.sessions.invite(Link(Visitor("", grant.title), key))
    link = f"{ask.site.addresses.url}/join/{code}"
    response = ask.see("room", key)
    response.headers["Location"] += f"?link={link}"
    return response


async def asked_in(ask: Ask) -> web.StreamResponse:
    """An invitation was opened."""
    if not await ask.site.sessions.is_link(ask.part("code")):
        return ask.problem(410, "used link")
    return ask.page("join.html")


async def join(ask: Ask) -> web.StreamResponse:
    """The invitation is used up, and its room is open to the visitor."""
    link = await ask.site.sessions.redeem(ask.part("code"))
    if link is None or link.visitor.person:
        return ask.problem(410, "used link")
    await ask.site.rooms.join(ask.visitor, Grant(link.room, link.visitor.name))
    return ask.see("room", link.room)


# -- one line --------------------------------------------------------------------------------------


async def edit(ask: Ask) -> web.StreamResponse:
    """The last line, to be put into other words."""
    found = await opened(ask)
    line = await found[1].view.last_line() if found else None
    if line is None:
        return ask.problem(404, "not found")
    return ask.page("edit.html", key=ask.part("key"), line=line, text=line.text, gone=False)


async def edited(ask: Ask) -> web.StreamResponse:
    """Those words; where somebody spoke meanwhile nothing is changed, and they are shown again."""
    found = await opened(ask)
    text = ask.text("text", 4000).strip()
    line = await found[1].view.last_line() if found else None
    if found is None or line is None:
        return ask.problem(404, "not found")
    feed, _, grant = found
    if line.id != ask.text("line", 60):
        return ask.page(
            "edit.html", status=409, key=ask.part("key"), line=line, text=text, gone=True
        )
    trouble = await obeyed(ask, feed, grant, Order("edit", text))
    if trouble:
        return ask.problem(503, "away")
    return ask.see("room", ask.part("key"))


@dataclass(frozen=True, slots=True)
class Source:
    """A passage that a line had before it, with what stands around it in its chapter."""

    chapter: int
    quote: str
    before: str = ""
    found: str = ""
    after: str = ""


async def why(ask: Ask) -> web.StreamResponse:
    """The passages that the last line had before it, each opened in its chapter."""
    found = await opened(ask)
    line = await found[1].view.last_line() if found else None
    if found is None or line is None:
        return ask.problem(404, "not found")
    book = found[1].shared.book
    return ask.page(
        "why.html",
        key=ask.part("key"),
        line=line,
        passages=sources(line, book),
        book=book is not None,
    )


def sources(line: StoredLine, book: Canon | None) -> list[Source]:
    """The passages of a line, found again in the book as far as it is there."""
    rows = []
    for chapter, quote in line.passages:
        source = Source(chapter, quote)
        if book is not None:
            try:
                text = book.text(chapter)
            except CanonError:
                text = ""  # another book than the line leaned on
            probe = quote.strip("…“”「」 ")[:24]
            at = text.find(probe) if probe else -1
            if at >= 0:
                end = min(len(text), at + max(len(quote), 60))
                source = Source(
                    chapter,
                    quote,
                    text[max(0, at - AROUND) : at],
                    text[at:end],
                    text[end : end + AROUND],
                )
        rows.append(source)
    return rows
