"""A character speaks first, after silence: once for what a person last said, in one process."""

from __future__ import annotations

from bot import notices
from bot.memory import AlreadyHandled, Request, RoomMemory, new_id
from bot.room.exchange import Exchange
from bot.room.view import View
from characters.turn import Turn


async def claim(view: View) -> Request | None:
    """The request to speak, stored; None when nobody may speak here now, or another process does.

    It carries the id of what a person last said as that of its message, which a room hears once:
    so two processes never both speak, and nobody twice without an answer. The count of the day is
    written in the same step, so a crash costs a line and never makes one more.
    """
    await view.memory.look()
    state = view.memory.state
    wish, now = state.unasked, view.shared.clock()
    turn = newest_of(view.memory)
    if (
        wish is None
        or not wish.due(turn, last_of(view.memory), now)
        or state.paused
        or not set(state.cast) - set(state.reserved)
    ):
        return None
    if await _somebody_opted_out(view):
        return None
    work = Request(new_id(), queue=())
    try:
        return await view.memory.hear(
            work, message=f"unasked {turn}", unasked=wish.spoke(turn, now)
        )
    except AlreadyHandled:
        return None


def newest_of(room: RoomMemory) -> str:
    """The id of the newest turn of a person that is known; "" for none."""
    return next((kept.id for kept in reversed(room.turns) if kept.turn.side == "human"), "")


def last_of(room: RoomMemory) -> str:
    """The id of the last turn of anybody; "" for none."""
    return room.turns[-1].id if room.turns else ""


async def speak(talk: Exchange) -> bool:
    """Let somebody speak. Returns whether a line was said to its end."""
    reserved = talk.view.memory.state.reserved
    free = [one for one in talk.view.scene().cast if one.id not in reserved]
    speaker = await talk.whoever()
    if speaker not in free:  # who spoke last goes on where nobody else is there
        speaker = max(free, key=lambda one: one.talkativeness, default=None)
    if speaker is None:
        return False
    silence = Turn(
        "",
        notices.SILENCE[talk.view.language],
        "narration",
        frozenset(talk.view.memory.state.cast),
    )
    return await talk.speech.answer(speaker, then=lambda turn: None, chatter=True, after=silence)


async def _somebody_opted_out(view: View) -> bool:
    """Whether anybody who spoke here lately does not want to be remembered in groups: to them an
    unasked line would show that they are."""
    if view.private:
        return False
    for person in {kept.person for kept in view.memory.turns} - {""}:
        known = await view.shared.memory.person(person, view.connection).known()
        if not known.profile.in_groups:
            return True
    return False
