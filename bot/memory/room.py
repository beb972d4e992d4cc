"""The memory of one room: what was said in it, what it is besides, and what is still to be done.

    room = memory.room("terminal", "main", on_connection)
    await room.look()                                # room.state, room.turns: as it was left
    await room.hear(request, turn)                   # a message: a turn, and open until answered
    await room.write(turn, line=line, work=request)  # its answer: stored, and the request closed

Redis is the truth: a room is read forward from the last turn that is known, so several processes
may hold the same room and the same embedded file. What is said while Redis is away waits and is
written in order.

Nothing is done twice. A step whose answer was lost is looked for before it is tried again. A
message of a platform is heard once. A reply is stored only while its request is open in exactly the
state that the writer knows, and the last one closes it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.memory.connection import Connection, ConnectionCallback
from bot.memory.keys import PREFIX, room_key, room_keys, stream_order, unquoted
from bot.memory.rewriting import erased
from bot.memory.stored import (
    Request,
    RoomState,
    StoredLine,
    StoredTurn,
    as_shown,
    new_id,
    state_from_fields,
    state_to_fields,
    turn_from_fields,
    turn_to_fields,
)
from bot.memory.update import KEPT_TURNS, RoomUpdate, flat, pairs
from bot.portable import process_id
from characters.turn import Turn

KEPT_VERSIONS = 16  # of one line
KEPT_ROOMS = 50_000  # of a platform, that are looked at after a start
_LIST_EVERY = 3600.0  # seconds


class AlreadyHandled(Exception):
    """It was done already, by this process or another one: nothing was written."""


class RoomMemory:
    """The turns and the state of one room, as far as they were last seen.

    `turns` are those after the trim mark, oldest first, each in the version that is shown; `state`
    is all else. Whatever is done brings both up to date, with what other processes wrote, and
    calls `on_change`.
    All methods raise MemoryAway when Redis stays away for longer than the patience (nothing was
    stored then), and MemoryProblem when it refuses for good.
    """

    def __init__(
        self, memory: Connection, name: str, on_connection: ConnectionCallback | None
    ) -> None:
        self.state = RoomState()
        self.turns: list[StoredTurn] = []
        self._epoch = -1  # of the room that `turns` are from; -1: nothing is known yet
        self._memory = memory
        self._on_connection = on_connection
        self.on_change: Callable[[], object] = lambda: None
        self._lock = asyncio.Lock()
        self._listed = 0.0
        platform, _, self._name = name.partition(":")
        self._list_key = f"{PREFIX}rooms:{platform}"
        self._keys = room_keys(name)
        self._turns_key, self._state_key, self._open_key, self._lines_key = self._keys[:4]

    # -- reading ---------------------------------------------------------------------------------

    async def look(self) -> None:
        """See what is new."""
        await self.apply(RoomUpdate())

    async def lines(self) -> dict[str, StoredLine]:
        """The newest lines by id, oldest first."""

        async def step() -> dict[str, str]:
            return dict(await self._redis.hgetall(self._lines_key))

        rows = await self._memory.lasting(step, self._on_connection)
        return {id_: StoredLine.from_json(id_, text) for id_, text in sorted(rows.items())}

    async def open(self) -> tuple[list[Request], dict[str, str]]:
        """What is to be done: requests, oldest first; and lines that are stored but perhaps not
        shown, with the process that stored them."""

        async def step() -> dict[str, str]:
            return dict(await self._redis.hgetall(self._open_key))

        rows = await self._memory.lasting(step, self._on_connection)
        works = [Request.from_json(text) for id_, text in sorted(rows.items()) if "." not in id_]
        return works, {id_: text for id_, text in sorted(rows.items()) if "." in id_}

    async def between(
        self, after: str = "", until: str = "+", *, hidden: bool = False
    ) -> list[StoredTurn]:
        """The turns after the one with the first id, up to the second, trimmed ones too; `hidden`:
        those of other branches as well."""

        async def step() -> Any:
            first = f"({after}" if after else "-"
            return await self._redis.xrange(self._turns_key, min=first, max=until)

        rows = await self._memory.lasting(step, self._on_connection)
        found = [turn_from_fields(row_id, fields) for row_id, fields in rows]
        return [turn for turn in found if hidden or not self.state.hides(turn.id)]

    @property
    def unknown(self) -> bool:
        """Whether the room was never looked at."""
        return self._epoch < 0

    # -- what people say -------------------------------------------------------------------------

    async def hear(
        self, work: Request, turn: Turn | None = None, *, message: str = "", **changes: Any
    ) -> Request:
        """Store what somebody said, before anything is done about it. Returns the open request.

        With a turn it is said at once; without one it waits. `message` is the platform's id of it.
        Who is on stage hears it.

        Raises:
            AlreadyHandled: this message was heard before.
        """
        if time.monotonic() - self._listed > _LIST_EVERY or not self._listed:
            await self._list()
        work = _ours(replace(work, message=message or work.message))
        if turn:
            work = replace(work, text="", said=True)
        await self.apply(
            RoomUpdate(
                id=work.id,
                heard=message or None,
                now=int(time.time()),
                opens=(work.id, work.to_json()),
                state=_state(changes),
                **_turn(turn, work),
            )
        )
        return work

    async def say(self, work: Request, turn: Turn, **changes: Any) -> Request:
        """A request that waited becomes a turn.

        Raises:
            AlreadyHandled: it was said already.
        """
        said = _ours(replace(work, text="", said=True))
        await self.apply(
            RoomUpdate(
                id=work.id,
                expect=(work.id, work.to_json()),
                opens=(said.id, said.to_json()),
                state=_state(changes),
                **_turn(turn, work),
            )
        )
        return said

    async def update(self, work: Request, then: Request) -> Request:
        """A request goes on as another one. Raises AlreadyHandled."""
        then = _ours(then)
        await self.apply(
            RoomUpdate(expect=(work.id, work.to_json()), opens=(then.id, then.to_json()))
        )
        return then

    async def close(self, work: Request) -> None:
        """A request is done with. Raises AlreadyHandled."""
        await self.apply(RoomUpdate(expect=(work.id, work.to_json()), closes=(work.id,)))

    # -- what follows ----------------------------------------------------------------------------

    async def write(
        self,
        turn: Turn | None = None,
        *,
        person: str = "",
        broken_off: bool = False,
        line: StoredLine | None = None,
        work: Request | None = None,
        then: Request | None = None,
        joined: Turn | None = None,
        **changes: Any,
    ) -> str:
        """Store a turn, a change of the state (the fields of `RoomState`), or both. Returns the
        turn's id, if any.

        `line` is what else is known of a character's line, which is then still to be shown
        (`shown`). The turn answers `work`, which is closed, or goes on as `then`. `joined` is a
        turn before it. A turn whose witnesses are None is heard by those on stage.

        Raises:
            AlreadyHandled: `work` is not as we know it: somebody else answered.
        """
        opens: tuple[str, ...] = (then.id, then.to_json()) if work and then else ()
        if line:
            opens += (line.id, process_id())
        before = None
        if joined:
            before = flat(turn_to_fields(StoredTurn("", joined)) | {"n": new_id()})
        update = RoomUpdate(
            id=line.id if line else work.id if work else new_id(),
            expect=(work.id, work.to_json()) if work else None,
            before=before,
            closes=(work.id,) if work and not then else None,
            opens=opens or None,
            lines=(line.id, line.to_json()) if line else None,
            state=_state(changes),
            **_turn(turn, person=person, broken_off=broken_off),
        )
        return str(await self.apply(update))

    async def shown(self, line: StoredLine, places: Sequence[str]) -> None:
        """A line is shown, at these places."""
        line = replace(line, places=tuple(places))
        await self.apply(RoomUpdate(lines=(line.id, line.to_json()), closes=(line.id,)))

    async def dismiss(self, line_id: str) -> None:
        """A line need not be shown any more."""
        await self.apply(RoomUpdate(closes=(line_id,)))

    async def change(self, line: StoredLine, work: Request) -> StoredLine:
        """Another version of a line counts, from now on and for everybody; it is to be shown, and
        the order is done. Raises AlreadyHandled."""
        if len(line.texts) > KEPT_VERSIONS:
            oldest = 1 if line.shown == 0 else 0
            texts = (*line.texts[:oldest], *line.texts[oldest + 1 :])
            line = replace(line, texts=texts, shown=max(line.shown - 1, 0))
        await self.apply(
            RoomUpdate(
                lines=(line.id, line.to_json()),
                expect=(work.id, work.to_json()),
                closes=(work.id,),
                opens=(line.id, process_id()),
                epoch=True,
            )
        )
        return line

    async def undo(self, turns: Collection[StoredTurn], work: Request) -> None:
        """Take turns back, as if they had never been; the order is done. Raises AlreadyHandled."""
        lines = tuple(stored.line for stored in turns if stored.line)
        await self.apply(
            RoomUpdate(
                drops=tuple(stored.id for stored in turns) or None,
                unlines=lines or None,
                expect=(work.id, work.to_json()),
                closes=(work.id, *lines),
                epoch=True,
            )
        )

    async def forget(self, *, undoable: bool = False) -> int:
        """Erase all that was said in the room; who is on stage stays. Returns how many turns.

        `undoable`: for a minute `bot.memory.places.restore` can bring them back.
        """
        return int(await self.apply(RoomUpdate(erase=True, undoable=undoable, epoch=True)))

    # -- how it is done --------------------------------------------------------------------------

    async def apply(self, update: RoomUpdate) -> Any:
        """Make one change, and see what is new. Returns what room.lua found. AlreadyHandled."""
        tried = False

        async def step() -> list[Any]:
            nonlocal tried
            last = self.turns[-1].id if self.turns else self.state.mark
            again, tried = tried, True
            return await update.send(
                self._redis,
                self._keys,
                after=f"({last}" if last else "-",
                epoch=self._epoch,
                again=again,
            )

        async with self._lock:
            answer = await self._memory.lasting(step, self._on_connection)
            result, found, fields, rows, fresh, lines = answer
            self._see(pairs(fields), rows, bool(fresh), pairs(lines))
        self.on_change()
        if result == "taken":
            raise AlreadyHandled
        if update.stale or update.erase:
            # What can be undone for a minute goes from the disk with the next hourly look.
            await erased(self._memory, at_once=not update.undoable)
        return found

    def _see(
        self, fields: Mapping[str, str], rows: list[Any], fresh: bool, lines: Mapping[str, str]
    ) -> None:
        state = state_from_fields(fields)
        if fresh:
            # Turns were taken away, or changed, or nothing is known yet: from the mark on, anew.
            self.turns = []
        elif state.mark and state.mark != self.state.mark:
            mark = stream_order(state.mark)
            self.turns = [stored for stored in self.turns if stream_order(stored.id) > mark]
        new = [turn_from_fields(row_id, pairs(row)) for row_id, row in rows]
        new = [stored for stored in new if not state.hides(stored.id)]
        if lines:
            known = {id_: StoredLine.from_json(id_, text) for id_, text in lines.items()}
            new = [as_shown(stored, known.get(stored.line)) for stored in new]
        self.turns += new
        del self.turns[:-KEPT_TURNS]
        self.state, self._epoch = state, state.epoch

    async def _list(self) -> None:
        """Note the room among those that are looked at after a start."""

        async def step() -> None:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.zadd(self._list_key, {self._name: int(time.time())})
                pipe.zremrangebyrank(self._list_key, 0, -KEPT_ROOMS - 1)
                await pipe.execute()

        await self._memory.lasting(step, self._on_connection)
        self._listed = time.monotonic()

    @property
    def _redis(self) -> Any:
        return self._memory.redis


async def unfinished(memory: Connection, platform: str, *, since: float = 86_400.0) -> list[str]:
    """Names of the platform's rooms, used within so many seconds, where something is to be done."""
    now = time.time()

    async def step() -> list[str]:
        redis: Any = memory.redis
        listed = await redis.zrangebyscore(f"{PREFIX}rooms:{platform}", now - since, "+inf")
        left: list[str] = []
        for names in (listed[at : at + 500] for at in range(0, len(listed), 500)):
            async with redis.pipeline(transaction=False) as pipe:
                for name in names:
                    pipe.hlen(room_key(f"{platform}:{name}", "open"))
                left += [n for n, size in zip(names, await pipe.execute(), strict=True) if size]
        return [unquoted(name) for name in left]

    return await memory.lasting(step, None)


def _ours(work: Request) -> Request:
    return replace(work, owner=process_id(), at=round(time.time(), 3))


def _state(changes: Mapping[str, Any]) -> tuple[str, ...] | None:
    return state_to_fields(changes) or None


def _turn(
    turn: Turn | None, work: Request | None = None, *, person: str = "", broken_off: bool = False
) -> dict[str, Any]:
    """The fields of an update that store a turn; of a request, with whom and what it is from."""
    if not turn:
        return {}
    stored = StoredTurn("", turn, person, broken_off)
    if work:
        stored = replace(
            stored, person=work.individual, message=work.message, forwarded=work.forwarded
        )
    fields = turn_to_fields(stored)
    return {"turn": flat(fields), "side": fields["k"]}
