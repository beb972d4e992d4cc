"""Branches of a room: other ways that the talk went on, each as the turns that are seen on it.

    await keep(room, "before the bridge", work)       # a checkpoint: stays as it is
    left = await leave_at(room, turn_id, work)        # on from there; what came after is kept
    await go(room, "b1", work)                        # back again

All turns of a room stay in its one stream, and a branch is the spans of ids that are seen on it:
whoever is erased from the stream is erased from all branches. The state says which spans are hidden
now; what is said from then on is seen. Each step is one script on the server, with the order that
asked for it.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from bot.memory.keys import stream_order
from bot.memory.room import RoomMemory
from bot.memory.stored import Branch, Request, RoomState, Span, StoredTurn, state_to_fields
from bot.memory.update import RoomUpdate

MOST_BRANCHES = 20  # of a room, checkpoints among them


class TooManyBranches(Exception):
    """As many as a room may have are kept: one must go before another is."""


async def keep(room: RoomMemory, name: str, work: Request) -> Branch:
    """Keep the scene as it stands, as a checkpoint of this name, in the place of another one of
    this name.

    Raises:
        TooManyBranches: nothing is changed.
        AlreadyHandled, MemoryAway, MemoryProblem: as `RoomMemory.write` does.
    """
    turns = await room.between(hidden=True)
    here = _here(room.state, turns, name, fixed=True)
    others = tuple(one for one in room.state.branches if one.name != name)
    await _write(room, work, branches=_within_bounds((*others, here)))
    return here


async def leave_at(room: RoomMemory, turn: str, work: Request) -> str:
    """Go on after the turn with this id ("" is the beginning); what was said after it is kept.
    Returns the name of the branch on which it is.

    Raises: as `keep`.
    """
    turns = await room.between(hidden=True)
    state = room.state
    branches, left = _left(state, turns)
    seen = {
        one.id
        for one in turns
        if not state.hides(one.id) and stream_order(one.id) <= stream_order(turn)
    }
    await _switch(room, work, turns, seen, branches=branches, branch="")
    return left


async def go(room: RoomMemory, name: str, work: Request) -> str:
    """Go to a branch or checkpoint; what is left is kept. Returns the name that it is kept under,
    "" where nothing had been said.

    Raises: as `keep`.
        KeyError: there is no branch of this name.
    """
    turns = await room.between(hidden=True)
    state = room.state
    target = next((one for one in state.branches if one.name == name), None)
    if target is None:
        raise KeyError(name)
    branches, left = _left(state, turns)
    seen = {one.id for one in turns if _within(one.id, target.spans)}
    await _switch(
        room,
        work,
        turns,
        seen,
        branches=branches,
        branch="" if target.fixed else target.name,
        cast=target.cast,
        place=target.place,
        mood=target.mood,
        note=target.note,
        chapter=target.chapter,
    )
    return left


async def remove(room: RoomMemory, name: str, work: Request) -> int:
    """Forget a branch, with the turns that are on no other one. Returns how many these are.

    Raises: as `go`.
    """
    state = room.state
    if all(one.name != name for one in state.branches):
        raise KeyError(name)
    left = tuple(one for one in state.branches if one.name != name)
    branch = "" if state.branch == name else state.branch
    turns = await room.between(hidden=True)
    gone = [
        one
        for one in turns
        if state.hides(one.id) and not any(_within(one.id, other.spans) for other in left)
    ]
    await room.apply(
        RoomUpdate(
            expect=(work.id, work.to_json()),
            state=state_to_fields({"branches": left, "branch": branch}),
            drops=tuple(one.id for one in gone) or None,
            unlines=tuple(one.line for one in gone if one.line) or None,
            closes=(work.id,),
            stale=bool(gone),
            epoch=True,
        )
    )
    return len(gone)


def _left(state: RoomState, turns: Sequence[StoredTurn]) -> tuple[tuple[Branch, ...], str]:
    """All branches with the one that is left, and its name: it moves on, or is a new one, unless
    it is kept already."""
    here = _here(state, turns, state.branch, fixed=False)
    if not here.spans:
        return state.branches, ""
    if state.branch and any(one.name == state.branch for one in state.branches):
        moved = tuple(here if one.name == state.branch else one for one in state.branches)
        return moved, state.branch
    same = next((one for one in state.branches if one.spans == here.spans), None)
    if same is not None:
        return state.branches, same.name
    taken = {one.name for one in state.branches}
    name = next(f"b{n}" for n in range(1, len(taken) + 2) if f"b{n}" not in taken)
    return _within_bounds((*state.branches, replace(here, name=name))), name


def _here(state: RoomState, turns: Sequence[StoredTurn], name: str, *, fixed: bool) -> Branch:
    seen = {one.id for one in turns if not state.hides(one.id)}
    return Branch(
        name=name,
        spans=_spans([one.id for one in turns], seen),
        fixed=fixed,
        at=int(time.time()),
        turns=len(seen),
        cast=state.cast,
        place=state.place,
        mood=state.mood,
        note=state.note,
        chapter=state.chapter,
    )


async def _switch(
    room: RoomMemory,
    work: Request,
    turns: Sequence[StoredTurn],
    seen: Collection[str],
    **changes: Any,
) -> None:
    """Let only `seen` turns be seen. What was summed up stays where the talk was the same up to
    there; else it is summed up anew."""
    state = room.state
    hidden = _spans([one.id for one in turns], {one.id for one in turns} - set(seen))
    mark = stream_order(state.mark)
    trimmed = [one.id for one in turns if stream_order(one.id) <= mark]
    if any(state.hides(one) == (one in seen) for one in trimmed):
        changes |= {"mark": "", "summaries": (), "summed": ""}
    await _write(room, work, hidden=hidden, choices=(), **changes)


async def _write(room: RoomMemory, work: Request, **changes: Any) -> None:
    await room.apply(
        RoomUpdate(
            expect=(work.id, work.to_json()),
            state=state_to_fields(changes),
            closes=(work.id,),
            epoch=True,
        )
    )


def _within_bounds(branches: tuple[Branch, ...]) -> tuple[Branch, ...]:
    if len(branches) > MOST_BRANCHES:
        raise TooManyBranches
    return branches


def _spans(ids: Sequence[str], chosen: Collection[str]) -> tuple[Span, ...]:
    """The chosen ones of all ids, as first and last of each run."""
    found: list[Span] = []
    running = False
    for one in ids:
        if one in chosen:
            found = [*found[:-1], (found[-1][0], one)] if running else [*found, (one, one)]
        running = one in chosen
    return tuple(found)


def _within(turn: str, spans: Iterable[Span]) -> bool:
    at = stream_order(turn)
    return any(stream_order(first) <= at <= stream_order(last) for first, last in spans)
