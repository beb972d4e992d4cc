"""Reviews of what members make for a place, reports, a place's cast, and finding characters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from bot.casts import Casts, Entry
from bot.drafts import plain
from bot.memory.characters import Mode, Review
from bot.memory.reports import MOST_OF_A_PERSON as MOST_REPORTS
from bot.memory.reports import Report, report
from bot.permissions import CHARACTER_REVIEW
from bot.reviews import clear_reports, reports, waiting
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


def seen_to(talk: Exchange) -> str | None:
    """The place whose moderators see to what is made here; None, at a terminal, for all places."""
    return None if talk.view.hosts else talk.view.place


def reviews(talk: Exchange) -> bool:
    """Whether this person sees to what members make here."""
    view, work = talk.view, talk.job.work
    moderator = work.moderator or view.private or view.hosts
    return view.shared.permissions.allows(CHARACTER_REVIEW, moderator=moderator)


def waits(talk: Exchange, name: str) -> Entry | None:
    """The character of that name that waits for whoever moderates here."""
    found = waiting(talk.view.shared.casts, seen_to(talk)) if name.strip() else []
    return next((e for e in found if fold(name) in map(fold, e.character.names)), None)


async def _queue(talk: Exchange, rest: str) -> None:
    found = waiting(talk.view.shared.casts, seen_to(talk))
    rows = [f"{e.character.name[talk.view.language]}：{_brief(e)}" for e in found[:_SHOWN]]
    if rows:
        await talk.tell(words.QUEUE, len(found), "\n".join(rows))
    else:
        await talk.tell(words.EMPTY_QUEUE)


async def _decide(talk: Exchange, name: str, *, approved: bool) -> None:
    found = waits(talk, name)
    if found is None:
        await talk.tell(words.NOT_WAITING, name[:40])
        return
    await talk.view.shared.casts.review(found.id, approved=approved)
    told = words.APPROVED if approved else words.REFUSED if found.owner else words.WITHDRAWN
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
    kept = await report(view.shared.memory, made)
    await (talk.tell(words.REPORTED) if kept else talk.tell(words.TOO_MANY_REPORTS, MOST_REPORTS))


async def _reports(talk: Exchange, rest: str) -> None:
    """The reports of this place, without who made them; with `clear` they are done with, all or
    those about one character."""
    view, casts, place = talk.view, talk.view.shared.casts, seen_to(talk)
    word, _, name = rest.partition(" ")
    if word.casefold() in ("clear", "清空") and place != "":
        named = [
            r.character for r in await _found_reports(talk, place) if _is_called(casts, r, name)
        ]
        if name.strip() and not named:
            await talk.tell(words.NOBODYS, name[:40])
            return
        await clear_reports(view.shared.memory, place, character=named[0] if named else "")
    found = await _found_reports(talk, place)
    rows = [f"{casts[each.character].name[view.language]}：{each.why}" for each in found[:_SHOWN]]
    if rows:
        await talk.tell(words.REPORTS, len(found), "\n".join(rows))
    else:
        await talk.tell(words.NO_REPORTS)


async def _found_reports(talk: Exchange, place: str | None) -> list[Report]:
    return await reports(talk.view.shared.casts, talk.view.shared.memory, place)


def _is_called(casts: Casts, report: Report, name: str) -> bool:
    return bool(name.strip()) and fold(name) in map(fold, casts[report.character].names)


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
    rows = [told]
    if not argument.strip():
        if reviews(talk):
            queued = len(waiting(view.shared.casts, view.place))
            reported = len(await _found_reports(talk, view.place))
            if queued or reported:
                rows.append(words.TO_SEE_TO[language].format(queued, reported))
        rows.append(words.HOW_CAST[language])
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
        "" if sort else asked,
        place=view.place,
        person=view.owner,
        alone=view.hosts,
        by=sort or "match",
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
