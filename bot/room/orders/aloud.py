"""Who is read aloud: /voice, for me or for the room."""

from __future__ import annotations

import re
from dataclasses import replace

from bot import notices
from bot.commands import ALL, people
from bot.drafts import joined
from bot.memory.known import Known
from bot.room.aloud import OFF, ON
from bot.room.exchange import Exchange
from bot.room.orders.table import nobody_called, order
from characters.card import Words

_ROOM = re.compile(r"(?:room|here|屋子|房间|全体|大家)(?=\s|$|开|关)[\s，,：:]*", re.IGNORECASE)
_ME = re.compile(r"(?:me|我)(?=\s|$|开|关)[\s，,：:]*", re.IGNORECASE)
_YES = {"on", "yes", "开", "打开", "開", "打開"} | ALL
_NO = {"off", "no", "none", "关", "关掉", "關", "關掉", "无"}


def is_for_room(argument: str) -> bool:
    """Whether /voice says something for everybody here."""
    found = _ROOM.match(argument.strip())
    return found is not None and bool(argument.strip()[found.end() :])


@order("voice")
async def _voice(talk: Exchange, argument: str) -> None:
    view, work, argument = talk.view, talk.job.work, argument.strip()
    if not talk.chores.aloud.possible:
        await talk.tell(notices.NO_SOUND)
        return
    room = _ROOM.match(argument)
    scope = room or _ME.match(argument)
    wanted = argument[scope.end() :].strip() if scope else argument
    if not wanted:
        await _told(talk)
        return
    value = ON if wanted.casefold() in _YES else OFF if wanted.casefold() in _NO else ""
    if not value:
        found, unknown = people(wanted, view.cast)
        if unknown or not found:
            await nobody_called(talk, unknown or (wanted,))
            return
        value = " ".join(character.id for character in found)
    if room:
        await view.memory.write(aloud=value)
        await talk.announce(*_words(talk, value, notices.ROOM_ALOUD))
        return
    if not work.individual:
        await talk.tell(notices.ALOUD_SHARED)
        return

    def change(known: Known) -> Known:
        return replace(known, profile=replace(known.profile, aloud=value))

    await view.shared.memory.person(work.individual).store.change(change)
    await talk.tell(*_words(talk, value, notices.MINE_ALOUD))


async def _told(talk: Exchange) -> None:
    """What is chosen."""
    view, person = talk.view, talk.job.work.individual
    known = await view.shared.memory.person(person).known() if person else None
    mine = known.profile.aloud if known else ""
    rows = []
    for value, words in ((mine, notices.MINE_ALOUD), (view.memory.state.aloud, notices.ROOM_ALOUD)):
        told, *values = _words(talk, value or OFF, words)
        if value or words is notices.ROOM_ALOUD:
            rows.append(told[view.language].format(*values))
    rows.append(notices.VOICE_HOW[view.language])
    await view.notice("\n".join(rows), to=talk.job.work.person)


def _words(talk: Exchange, value: str, words: tuple[Words, Words, Words]) -> tuple[Words, ...]:
    """The notice of a choice, with its names in the gap."""
    on, off, some = words
    if value in (ON, OFF):
        return (on if value == ON else off,)
    language = talk.view.language
    chosen = value.split()
    known = (talk.view.character(one) for one in chosen)
    names = joined((character.name[language] for character in known if character), language)
    return (Words(some.zh.format(names), some.en.format(names)),)
