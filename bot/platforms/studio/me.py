"""What is remembered of the visitor: to see, correct, erase and take along, by the same orders as
in a chat."""

from __future__ import annotations

import json

from aiohttp import web

from bot.commands import Order
from bot.platforms.studio.entry import COOKIE
from bot.platforms.studio.rooms import PLATFORM
from bot.platforms.studio.site import Ask
from characters.turn import safe_name

# The orders that the page gives, by the name that its forms have for them.
ORDERS = frozenset(
    {"remember", "correct", "forget", "optin", "optout", "share", "retention", "link", "unlink"}
)
ROOM = f"{PLATFORM}:me"  # where it was said: at the page itself
LONGEST_NAME = 40


async def page(ask: Ask) -> web.StreamResponse:
    """All that is known of the visitor."""
    return await _page(ask, "")


async def _page(ask: Ask, told: str, status: int = 200) -> web.Response:
    house = ask.site.house
    await house.people.settle()
    known = await house.memory.person(ask.visitor.person).known()
    made = await house.casts.owned_by(known.accounts)
    return ask.page("me.html", status=status, known=known, told=told, made=made)


async def change(ask: Ask) -> web.StreamResponse:
    """One form of the page."""
    house, visitor = ask.site.house, ask.visitor
    name, argument = ask.text("order", 20), ask.text("argument", 600).strip()
    if name == "name":
        return await _rename(ask, argument)
    if name == "everything":
        return await _everything(ask, argument)
    if name not in ORDERS:
        return await _page(ask, ask.site.pages.words(ask.language)("no order"), 400)
    if name == "correct":
        argument = f"{ask.text('number', 9)} {argument}"
    if name == "forget" and not argument.isdecimal():
        return await _page(ask, ask.site.pages.words(ask.language)("no order"), 400)
    told = await house.people.obey(
        Order(name, argument), visitor.person, visitor.name, ROOM, True, ask.language
    )
    return await _page(ask, told or "")


async def _rename(ask: Ask, name: str) -> web.Response:
    assert ask.session is not None
    taken = [each for one in ask.site.house.cast for each in one.names]
    await ask.site.sessions.change(ask.session, name=safe_name(name[:LONGEST_NAME], taken))
    return ask.see("me")


async def _everything(ask: Ask, argument: str) -> web.Response:
    """Erase all about the visitor. It also ends all of their sessions. The characters they made go
    along, or stay without their name where others can summon them."""
    if argument != "all":
        return ask.see("me")
    visitor = ask.visitor
    what = "all, keep my characters" if ask.text("characters", 4) == "stay" else "all"
    await ask.site.house.people.obey(
        Order("forget", what), visitor.person, visitor.name, ROOM, True, ask.language
    )
    response = ask.see("")
    response.del_cookie(COOKIE, path=ask.site.addresses.base or "/")
    return response


async def export(ask: Ask) -> web.StreamResponse:
    """All that is kept of the visitor, as a file."""
    await ask.site.house.people.settle()
    kept = await ask.site.house.memory.person(ask.visitor.person).export()
    return web.Response(
        text=json.dumps(kept, ensure_ascii=False, indent=2),
        content_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="mrp.json"'},
    )
