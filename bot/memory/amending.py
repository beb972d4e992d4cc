"""Messages that were edited or deleted on their platform: in the transcript, and what followed.

    amended = await edit(room, "platform's id", "the new text")
    amended = await delete(room, ["platform's id", …])

A message that is not answered yet is answered as it is now, or not at all. In what was said already
an edit changes the turn; a deletion takes it away, strikes runs of it out of the answers to it, and
takes the sentences that repeat it out of summaries. Facts that came from these turns are for the
caller to forget (`PersonMemory.forget_turns`). Whatever was asked of the model with the old text is
not kept for feedback any more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

from bot.memory.erasure import cleaned_state, striker
from bot.memory.room import AlreadyHandled, RoomMemory
from bot.memory.stored import Request, StoredTurn
from bot.memory.update import RoomUpdate


@dataclass(frozen=True, slots=True)
class Amended:
    """What was changed: turns as they were, and as they are (none after a deletion); requests that
    wait as they are now, and the ids of those that are gone."""

    before: tuple[StoredTurn, ...] = ()
    after: tuple[StoredTurn, ...] = ()
    requests: tuple[Request, ...] = ()
    gone: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.before or self.requests or self.gone)


async def current(room: RoomMemory, request: Request) -> Request | None:
    """A request that waited, as it is stored now: None when it was deleted, or somebody else
    sees to it.

    Raises:
        MemoryAway, MemoryProblem: it cannot be read now.
    """
    works, _ = await room.open()
    found = next((work for work in works if work.id == request.id), None)
    return found if found and found.owner == request.owner else None


async def edit(room: RoomMemory, message: str, text: str) -> Amended:
    """The message with this id of the platform says something else. Nothing: it is not known.

    An order that waits is not made another one, nor talk an order.

    Raises:
        MemoryAway, MemoryProblem: nothing was changed.
    """

    def change(turns: list[StoredTurn], works: list[Request]) -> tuple[RoomUpdate, Amended] | None:
        before = tuple(one for one in turns if one.turn.text != text)
        after = tuple(replace(one, turn=replace(one.turn, text=text)) for one in before)
        waiting = tuple(
            replace(work, text=text)
            for work in works
            if work.text and not work.said and not work.order and work.text != text
        )
        if not before and not waiting:
            return None
        update = RoomUpdate(
            texts={one.id: text for one in before} or None,
            opens=tuple(part for work in waiting for part in (work.id, work.to_json())) or None,
        )
        return update, Amended(before, after, waiting)

    return await _amend(room, frozenset((message,)), change)


async def delete(room: RoomMemory, messages: Collection[str]) -> Amended:
    """The messages with these ids of the platform are gone, people's or those that a character's
    line stood in. Nothing: they are not known.

    Raises:
        MemoryAway, MemoryProblem: nothing was changed.
    """

    def change(turns: list[StoredTurn], works: list[Request]) -> tuple[RoomUpdate, Amended] | None:
        if not turns and not works:
            return None
        gone = tuple(work.id for work in works)
        lines = tuple(one.line for one in turns if one.turn.side == "character" and one.line)
        update = RoomUpdate(
            drops=tuple(one.id for one in turns) or None,
            unlines=lines or None,
            closes=(*gone, *lines) or None,
        )
        return update, Amended(tuple(turns), gone=gone)

    return await _amend(room, frozenset(messages), change, lines=True)


async def _amend(
    room: RoomMemory,
    messages: frozenset[str],
    change: Callable[[list[StoredTurn], list[Request]], tuple[RoomUpdate, Amended] | None],
    *,
    lines: bool = False,
) -> Amended:
    """`lines`: the messages may be those of characters' lines too."""
    messages -= {""}
    while messages:
        await room.look()
        epoch = str(room.state.epoch)
        turns, places = room.turns, {}
        if lines:
            stored = (await room.lines()).values()
            places = {place: line.id for line in stored for place in line.places}
        said = {places[message] for message in messages & places.keys()}
        found = [one for one in turns if one.message in messages or one.line in said]
        if not messages <= {one.message for one in found} | places.keys():
            turns = await room.between(
                hidden=True
            )  # trimmed, on another branch, or it never became a turn
            found = [one for one in turns if one.message in messages or one.line in said]
        works, _ = await room.open()
        changed = change(found, [work for work in works if work.message in messages])
        if changed is None:
            return Amended()
        update, amended = changed
        if amended.before:
            update = await _with_echoes(room, update, turns, amended)
        try:
            await room.apply(replace(update, epoch_now=epoch if amended.before else None))
        except AlreadyHandled:
            continue  # the room was changed meanwhile
        return amended
    return Amended()


async def _with_echoes(
    room: RoomMemory, update: RoomUpdate, turns: list[StoredTurn], amended: Amended
) -> RoomUpdate:
    """With what repeats the old text: summaries always, answers where the text is gone."""
    said = [one.turn.text for one in amended.before]
    strike = striker((), said)
    summaries = json.dumps(
        [[sorted(summary.heard), summary.text] for summary in room.state.summaries],
        ensure_ascii=False,
    )
    clean = cleaned_state({"summaries": summaries}, str, (), said)["summaries"]
    update = replace(
        update,
        state=None if json.loads(clean) == json.loads(summaries) else ("summaries", clean),
        stale=True,
        epoch=True,
    )
    if amended.after:
        return update
    answers = list(_answers(turns, {one.id for one in amended.before}))
    struck = {one.id: text for one in answers if (text := strike(one.turn.text)) != one.turn.text}
    lines: list[str] = []
    for line in (await room.lines()).values():
        texts = tuple(map(strike, line.texts))  # of all versions
        if texts != line.texts and any(line.id == one.line for one in answers):
            lines += [line.id, replace(line, texts=texts).to_json()]
    return replace(update, texts=struck or None, lines=tuple(lines) or None)


def _answers(turns: Iterable[StoredTurn], asked: Collection[str]) -> Iterable[StoredTurn]:
    """What characters said after these turns, until somebody else spoke."""
    answering = False
    for one in turns:
        if one.turn.side != "character":
            answering = one.id in asked
        elif answering:
            yield one
