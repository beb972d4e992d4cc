"""Reviews of what members make for a place, reports, a place's cast, and finding characters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from bot.casts import Entry, Reach
from bot.drafts import plain
from bot.memory.characters import Mode, Review
from bot.memory.reports import Report, clear_reports, report, reports_of
from bot.room.exchange import Exchange
from bot.room.orders import making_words as words
from bot.room.orders.table import order
from bot.sheet import Counts
from text.folding import fold

_SHOWN = 15  # rows of a list

MODES: Mapping[str, Mode] = {
    "shipped": "shipped", "原班": "shipped", "own": "own", "自创": "own", "both": "both",
    "全部": "both",
}  # fmt: skip
REVIEWS: Mapping[str, Review] = {
    "approve": "approve", "审核": "approve", "free": "free", "自由": "free", "off": "off",
    "关闭": "off",
}  # fmt: skip
_SORTS = {
    "popular": "popular", "热门": "popular", "new": "new", "newest": "new", "最新": "new",
    "rated": "rated", "好评": "rated",
}  # fmt: skip
_TITLES = {"popular": words.POPULAR, "new": words.NEWEST, "rated": words.RATED}


async def shown_counts(talk: Exchange, character_id: str) -> Counts:
    """What a card shows of how popular a character is."""
    found = await talk.view.shared.casts.popularity.counts([character_id], talk.view.place)
    one = found[character_id]
    return Counts(one.summons, one.people, one.up, one.down)


def waiting_here(talk: Exchange) -> list[Entry]:
    """Characters that wait for this place's moderators; at a terminal, for anybody's."""
    everywhere = not talk.view.limited
    return [
        entry
        for entry in talk.view.shared.casts.entries()
        if entry.waiting and (everywhere or entry.place == talk.view.place)
    ]


async def _queue(talk: Exchange, rest: str) -> None:
    rows = [
        f"{e.character.name[talk.view.language]}：{_brief(e)}" for e in waiting_here(talk)[:_SHOWN]
    ]
    await (talk.tell(words.QUEUE, "\n".join(rows)) if rows else talk.tell(words.EMPTY_QUEUE))


async def _decide(talk: Exchange, name: str, *, approved: bool) -> None:
    found = next(
        (e for e in waiting_here(talk) if fold(name) in map(fold, e.character.names)), None
    )
    if found is None:
        await talk.tell(words.NOT_WAITING, name[:40])
        return
    reach: Reach = "place" if approved else "private"
    await talk.view.shared.casts.keep(found.character, found.owner, reach, place=found.place)
    told = words.APPROVED if approved else words.REFUSED
    await talk.tell(told, found.character.name[talk.view.language])


async def _approve(talk: Exchange, rest: str) -> None:
    await _decide(talk, rest, approved=True)


async def _refuse(talk: Exchange, rest: str) -> None:
    await _decide(talk, rest, approved=False)


async def _report(talk: Exchange, rest: str) -> None:
    view = talk.view
    name, _, why = rest.replace("｜", "|").partition("|")
    character = view.cast.owner(name) if name.strip() else None
    if character is None or view.shared.casts.entry(character.id) is None or not why.strip():
        await talk.tell(words.REPORT_WHAT)
        return
    made = Report(character.id, talk.job.work.individual, view.place, plain(why).strip())
    await report(view.shared.memory, made)
    await talk.tell(words.REPORTED)


async def _reports(talk: Exchange, rest: str) -> None:
    """The reports of this place, without who made them; with `clear` they are done with."""
    view = talk.view
    place = None if not view.limited else view.place
    if rest.casefold() in ("clear", "清空"):
        await clear_reports(view.shared.memory, place)
    found = await reports_of(view.shared.memory, place)
    rows = [
        f"{view.shared.casts[each.character].name[view.language]}：{each.why}"
        for each in found[:_SHOWN]
    ]
    if rows:
        await talk.tell(words.REPORTS, len(found), "\n".join(rows))
    else:
        await talk.tell(words.NO_REPORTS)


@order("castmode")
async def _castmode(talk: Exchange, argument: str) -> None:
    view, language = talk.view, talk.view.language
    if not view.place:
        await talk.tell(words.NO_PLACE)
        return
    setting = view.shared.casts.setting(view.place)
    for word in argument.casefold().split():
        if word in MODES:
            setting = replace(setting, mode=MODES[word])
        elif word in REVIEWS:
            setting = replace(setting, review=REVIEWS[word])
        else:
            await talk.tell(words.HOW_CAST)
            return
    if argument.strip():
        await view.shared.casts.decide(view.place, setting)
    told = words.CAST_NOW[language].format(
        words.MODES[setting.mode][language], words.REVIEWS[setting.review][language]
    )
    rows = [told] if argument.strip() else [told, words.HOW_CAST[language]]
    await view.notice("\n".join(rows), to="" if argument.strip() else talk.job.work.person)


@order("discover")
async def _discover(talk: Exchange, argument: str) -> None:
    view, language = talk.view, talk.view.language
    asked = argument.strip()
    if asked.casefold() in ("categories", "类别"):
        counted = Counter(name for c in view.cast for name in c.categories)
        rows = [f"{name} ({count})" for name, count in counted.most_common(40)]
        if rows:
            await talk.tell(words.FOUND, words.BY_CATEGORY[language], "\n".join(rows))
        else:
            await talk.tell(words.FOUND_NONE)
        return
    sort = _SORTS.get(asked.casefold() or "popular")
    found = await view.shared.casts.find(
        "" if sort else asked, place=view.place, person=view.owner, by=sort or "match"
    )
    if not found:
        await talk.tell(words.FOUND_NONE)
        return
    title = (_TITLES[sort] if sort else words.MATCHING)[language]
    rows = [
        words.ROW[language].format(
            name=f"{c.emoji} {c.name[language]}".strip(),
            brief=(c.brief or c.persona)[language][:60],
            up=counts.up,
            down=counts.down,
            here=counts.summons_here,
            all=counts.summons,
        )
        for c, counts in found[:_SHOWN]
    ]
    await talk.tell(words.FOUND, title, "\n".join(rows))


def _brief(entry: Entry) -> str:
    return (entry.character.brief or entry.character.persona)["zh"][:80]


REVIEWING: dict[str, Callable[[Exchange, str], Awaitable[None]]] = {
    "queue": _queue,
    "approve": _approve,
    "refuse": _refuse,
    "report": _report,
    "reports": _reports,
}
