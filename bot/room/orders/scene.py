"""The scene and the room: /scene, /note, /narrate, /language, /pause, /resume, /forget room."""

from __future__ import annotations

import re
from typing import Any

from bot import notices
from bot.drafts import plain
from bot.memory.places import restore
from bot.room.exchange import Exchange
from bot.room.orders.table import order, setting
from characters.card import Language
from characters.turn import Turn
from text.numerals import number

LONGEST_TEXT = 400  # characters of a place, a mood, a note

NONE = {"无", "没有", "撤掉", "清空", "none", "off", "clear", "-"}
_HERE = {"room", "here", "屋子", "这间屋子", "房间", "这里", "此处"}
# "as of chapter 27", 「第二十七回」, 「到27章为止」: a number, and a word that makes it a chapter;
# only digits are one by themselves.
_CHAPTER = re.compile(
    r"(?:as of\s{1,4}|up to\s{1,4}|until\s{1,4}|到|截至)?"
    r"(?P<before>chapter|ch\.?|第)?\s{0,4}(?P<number>[^\s回章节節][^回章节節]{0,30}?)\s{0,4}"
    r"(?P<after>回|章|节|節)?(?:为止|為止)?",
    re.IGNORECASE,
)
_WHOLE_BOOK = {"全书", "整本书", "whole book", "the whole book", "book"}
_MOOD = re.compile(r"(?:气氛|心情|mood)\s*[:：]?\s*(.*)", re.IGNORECASE | re.DOTALL)


@order("scene")
async def _scene(talk: Exchange, argument: str) -> None:
    """Place, mood and chapter: the parts of the argument, between semicolons or bars."""
    language = talk.view.language
    changes: dict[str, Any] = {}
    if argument.casefold() in NONE:
        changes = {"place": "", "mood": "", "chapter": 0}
    else:
        for part in filter(None, map(str.strip, re.split(r"[;；|｜\n]", argument))):
            if (chapter := chapter_in(part)) is not None:
                changes["chapter"] = chapter
            elif part.casefold() in _WHOLE_BOOK:
                changes["chapter"] = 0
            elif mood := _MOOD.fullmatch(part):
                changes["mood"] = _line(mood[1])
            else:
                changes["place"] = _line(part)
    last = talk.view.shared.book.last if talk.view.shared.book else 0
    if last and int(changes.get("chapter") or 0) > last:
        await talk.tell(notices.NO_SUCH_CHAPTER, last)
        return
    if changes:
        await talk.view.memory.write(**changes)
    rows = setting(talk.view) or [notices.NO_SCENE[language]]
    await talk.view.notice("\n".join(rows), to="" if changes else talk.job.work.person)


def chapter_in(part: str) -> int | None:
    """The chapter that a part of an argument names; None when it names none."""
    found = _CHAPTER.fullmatch(part)
    if found is None:
        return None
    marked = found["before"] or found["after"]
    text = found["number"].strip()
    value = number(text) if marked or (text.isdecimal() and len(text) <= 5) else None
    return value if value is not None and value < 100_000 else None


@order("note")
async def _note(talk: Exchange, argument: str) -> None:
    language = talk.view.language
    if argument:
        note = "" if argument.casefold() in NONE else _line(argument)
        await talk.view.memory.write(note=note)
    note = talk.view.memory.state.note
    told = notices.NOTE[language].format(note) if note else notices.NO_NOTE[language]
    await talk.view.notice(told, to="" if argument else talk.job.work.person)


@order("narrate")
async def _narrate(talk: Exchange, argument: str) -> None:
    text = plain(argument).strip()
    if not text:
        await talk.tell(notices.NARRATE_WHAT)
        return
    turn = Turn("", text, "narration")
    # Closed with the turn: what a narrator tells twice would have happened twice.
    await talk.view.memory.write(turn, person=talk.job.work.person, work=talk.job.work)
    talk.job.closed = True
    await talk.announce(notices.NARRATED, text)


@order("language")
async def _language(talk: Exchange, argument: str) -> None:
    language: Language
    match argument.casefold():
        case "zh" | "中文" | "汉语" | "chinese":
            language = "zh"
        case "en" | "英文" | "英语" | "english":
            language = "en"
        case _:
            await talk.tell(notices.WHICH_LANGUAGE)
            return
    await talk.view.memory.write(language=language, language_chosen=True)
    await talk.announce(notices.LANGUAGE)


@order("forget")
async def _forget(talk: Exchange, argument: str) -> None:
    if not is_room(argument):
        await talk.tell(notices.FORGET_WHAT)
        return
    gone = await talk.view.memory.forget(undoable=True)
    language = talk.view.language
    told = notices.FORGOTTEN[language].format(gone)
    await talk.view.notice(f"{told}{notices.RESTORE[language]}" if gone else told)


@order("restore")
async def _restore(talk: Exchange, argument: str) -> None:
    back = await restore(talk.view.memory)
    if back is None:
        await talk.tell(notices.NOTHING_TO_RESTORE)
    else:
        await talk.announce(notices.RESTORED, back)


def is_room(argument: str) -> bool:
    """Whether /forget means the room: not one fact, nor all about a person."""
    return not argument or argument.casefold() in _HERE


@order("pause")
async def _pause(talk: Exchange, argument: str) -> None:
    await talk.view.memory.write(paused=True)
    await talk.announce(notices.PAUSED)


@order("resume")
async def _resume(talk: Exchange, argument: str) -> None:
    was = talk.view.memory.state.paused
    if was:
        await talk.view.memory.write(paused=False)
    await talk.announce(notices.RESUMED if was else notices.NOT_PAUSED)


def _line(text: str) -> str:
    return " ".join(plain(text).split())[:LONGEST_TEXT]
