"""What waits for approval, and what people reported: of all places, for whoever hosts."""

from __future__ import annotations

from aiohttp import web

from bot import reviews
from bot.casts import CastProblem
from bot.drafts import plain
from bot.memory.reports import LONGEST
from bot.platforms.studio.site import Ask


async def page(ask: Ask) -> web.StreamResponse:
    """The queue, and the reports by character."""
    return await _page(ask)


async def _page(ask: Ask, told: str = "", status: int = 200) -> web.Response:
    house = ask.site.house
    reported: dict[str, list[reviews.Report]] = {}
    for one in await reviews.reports(house.casts, house.memory, None):
        reported.setdefault(one.character, []).append(one)
    return ask.page(
        "reviews.html",
        status=status,
        told=told,
        waiting=reviews.waiting(house.casts, None),
        reported=[(house.casts[each], rows) for each, rows in reported.items()],
        longest=LONGEST,
    )


async def decide(ask: Ask) -> web.StreamResponse:
    """Approve or refuse one that waits; withdraw one, or be done with what was reported of it. Its
    maker is told why."""
    house = ask.site.house
    what, character_id = ask.text("do", 10), ask.text("character", 40)
    why = " ".join(plain(ask.text("why", LONGEST)).split())
    if not character_id:
        return await _page(ask, ask.site.pages.words(ask.language)("review whom"), 400)
    try:
        if what in ("approve", "refuse"):
            before = house.casts.entry(character_id)
            entry = await house.casts.review(character_id, approved=what == "approve")
            owner = before.owner if before else entry.owner
            await _tell(ask, owner, f"{what}d", entry.character.name[ask.language], why)
        elif what == "withdraw":
            entry = await house.casts.withdraw(character_id)
            await _tell(ask, entry.owner, "removed", entry.character.name[ask.language], why)
        elif what == "done":
            await reviews.clear_reports(house.memory, None, character=character_id)
        else:
            return await _page(ask, ask.site.pages.words(ask.language)("review whom"), 400)
    except CastProblem as problem:
        return await _page(ask, problem.told(ask.language), 409)
    return ask.see("owner", "reviews")


async def _tell(ask: Ask, account: str, what: str, name: str, why: str) -> None:
    if account:
        await ask.site.house.memory.person(account).notify(what, name, why)
