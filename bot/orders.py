"""What a room does about each order. `bot.commands` has their names; a row there, a coroutine here.

Whatever makes a character speak goes through `room.answer`, `room.speak` or `room.said`, so that it
is kept once and shown like every other line.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot import notices
from bot.casting import candidates
from bot.commands import ALL, Order, help_text, people
from bot.drafts import joined, plain
from bot.memory import Request, StoredTurn
from characters.card import Character, Language, Words
from characters.prompt import name_of
from characters.turn import Turn

if TYPE_CHECKING:  # the room imports this file
    from bot.room import Room

LONGEST_TEXT = 400  # characters of a place, a mood, a note
AUTO, MOST_AUTO = 4, 12  # turns that characters talk among themselves
MOST_UNDO = 50
_RECAP = 8  # last turns that a recap tells

_NONE = {"无", "没有", "撤掉", "清空", "none", "off", "clear", "-"}
_HERE = {"room", "here", "屋子", "这间屋子", "房间", "这里", "此处"}


async def obey(room: Room, order: Order, work: Request) -> None:
    """Carry out one order."""
    language = room.language
    if room.people:
        told = await room.people.obey(
            order, work.person, work.name, room.key, room.private, language, alone=True
        )
        if told is not None:
            await room.notice(told, to=work.person, secret=True)
            return
    doing = _ORDERS.get(order.id)
    if doing:
        await doing(room, order.argument, work)
    elif order.id:
        await room.notice(notices.ELSEWHERE[language].format(order.called), to=work.person)
    else:
        told = notices.NO_SUCH_COMMAND[language].format(order.called)
        await room.notice(told, to=work.person)


# -- who is on stage -------------------------------------------------------------------------------


async def _summon(room: Room, argument: str, work: Request) -> None:
    wanted, unknown = people(argument, room.cast)
    if not wanted and not unknown:
        await room.notice(notices.WHOM[room.language], to=work.person)
    for character in wanted:
        scene = room.scene()
        if character in scene.cast:
            name = character.name[room.language]
            await room.notice(notices.ALREADY[room.language].format(name), to=work.person)
            continue
        greetings = character.greeting[room.language]
        # The second greeting is for joining others.
        greeting = greetings[min(len(scene.cast), len(greetings) - 1, 1)]
        cast = (*(c.id for c in scene.cast), character.id)
        await room.said(
            character, greeting, then=_more(room), joined=_joining(room, character), cast=cast
        )
    await _nobody_called(room, unknown)


def _joining(room: Room, character: Character) -> Turn | None:
    """The one line that who joins is told: where it is, and who is there."""
    scene, language = room.scene(), room.language
    heard = [turn for turn in scene.turns if turn.heard_by(character.id)]
    if not scene.turns or (heard and heard[-1] is scene.turns[-1]):
        return None  # nothing has happened, or it missed nothing
    there = [c.name[language] for c in scene.cast]
    there += dict.fromkeys(t.speaker for t in scene.turns[-12:] if t.side == "human")
    if not there:
        return None
    told = notices.JOINED[language].format(
        character.name[language], scene.place or notices.HERE[language], joined(there, language)
    )
    return Turn("", told, "narration", frozenset({character.id}))


async def _nobody_called(room: Room, unknown: Sequence[str]) -> None:
    language = room.language
    known = joined((f"{c.name[language]} ({c.id})" for c in room.cast), language)
    for name in unknown:
        await room.notice(notices.UNKNOWN[language].format(name[:40], known))


async def _dismiss(room: Room, argument: str, work: Request) -> None:
    scene, language = room.scene(), room.language
    wanted, unknown = people(argument, room.cast)
    if argument.casefold() in ALL:
        wanted, unknown = scene.cast, ()
    elif not wanted and not unknown:
        await room.notice(notices.WHOM_NOT[language], to=work.person)
        return
    leaving = [c for c in wanted if c in scene.cast]
    absent = [c for c in wanted if c not in scene.cast]
    if leaving:
        await room.memory.write(cast=tuple(c.id for c in scene.cast if c not in leaving))
    for characters, says in ((leaving, notices.LEFT), (absent, notices.NOT_HERE)):
        if characters:
            names = joined((c.name[language] for c in characters), language)
            await room.notice(says[language].format(names))
    await _nobody_called(room, unknown)
    if not room.scene().cast:
        await room.notice(notices.NOBODY[language])


async def _who(room: Room, argument: str, work: Request) -> None:
    scene, state, language = room.scene(), room.memory.state, room.language
    if not scene.cast:
        await room.notice(notices.NOBODY[language], to=work.person)
        return
    names = joined((c.name[language] for c in scene.cast), language)
    rows = [notices.ON_STAGE[language].format(names), *_setting(room)]
    if state.paused:
        rows.append(notices.PAUSED[language])
    await room.notice("\n".join(rows), to=work.person)


async def _cast(room: Room, argument: str, work: Request) -> None:
    language = room.language
    rows = [
        notices.CAST_ROW[language]
        .format(
            emoji=character.emoji,
            name=character.name[language],
            id=character.id,
            aliases=joined(character.aliases[language][:3], language),
        )
        .strip()
        for character in room.cast
    ]
    await room.notice(notices.CAST[language].format("\n".join(rows)), to=work.person)


# -- the scene -------------------------------------------------------------------------------------

_CHAPTER = re.compile(
    r"(?:as of\s+|up to\s+|until\s+|到|截至)?(?:chapter\s*|ch\.?\s*|第\s*)?"
    r"(\d{1,5})\s*(?:回|章|节)?(?:为止)?",
    re.IGNORECASE,
)
_WHOLE_BOOK = {"全书", "整本书", "whole book", "the whole book", "book"}
_MOOD = re.compile(r"(?:气氛|心情|mood)\s*[:：]?\s*(.*)", re.IGNORECASE | re.DOTALL)


async def _scene(room: Room, argument: str, work: Request) -> None:
    """Place, mood and chapter: the parts of the argument, between semicolons or bars."""
    language = room.language
    changes: dict[str, Any] = {}
    if argument.casefold() in _NONE:
        changes = {"place": "", "mood": "", "chapter": 0}
    else:
        for part in filter(None, map(str.strip, re.split(r"[;；|｜\n]", argument))):
            if chapter := _CHAPTER.fullmatch(part):
                changes["chapter"] = int(chapter[1])
            elif part.casefold() in _WHOLE_BOOK:
                changes["chapter"] = 0
            elif mood := _MOOD.fullmatch(part):
                changes["mood"] = _line(mood[1])
            else:
                changes["place"] = _line(part)
    last = room.book.last if room.book else 0
    if last and int(changes.get("chapter") or 0) > last:
        await room.notice(notices.NO_SUCH_CHAPTER[language].format(last), to=work.person)
        return
    if changes:
        await room.memory.write(**changes)
    rows = _setting(room) or [notices.NO_SCENE[language]]
    await room.notice("\n".join(rows), to="" if changes else work.person)


def _setting(room: Room) -> list[str]:
    state, language = room.memory.state, room.language
    rows = []
    if state.place:
        rows.append(notices.PLACE[language].format(state.place))
    if state.mood:
        rows.append(notices.MOOD[language].format(state.mood))
    if state.chapter:
        rows.append(notices.CHAPTER[language].format(state.chapter))
    return rows


async def _note(room: Room, argument: str, work: Request) -> None:
    language = room.language
    if argument:
        note = "" if argument.casefold() in _NONE else _line(argument)
        await room.memory.write(note=note)
    note = room.memory.state.note
    told = notices.NOTE[language].format(note) if note else notices.NO_NOTE[language]
    await room.notice(told, to="" if argument else work.person)


async def _narrate(room: Room, argument: str, work: Request) -> None:
    text = plain(argument).strip()
    if not text:
        await room.notice(notices.NARRATE_WHAT[room.language], to=work.person)
        return
    turn = Turn("", text, "narration")
    # Closed with the turn: what a narrator tells twice would have happened twice.
    await room.memory.write(turn, person=work.person, work=work)
    room.done()
    await room.notice(notices.NARRATED[room.language].format(text))


async def _language(room: Room, argument: str, work: Request) -> None:
    language: Language
    match argument.casefold():
        case "zh" | "中文" | "汉语" | "chinese":
            language = "zh"
        case "en" | "英文" | "英语" | "english":
            language = "en"
        case _:
            await room.notice(notices.WHICH_LANGUAGE[room.language], to=work.person)
            return
    await room.memory.write(language=language)
    await room.notice(notices.LANGUAGE[room.language])


async def _forget(room: Room, argument: str, work: Request) -> None:
    if argument and argument.casefold() not in _HERE:
        told = notices.FORGET_WHAT[room.language]
        await room.notice(told, to=work.person)
        return
    gone = await room.memory.forget()
    await room.notice(notices.FORGOTTEN[room.language].format(gone))


async def _pause(room: Room, argument: str, work: Request) -> None:
    await room.memory.write(paused=True)
    await room.notice(notices.PAUSED[room.language])


async def _resume(room: Room, argument: str, work: Request) -> None:
    was = room.memory.state.paused
    if was:
        await room.memory.write(paused=False)
    told = notices.RESUMED if was else notices.NOT_PAUSED
    await room.notice(told[room.language])


# -- who speaks, and once more ---------------------------------------------------------------------


async def _next(room: Room, argument: str, work: Request) -> None:
    scene = room.scene()
    if not await _anybody(room, work):
        return
    if argument:
        wanted, unknown = people(argument, room.cast)
        await _nobody_called(room, unknown)
        for absent in (c for c in wanted if c not in scene.cast):
            name = absent.name[room.language]
            await room.notice(notices.NOT_HERE[room.language].format(name), to=work.person)
        present = [c for c in wanted if c in scene.cast]
        speaker = present[0] if present else None
    else:
        speaker = await _whoever(room, work)
    if speaker:
        await room.answer(speaker, then=lambda turn: None)


async def _continue(room: Room, argument: str, work: Request) -> None:
    if not await _anybody(room, work):
        return
    last = next((t for t in reversed(room.scene().turns) if t.side == "character"), None)
    on_stage = {c.id: c for c in room.scene().cast}
    if last is None or last.speaker not in on_stage:
        await room.notice(notices.NO_LINE[room.language], to=work.person)
        return
    await room.answer(on_stage[last.speaker], then=lambda turn: None)


async def _auto(room: Room, argument: str, work: Request) -> None:
    number = _number(argument, AUTO)
    if number is None or not 1 <= number <= MOST_AUTO:
        await room.notice(notices.HOW_MANY[room.language].format(MOST_AUTO), to=work.person)
        return
    if len(room.scene().cast) < 2:
        await room.notice(notices.TOO_FEW[room.language], to=work.person)
        return
    for said in range(number):
        if room.stopped or room.overheard or room.memory.state.paused:
            return
        speaker = await _whoever(room, work)
        then = _more(room) if said + 1 < number else (lambda turn: None)
        if speaker is None or not await room.answer(speaker, then=then, chatter=True):
            return


async def _whoever(room: Room, work: Request) -> Character | None:
    """Who goes on by itself."""
    scene = room.scene()
    among = candidates(scene, room.cast)
    if len(among) > 1:
        chosen = await room.likeliest(among, scene, work.person)
        if chosen:
            return chosen
    return max(among, key=lambda c: c.talkativeness, default=None)


async def _retry(room: Room, argument: str, work: Request) -> None:
    """Another version of the last line, or one that was there before."""
    language = room.language
    line = await room.last_line()
    speaker = room.character(line.speaker) if line else None
    if line is None or speaker is None:
        await room.notice(notices.NO_LINE[language], to=work.person)
        return
    if argument:
        which = _number(argument, 0)
        if which is None or not 1 <= which <= len(line.texts):
            told = notices.WHICH_VERSION[language].format(len(line.texts))
            await room.notice(told, to=work.person)
            return
        line = replace(line, shown=which - 1)
        await room.memory.change(line, work)
        room.done()
        await room.show(line, speaker)
        if len(line.texts) > 1:
            room.later(room.feedback.chosen(room.key, line.id, which, work.person))
        return
    if not await _anybody(room, work) or speaker not in room.scene().cast:
        return
    await room.once_more(line, speaker, work)


async def _edit(room: Room, argument: str, work: Request) -> None:
    """The last line in somebody's own words: one version more, which is the one that counts."""
    text = plain(argument).strip()
    line = await room.last_line()
    speaker = room.character(line.speaker) if line else None
    if line is None or speaker is None:
        await room.notice(notices.NO_LINE[room.language], to=work.person)
        return
    if not text or text == line.text:
        await room.notice(notices.EDIT_WHAT[room.language], to=work.person)
        return
    old = line.shown + 1
    new = replace(line, texts=(*line.texts, text), shown=len(line.texts), passages=())
    new = await room.memory.change(new, work)
    room.done()
    await room.show(new, speaker)
    room.later(room.feedback.edited(room.key, line.id, old, work.person, text))


async def _undo(room: Room, argument: str, work: Request) -> None:
    language = room.language
    number = _number(argument, 1)
    if number is None or not 1 <= number <= MOST_UNDO:
        await room.notice(notices.HOW_MANY[language].format(MOST_UNDO), to=work.person)
        return
    gone = _last(room.memory.turns, number)
    if not gone:
        await room.notice(notices.NO_LINE[language], to=work.person)
        return
    lines = await room.memory.lines()
    await room.memory.undo(gone, work)
    room.done()
    for kept in reversed(gone):
        line = lines.get(kept.line)
        if line and line.places:
            await room.stage.withdraw(line.id, line.places)
        if line:
            rejected = room.feedback.rejected(room.key, line.id, line.shown + 1, work.person)
            room.later(rejected)
    await room.notice(notices.UNDONE[language].format(sum(_is_said(kept) for kept in gone)))


def _last(turns: Sequence[StoredTurn], number: int) -> list[StoredTurn]:
    """The last turns that somebody said, with what only one was told of in between."""
    at = len(turns)
    while at and number:
        at -= 1
        number -= _is_said(turns[at])
    return list(turns[at:])


def _is_said(kept: StoredTurn) -> bool:
    """Whether it is a turn of its own, not the word in the ear of one who joins."""
    turn = kept.turn
    return not (turn.side == "narration" and turn.witnesses is not None and not kept.person)


# -- what there is to know -------------------------------------------------------------------------


async def _recap(room: Room, argument: str, work: Request) -> None:
    scene, language = room.scene(), room.language
    told = dict.fromkeys(s.text for s in room.memory.state.summaries)
    # Everybody heard most of it: the longest summary tells it.
    summary = max(told, key=len, default="")
    rows = [notices.BEFORE[language].format(summary)] if summary else []
    said = [t for t, k in zip(scene.turns, room.memory.turns, strict=True) if _is_said(k)]
    rows += _setting(room)
    for turn in said[-_RECAP:]:
        text = " ".join(turn.text.split())
        short = text if len(text) <= 60 else f"{text[:60]}……"
        rows.append(f"{name_of(turn, scene)}{'：' if language == 'zh' else ': '}{short}")
    if not rows:
        rows = [notices.NOTHING_YET[language]]
    await room.notice("\n".join(rows), to=work.person)


async def _why(room: Room, argument: str, work: Request) -> None:
    language = room.language
    line = await room.last_line()
    speaker = room.character(line.speaker) if line else None
    if line is None or speaker is None:
        await room.notice(notices.NO_LINE[language], to=work.person)
        return
    name = speaker.name[language]
    if not line.passages:
        why = notices.NO_PASSAGES if room.book else notices.NO_BOOK
        await room.notice(why[language].format(name), to=work.person)
        return
    rows = [notices.LEANED[language].format(name)]
    rows += [notices.PASSAGE[language].format(chapter, q) for chapter, q in line.passages]
    await room.notice("\n".join(rows), to=work.person)


async def _help(room: Room, argument: str, work: Request) -> None:
    await room.notice(help_text(room.language), to=work.person)


# -- small things ----------------------------------------------------------------------------------


def _more(room: Room) -> Callable[[Turn], Request]:
    """The order goes on after this line."""
    return lambda turn: room.next_step()


async def _anybody(room: Room, work: Request) -> bool:
    """Whether somebody can speak; if not, people are told why."""
    told: Words | None = None
    if not room.scene().cast:
        told = notices.NOBODY
    elif room.memory.state.paused:
        told = notices.PAUSED
    if told:
        await room.notice(told[room.language], to=work.person)
    return told is None


def _number(argument: str, otherwise: int) -> int | None:
    """The number in an argument; None when it is none."""
    if not argument.strip():
        return otherwise
    found = re.fullmatch(r"(?:第\s*)?(\d{1,4})\s*(?:句|个|turns?|lines?)?", argument.strip())
    if found:
        return int(found[1])
    return {"一": 1, "两": 2, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6}.get(
        argument.strip().rstrip("句个")
    )


def _line(text: str) -> str:
    return " ".join(plain(text).split())[:LONGEST_TEXT]


_ORDERS: dict[str, Callable[[Room, str, Request], Awaitable[None]]] = {
    "summon": _summon,
    "dismiss": _dismiss,
    "who": _who,
    "cast": _cast,
    "scene": _scene,
    "note": _note,
    "narrate": _narrate,
    "language": _language,
    "forget": _forget,
    "pause": _pause,
    "resume": _resume,
    "next": _next,
    "continue": _continue,
    "auto": _auto,
    "retry": _retry,
    "edit": _edit,
    "undo": _undo,
    "recap": _recap,
    "why": _why,
    "help": _help,
}
