"""The table of orders, and what several of them need.

@order("who")                                    the id of a row in `bot.commands`
async def _who(talk: Exchange, argument: str) -> None: ...
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence

from bot import notices
from bot.drafts import joined
from bot.memory import Request, StoredLine, StoredTurn
from bot.room.exchange import Exchange
from bot.room.view import View
from characters.card import Character, Words
from characters.turn import Turn
from text.numerals import number

_NAMED = 5  # names that are nobody's, that a notice repeats

CarryOut = Callable[[Exchange, str], Awaitable[None]]

_NUMBER = re.compile(
    r"(?:第\s?)?([^\s句个個次遍条條]{1,30})\s?(?:句|个|個|次|遍|条|條|turns?|lines?|times?)?",
    re.IGNORECASE,
)

ORDERS: dict[str, CarryOut] = {}  # by the id of their command


def order(command: str) -> Callable[[CarryOut], CarryOut]:
    """Registers what a command does; it is given the exchange and the command's argument."""

    def register(carry_out: CarryOut) -> CarryOut:
        ORDERS[command] = carry_out
        return carry_out

    return register


def more(talk: Exchange) -> Callable[[Turn], Request]:
    """The order goes on after this line."""
    return lambda turn: talk.job.next_step()


async def anybody(talk: Exchange) -> bool:
    """Whether somebody can speak; if not, people are told why."""
    told: Words | None = None
    if not talk.view.scene().cast:
        told = notices.NOBODY
    elif talk.view.memory.state.paused:
        told = notices.PAUSED
    if told:
        await talk.tell(told)
    return told is None


async def last_line(talk: Exchange) -> tuple[StoredLine, Character] | None:
    """The last character's line and its speaker; without one, people are told so."""
    line = await talk.view.last_line()
    speaker = talk.view.character(line.speaker) if line else None
    if line is None or speaker is None:
        await talk.tell(notices.NO_LINE)
        return None
    return line, speaker


async def nobody_called(talk: Exchange, unknown: Sequence[str]) -> None:
    """Says which names are nobody's, and who there is: in one notice, however many they are."""
    if not unknown:
        return
    language = talk.view.language
    known = joined((f"{c.name[language]} ({c.id})" for c in talk.view.cast), language)
    gap = "”、“" if language == "zh" else '", "'
    names = gap.join(name[:40] for name in unknown[:_NAMED])
    if len(unknown) > _NAMED:
        names += "……" if language == "zh" else "…"
    await talk.announce(notices.UNKNOWN, names, known)


def setting(view: View) -> list[str]:
    """Place, mood and chapter, as far as they are set."""
    state, language = view.memory.state, view.language
    rows = []
    if state.place:
        rows.append(notices.PLACE[language].format(state.place))
    if state.mood:
        rows.append(notices.MOOD[language].format(state.mood))
    if state.chapter:
        rows.append(notices.CHAPTER[language].format(state.chapter))
    return rows


def number_in(argument: str, otherwise: int) -> int | None:
    """The number in an argument; None when it is none."""
    if not argument.strip():
        return otherwise
    found = _NUMBER.fullmatch(argument.strip())
    if found is None or re.fullmatch("[ivxlcdm]+", found[1], re.IGNORECASE):
        return None  # nobody counts lines in Roman numerals
    return number(found[1])


def is_said(kept: StoredTurn) -> bool:
    """Whether it is a turn of its own, not the narration that only one who joins hears."""
    turn = kept.turn
    return not (turn.side == "narration" and turn.witnesses is not None and not kept.person)
