"""What a scene leaves: its whole transcript, its branches, and files to share.

Everything that changes something is an order of the chat (/branch, /checkpoint, /transcript); this
is where its buttons are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from aiohttp import web

from bot.commands import Order
from bot.memory import StoredLine, StoredTurn
from bot.platforms.studio.room_pages import Opened, done, obeyed, opened, title_of, trouble, well
from bot.platforms.studio.site import Ask
from bot.platforms.studio.transcript import readable
from bot.room.orders.table import is_said
from characters.turn import Side

A_PAGE = 200  # turns of a transcript
FORMATS = ("markdown", "html", "jsonl", "lessons")  # of /transcript


@dataclass(frozen=True, slots=True)
class Row:
    """A turn as the transcript has it. `place` is what a reply to it would name, "" without one."""

    side: Side
    name: str
    text: str
    place: str
    whispered: bool


async def transcript(ask: Ask) -> web.StreamResponse:
    """All that was said, the newest page first."""
    found = await opened(ask)
    if found is None:
        return ask.problem(404, "not found")
    _, room, grant = found
    before = ask.request.query.get("before", "")
    until = f"({before}" if _is_entry(before) else "+"
    lines = await room.memory.lines()
    turns = [
        turn
        for turn in await room.memory.between("", until)
        if is_said(turn) and readable(turn, lines.get(turn.line)) in ("", ask.visitor.person)
    ]
    shown = turns[-A_PAGE:]
    return ask.page(
        "transcript.html",
        key=ask.part("key"),
        title=title_of(ask, grant),
        rows=list(_rows(ask, found, shown, lines)),
        earlier=shown[0].id if len(turns) > len(shown) else "",
        branches=room.memory.state.branches,
        here=room.memory.state.branch,
        formats=FORMATS,
    )


def _rows(
    ask: Ask, found: Opened, turns: Iterable[StoredTurn], lines: dict[str, StoredLine]
) -> Iterable[Row]:
    for kept in turns:
        turn, line = kept.turn, lines.get(kept.line)
        name = turn.speaker
        if turn.side == "character":
            name = ask.site.name_of(name, found[1].language)
        place = line.places[0] if line and line.places else kept.message
        yield Row(turn.side, name, turn.text, place, turn.whispered)


def _is_entry(text: str) -> bool:
    """Whether it is the id of a stream's entry."""
    ms, _, number = text.partition("-")
    return ms.isdecimal() and number.isdecimal() and len(text) < 40


async def branch(ask: Ask) -> web.StreamResponse:
    """A form of the branches: `place` goes on from that turn, else `order` is /branch or
    /checkpoint with its argument."""
    found = await opened(ask)
    if found is None:
        return ask.problem(404, "not found")
    feed, _, grant = found
    if place := ask.text("place", 200):
        wrong = await done(
            ask,
            lambda kept: feed.hear(
                ask.visitor,
                "/branch here",
                id="",
                moderator=grant.moderator,
                reply_to=place,
                kept=kept,
            ),
        )
    else:
        name, _, argument = ask.text("order", 100).partition(" ")
        if name not in ("branch", "checkpoint"):
            return trouble(ask, "no order")
        argument = ask.text("argument", 100).strip() or argument
        wrong = await obeyed(ask, feed, grant, Order(name, argument))
    return trouble(ask, wrong) if wrong else well(ask)


async def file(ask: Ask) -> web.StreamResponse:
    """A file that an order gave (/transcript, /character export), as long as it is kept here."""
    found = await opened(ask)
    held = found[0].file(ask.part("id")) if found else None
    if held is None:
        return ask.problem(404, "not found")
    name, data = held
    return web.Response(
        body=data,
        content_type="application/octet-stream",  # never a page of this site
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"},
    )
