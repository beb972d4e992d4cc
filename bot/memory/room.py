"""The memory of one room: what was said in it, and what it is besides.

    room = memory.room("terminal", "main", told)
    await room.look()                                # room.state, room.turns: as it was left
    await room.write(Turn(...), cast=("wukong",))    # one turn, one transaction

Redis is the truth: a room is read forward from the last turn that is known, so several processes
may hold the same room and the same embedded file. What is said while Redis is away waits in the
room's queue and is written in order. A step that succeeded although its answer was lost is not done
twice: each turn carries a mark that is looked for first.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.memory.keys import PREFIX
from bot.memory.server import Connection, Told
from characters.card import Language
from characters.turn import Side, Turn

# A room keeps about this many turns. A turn of 100 characters takes some 500 bytes, so a room
# takes at most a few MB; the prompt never reaches further back than the model's context anyway.
KEPT_TURNS = 4000
KEPT_LINES = 50  # of which it is known where they stand

_SIDES: dict[Side, str] = {"human": "h", "character": "c", "narration": "n"}
_SIDE_OF: dict[str, Side] = {short: side for side, short in _SIDES.items()}


@dataclass(frozen=True, slots=True)
class Kept:
    """A turn as it is kept: `id` orders turns, `person` is `platform:id` of a human speaker."""

    id: str
    turn: Turn
    person: str = ""
    broken_off: bool = False


@dataclass(frozen=True, slots=True)
class RoomState:
    """All that a room is, besides what was said in it."""

    cast: tuple[str, ...] = ()
    place: str = ""
    language: Language | None = None
    summary: str = ""
    mark: str = ""
    epoch: int = 0


class RoomMemory:
    """The turns and the state of one room, as far as they were last seen.

    `turns` are those after the trim mark, oldest first; `state` is all else. `look`, `write` and
    `forget` bring both up to date, with what other processes wrote.
    """

    def __init__(self, memory: Connection, name: str, told: Told | None) -> None:
        self.state = RoomState()
        self.turns: list[Kept] = []
        self._epoch = -1  # of the room that `turns` are from; -1: nothing is known yet
        self._memory = memory
        self._told = told
        self._turns_key = f"{PREFIX}{{room:{name}}}:turns"
        self._state_key = f"{PREFIX}{{room:{name}}}:state"
        self._places_key = f"{PREFIX}{{room:{name}}}:places"

    async def look(self) -> None:
        """See what is new.

        Raises:
            MemoryAway: Redis stays away for longer than the patience.
            MemoryProblem: Redis refuses for good.
        """
        await self._memory.lasting(self._look, self._told)

    async def write(
        self,
        turn: Turn | None = None,
        *,
        person: str = "",
        line: str = "",
        broken_off: bool = False,
        **changes: Any,
    ) -> str:
        """Keep a turn, a change of the state (`cast`, `place`, `language`, `summary`, `mark`), or
        both, in one transaction. Returns the turn's id, "" without a turn.

        Raises:
            MemoryAway: Redis stays away for longer than the patience; nothing was kept.
            MemoryProblem: Redis refuses for good.
        """
        once = secrets.token_hex(8)
        fields = {"n": once, **_fields(turn, person, broken_off, line)} if turn else {}
        state = _state_fields(changes)
        tried = False

        async def step() -> str:
            nonlocal tried
            if tried and fields:
                # Perhaps only the answer was lost.
                for kept_id, kept in await self._redis.xrevrange(self._turns_key, count=64):
                    if kept.get("n") == once:
                        await self._look()
                        return str(kept_id)
            tried = True
            async with self._redis.pipeline(transaction=True) as pipe:
                if state:
                    pipe.hset(self._state_key, mapping=state)
                if fields:
                    pipe.xadd(self._turns_key, fields, maxlen=KEPT_TURNS, approximate=True)
                self._ask(pipe)
                *written, seen, new = await pipe.execute()
            await self._see(seen, new)
            return str(written[-1]) if fields else ""

        return await self._memory.lasting(step, self._told)

    async def shown(self, line: str, places: Sequence[str]) -> None:
        """Remember where a line stands."""

        async def step() -> None:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.rpush(self._places_key, json.dumps([line, *places]))
                pipe.ltrim(self._places_key, -KEPT_LINES, -1)
                await pipe.execute()

        await self._memory.lasting(step, self._told)

    async def line_at(self, place: str) -> str | None:
        """Id of the line that stands at `place`."""
        lines = reversed(await self._lines())
        return next((line for line, places in lines if place in places), None)

    async def last_line(self) -> tuple[str, tuple[str, ...]] | None:
        """Id and places of the newest line that was shown."""
        lines = await self._lines()
        return lines[-1] if lines else None

    async def _lines(self) -> list[tuple[str, tuple[str, ...]]]:
        async def step() -> list[str]:
            return list(await self._redis.lrange(self._places_key, 0, -1))

        rows = await self._memory.lasting(step, self._told)
        return [(line, tuple(places)) for line, *places in map(json.loads, rows)]

    async def forget(self) -> int:
        """Erase all that was said in the room; who is on stage stays. Returns how many turns.

        Raises:
            MemoryAway: Redis stays away for longer than the patience.
            MemoryProblem: Redis refuses for good.
        """

        async def step() -> int:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.xlen(self._turns_key)
                pipe.delete(self._turns_key, self._places_key)
                pipe.hdel(self._state_key, "mark", "summary")
                pipe.hincrby(self._state_key, "epoch", 1)
                gone = int((await pipe.execute())[0])
            await self._look()
            return gone

        return await self._memory.lasting(step, self._told)

    async def _look(self) -> None:
        async with self._redis.pipeline(transaction=True) as pipe:
            self._ask(pipe)
            await self._see(*(await pipe.execute()))

    def _ask(self, pipe: Any) -> None:
        """Ask for the state and for what came after the last turn that is known."""
        pipe.hgetall(self._state_key)
        last = self.turns[-1].id if self.turns else self.state.mark
        pipe.xrange(self._turns_key, min=f"({last}" if last else "-")

    async def _see(self, fields: dict[str, str], rows: list[Any]) -> None:
        state = _state_from(fields)
        if state.epoch != self._epoch:
            # Turns were taken away, or nothing is known yet: from the mark on, anew.
            start = f"({state.mark}" if state.mark else "-"
            rows = await self._redis.xrange(self._turns_key, min=start)
            self.turns = []
        elif state.mark and state.mark != self.state.mark:
            self.turns = [kept for kept in self.turns if _order(kept.id) > _order(state.mark)]
        self.turns += [_kept(*row) for row in rows]
        del self.turns[:-KEPT_TURNS]
        self.state, self._epoch = state, state.epoch

    @property
    def _redis(self) -> Any:
        return self._memory.redis


def _order(kept_id: str) -> tuple[int, int]:
    ms, _, number = kept_id.partition("-")
    return int(ms), int(number)


def _fields(turn: Turn, person: str, broken_off: bool, line: str) -> dict[str, str]:
    fields = {"s": turn.speaker, "t": turn.text, "k": _SIDES[turn.side]}
    if person:
        fields["p"] = person
    if turn.witnesses is not None:
        fields["w"] = " ".join(sorted(turn.witnesses))
    if broken_off:
        fields["c"] = "1"
    if line:
        fields["l"] = line
    return fields


def _kept(kept_id: str, fields: dict[str, str]) -> Kept:
    witnesses = frozenset(fields["w"].split()) if "w" in fields else None
    turn = Turn(fields["s"], fields["t"], _SIDE_OF[fields["k"]], witnesses)
    return Kept(kept_id, turn, fields.get("p", ""), "c" in fields)


def _state_fields(changes: dict[str, Any]) -> dict[str, str]:
    fields = {}
    for key, value in changes.items():
        if key not in ("cast", "place", "language", "summary", "mark"):
            raise TypeError(f"a room's state has no {key!r}")
        fields[key] = " ".join(value) if key == "cast" else (value or "")
    return fields


def _state_from(fields: dict[str, str]) -> RoomState:
    language: Language | None = None
    match fields.get("language"):
        case "zh":
            language = "zh"
        case "en":
            language = "en"
    return RoomState(
        cast=tuple(fields.get("cast", "").split()),
        place=fields.get("place", ""),
        language=language,
        summary=fields.get("summary", ""),
        mark=fields.get("mark", ""),
        epoch=int(fields.get("epoch", 0)),
    )
