"""/transcript: the scene as a file to share, or as lessons when everybody in it agrees."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable

from bot import notices
from bot.drafts import joined
from bot.memory import StoredTurn
from bot.memory.stored import as_shown
from bot.room.exchange import Exchange
from bot.room.orders.cards import shown_face
from bot.room.orders.table import is_said, number_in, order
from bot.transcripts import Entry, Format, Transcript, jsonl, lessons, markdown, page
from characters.prompt import name_of

MOST_LINES = 1000  # of a file; the newest

_FORMATS: dict[str, Format] = {
    **dict.fromkeys(("markdown", "md", "文本", "text"), "markdown"),
    **dict.fromkeys(("html", "网页", "page"), "html"),
    **dict.fromkeys(("jsonl", "json"), "jsonl"),
    **dict.fromkeys(("lessons", "教材", "课文"), "lessons"),
}
_WRITERS: dict[Format, tuple[str, Callable[[Transcript], bytes]]] = {
    "markdown": ("md", markdown.write),
    "html": ("html", page.write),
    "jsonl": ("jsonl", jsonl.write),
    "lessons": ("lessons.jsonl", lessons.write),
}


@order("transcript")
async def _transcript(talk: Exchange, argument: str) -> None:
    view = talk.view
    asked = _asked(argument)
    if asked is None:
        await talk.tell(notices.WHICH_FORMAT, MOST_LINES)
        return
    form, most = asked
    turns = await view.memory.between()
    if view.shared.people:
        turns = await view.shared.people.rememberable(turns, view.private)
    lines = await view.memory.lines()
    turns = [
        as_shown(kept, lines.get(kept.line))
        for kept in turns
        if is_said(kept) and not kept.turn.whispered
    ][-most:]
    if not turns:
        await talk.tell(notices.NOTHING_YET)
        return
    if form == "lessons" and (missing := await _without_consent(talk, turns)):
        await talk.announce(notices.NO_CONSENT, joined(missing, view.language))
        return
    told = await _told(talk, turns)
    kind, write = _WRITERS[form]
    data = await asyncio.to_thread(write, told)
    if not data:
        await talk.tell(notices.NO_LINE)
        return
    name = f"mrp-{_stem(told.title)}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}.{kind}"
    where = await view.stage.attach(name, data)
    shown = notices.TRANSCRIPT[view.language].format(len(told.entries))
    await talk.tell(notices.AS_IT_IS, f"{shown}\n{where}".strip())


def _asked(argument: str) -> tuple[Format, int] | None:
    """The format, and how many of the last lines; None where it is neither."""
    form: Format = "markdown"
    most = MOST_LINES
    for word in argument.split():
        number = number_in(word, 0)
        if known := _FORMATS.get(word.casefold()):
            form = known
        elif number is not None and number >= 1:
            most = min(number, MOST_LINES)
        else:
            return None
    return form, most


async def _without_consent(talk: Exchange, turns: list[StoredTurn]) -> list[str]:
    """Shown names of those whose words may not be taken as lessons; a sender that several people
    share, or somebody else's words, nobody can agree for."""
    missing: dict[str, None] = {}
    asked: dict[str, bool] = {}
    for kept in turns:
        if kept.turn.side == "character" or (kept.turn.side == "narration" and not kept.person):
            continue
        if kept.person and kept.person not in asked:
            known = await talk.view.shared.memory.person(kept.person).known()
            asked[kept.person] = known.profile.lessons and not known.profile.leaving
        if not asked.get(kept.person) or kept.forwarded:
            missing[kept.turn.speaker or name_of(kept.turn, talk.view.scene())] = None
    return list(missing)


async def _told(talk: Exchange, turns: list[StoredTurn]) -> Transcript:
    view, state = talk.view, talk.view.memory.state
    scene = view.scene()
    named = view.named([kept.turn for kept in turns])
    entries = tuple(
        Entry(
            name=name_of(turn, scene),
            text=turn.text,
            side=turn.side,
            at=int(kept.id.partition("-")[0]) / 1000,
            character=kept.turn.speaker if turn.side == "character" else "",
            heard=kept.turn.witnesses or frozenset(),
        )
        for kept, turn in zip(turns, named, strict=True)
    )
    ids = dict.fromkeys([e.character for e in entries if e.character])
    spoke = (view.character(one) for one in (*ids, *state.cast))
    cast = tuple(dict.fromkeys(one for one in spoke if one is not None))
    faces = {one.id: face for one in cast if (face := await shown_face(view.shared.casts, one))}
    return Transcript(
        title=state.place or joined((c.name[view.language] for c in cast), view.language),
        language=view.language,
        entries=entries,
        cast=cast,
        place=state.place,
        mood=state.mood,
        faces=faces,
    )


def _stem(title: str) -> str:
    """A title as part of a file's name on any system."""
    return re.sub(r"[^\w]+", "-", title).strip("-_")[:24] or "scene"
