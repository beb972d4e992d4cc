"""The memory of one room: what was said in it, what it is besides, and what is still to be done.

    room = memory.room("terminal", "main", on_connection)
    await room.look()                                # room.state, room.turns: as it was left
    await room.hear(work, turn)                      # a message: a turn, and open until answered
    await room.write(line, id=…, work=work)          # its answer: kept, and the message closed

Redis is the truth: a room is read forward from the last turn that is known, so several processes
may hold the same room and the same embedded file. Whatever is done is one script on the server,
which does it whole or not at all and brings back what is new: one round trip. What is said while
Redis is away waits and is written in order.

Nothing is done twice. A step whose answer was lost is looked for before it is tried again. A
message of a platform is heard once. A reply is kept only while its message is open in exactly the
state that the writer knows, and the last one closes it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import json
import secrets
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot.memory.keys import PREFIX, room_key, unquoted
from bot.memory.server import Connection, ConnectionCallback
from bot.portable import process_id
from characters.card import Language
from characters.turn import Side, Turn

# A room keeps about this many turns. A turn of 100 characters takes some 500 bytes, so a room
# takes at most a few MB; the prompt never reaches further back than the model's context anyway.
KEPT_TURNS = 4000
KEPT_LINES = 50  # of which it is known where they stand, what else was said and what they lean on
KEPT_VERSIONS = 16  # of one line
KEPT_HEARD = 500  # ids of messages
KEPT_ROOMS = 50_000  # of a platform, that are looked at after a start
_LIST_EVERY = 3600.0  # seconds

_SIDES: dict[Side, str] = {"human": "h", "character": "c", "narration": "n"}
_SIDE_OF: dict[str, Side] = {short: side for side, short in _SIDES.items()}


class AlreadyHandled(Exception):
    """It was done already, by this process or another one: nothing was written."""


@dataclass(frozen=True, slots=True)
class StoredTurn:
    """A turn as it is kept: `id` orders turns, `person` is `platform:id` of a human speaker.

    `line` is the id of a character's line, or of the message that a person's turn was.
    """

    id: str
    turn: Turn
    person: str = ""
    broken_off: bool = False
    line: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """Something that a person said or ordered and that is not done with.

    `said`: it is a turn already (then `text` is empty). `queue` are the ids of who is still to
    answer, None while that is not decided; `asked` of all who were ever in it, `drawn` of those
    whom a character called in. `step` counts the answers. `owner` is the process that sees to it,
    `at` when it was last touched, in seconds.
    """

    id: str
    person: str = ""
    name: str = ""
    text: str = ""
    order: bool = False
    reply_to: str = ""
    said: bool = False
    step: int = 0
    queue: tuple[str, ...] | None = None
    asked: tuple[str, ...] = ()
    drawn: tuple[str, ...] = ()
    owner: str = ""
    at: float = 0.0

    @property
    def line(self) -> str:
        """The id of its next answer."""
        return f"{self.id}.{self.step}"

    @property
    def heard(self) -> float:
        """When it was said, in seconds."""
        return int(self.id[:11], 16) / 1000

    def to_json(self) -> str:
        told = {n: value for n, usual in _WORK if (value := getattr(self, n)) != usual}
        return json.dumps(told, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Request:
        told = json.loads(text)
        for key in ("asked", "drawn", "queue"):
            if told.get(key) is not None:
                told[key] = tuple(told[key])
        return cls(**told)


@dataclass(frozen=True, slots=True)
class StoredLine:
    """What is known of a character's line besides its turn.

    `texts` are its versions, of which `shown` (an index) counts; `places` where it stands;
    `passages` what of the book was before the speaker, as (chapter, quote); `person` whom it
    answered.
    """

    id: str
    speaker: str
    texts: tuple[str, ...]
    shown: int = 0
    places: tuple[str, ...] = ()
    passages: tuple[tuple[int, str], ...] = ()
    person: str = ""

    @property
    def text(self) -> str:
        return self.texts[self.shown]

    def to_json(self) -> str:
        told = {name: value for name in _LINE if (value := getattr(self, name))}
        return json.dumps(told, ensure_ascii=False)

    @classmethod
    def from_json(cls, line_id: str, text: str) -> StoredLine:
        told = json.loads(text)
        told["texts"] = tuple(told["texts"])
        told["places"] = tuple(told.get("places", ()))
        told["passages"] = tuple((int(n), str(q)) for n, q in told.get("passages", ()))
        return cls(line_id, **told)


# What of them is written: asdict would copy, and costs more than all else that is done here.
_WORK = tuple((part.name, part.default) for part in dataclasses.fields(Request))
_LINE = tuple(part.name for part in dataclasses.fields(StoredLine) if part.name != "id")


@dataclass(frozen=True, slots=True)
class Summary:
    """What happened before the turns that are left, as those with these ids heard it."""

    heard: frozenset[str]
    text: str


@dataclass(frozen=True, slots=True)
class RoomState:
    """All that a room is, besides what was said in it. `chapter` 0: the whole book.

    `mark` is the newest turn that is trimmed from prompts, `summed` the newest that `summaries`
    tell of.
    """

    cast: tuple[str, ...] = ()
    place: str = ""
    mood: str = ""
    chapter: int = 0
    note: str = ""
    paused: bool = False
    language: Language | None = None
    summaries: tuple[Summary, ...] = field(default=())
    mark: str = ""
    summed: str = ""
    epoch: int = 0

    def summary(self, character_id: str) -> str:
        """What a character remembers of what was trimmed away."""
        return next((s.text for s in self.summaries if character_id in s.heard), "")


_counter = itertools.count(secrets.randbelow(4096))


def new_id() -> str:
    """An id for a message: later ones are greater, and no two are the same."""
    return f"{int(time.time() * 1000):011x}{next(_counter) % 4096:03x}{secrets.token_hex(2)}"


class RoomMemory:
    """The turns and the state of one room, as far as they were last seen.

    `turns` are those after the trim mark, oldest first, each in the version that is shown; `state`
    is all else. Whatever is done brings both up to date, with what other processes wrote.
    All methods raise MemoryAway when Redis stays away for longer than the patience (nothing was
    kept then), and MemoryProblem when it refuses for good.
    """

    def __init__(
        self, memory: Connection, name: str, on_connection: ConnectionCallback | None
    ) -> None:
        self.state = RoomState()
        self.turns: list[StoredTurn] = []
        self._epoch = -1  # of the room that `turns` are from; -1: nothing is known yet
        self._memory = memory
        self._on_connection = on_connection
        self._lock = asyncio.Lock()
        self._listed = 0.0
        platform, _, self._name = name.partition(":")
        self._list_key = f"{PREFIX}rooms:{platform}"
        parts = ("turns", "state", "open", "lines", "heard", "asked", "learnt")
        self._keys = [room_key(name, part) for part in parts]
        self._turns_key, self._state_key, self._open_key, self._lines_key = self._keys[:4]

    # -- reading ---------------------------------------------------------------------------------

    async def look(self) -> None:
        """See what is new."""
        await self._do({})

    async def lines(self) -> dict[str, StoredLine]:
        """The newest lines by id, oldest first."""

        async def step() -> dict[str, str]:
            return dict(await self._redis.hgetall(self._lines_key))

        rows = await self._memory.lasting(step, self._on_connection)
        return {id_: StoredLine.from_json(id_, text) for id_, text in sorted(rows.items())}

    async def open(self) -> tuple[list[Request], dict[str, str]]:
        """What is to be done: messages, oldest first; and lines that are kept but perhaps not
        shown, with the process that keeps them."""

        async def step() -> dict[str, str]:
            return dict(await self._redis.hgetall(self._open_key))

        rows = await self._memory.lasting(step, self._on_connection)
        works = [Request.from_json(text) for id_, text in sorted(rows.items()) if "." not in id_]
        return works, {id_: text for id_, text in sorted(rows.items()) if "." in id_}

    async def between(self, after: str, until: str) -> list[StoredTurn]:
        """The turns after the one with the first id, up to the second."""

        async def step() -> Any:
            first = f"({after}" if after else "-"
            return await self._redis.xrange(self._turns_key, min=first, max=until)

        rows = await self._memory.lasting(step, self._on_connection)
        return [_kept(row_id, fields) for row_id, fields in rows]

    @property
    def unknown(self) -> bool:
        """Whether the room was never looked at."""
        return self._epoch < 0

    # -- what people say -------------------------------------------------------------------------

    async def hear(
        self, work: Request, turn: Turn | None = None, *, message: str = "", **changes: Any
    ) -> Request:
        """Keep what somebody said, before anything is done about it. Returns what is to be done.

        With a turn it is said at once; without one it waits. `message` is the platform's id of it.
        Who is on stage hears it.

        Raises:
            AlreadyHandled: this message was heard before.
        """
        if time.monotonic() - self._listed > _LIST_EVERY or not self._listed:
            await self._list()
        work = self._mine(work)
        if turn:
            work = replace(work, text="", said=True)
        ask: dict[str, Any] = {"id": work.id, "opens": [work.id, work.to_json()]}
        if message:
            ask |= {"heard": message, "now": int(time.time())}
        await self._do(ask | self._said(turn, work.person) | _state_fields(changes))
        return work

    async def say(self, work: Request, turn: Turn, **changes: Any) -> Request:
        """What waited is said now.

        Raises:
            AlreadyHandled: it was said already.
        """
        said = self._mine(replace(work, text="", said=True))
        ask = {"id": work.id, "expect": [work.id, work.to_json()]}
        ask["opens"] = [said.id, said.to_json()]
        await self._do(ask | self._said(turn, work.person) | _state_fields(changes))
        return said

    async def update(self, work: Request, then: Request) -> Request:
        """What is to be done is something else now. Raises AlreadyHandled."""
        then = self._mine(then)
        await self._do(
            {"expect": [work.id, work.to_json()], "opens": [then.id, then.to_json()], "id": ""}
        )
        return then

    async def close(self, work: Request) -> None:
        """It is done with. Raises AlreadyHandled."""
        await self._do({"expect": [work.id, work.to_json()], "closes": [work.id]})

    # -- what follows ----------------------------------------------------------------------------

    async def write(
        self,
        turn: Turn | None = None,
        *,
        id: str = "",
        person: str = "",
        broken_off: bool = False,
        line: StoredLine | None = None,
        work: Request | None = None,
        then: Request | None = None,
        joined: Turn | None = None,
        **changes: Any,
    ) -> str:
        """Keep a turn, a change of the state (`cast`, `place`, `mood`, `chapter`, `note`, `paused`,
        `language`, `summaries`, `summed`, `mark`), or both. Returns the turn's id, if any.

        `line` is what else is known of a character's line, which is then still to be shown
        (`shown`). The turn is an answer to `work`, which is closed, or goes on as `then`. `joined`
        is a turn before it. A turn whose witnesses are None is heard by those on stage.

        Raises:
            AlreadyHandled: `work` is not as we know it: somebody else answered.
        """
        ask: dict[str, Any] = {"id": id or new_id()}
        ask |= self._said(turn, person, broken_off) | _state_fields(changes)
        if joined:
            ask["before"] = _flat(_fields(joined, "", False) | {"n": new_id()})
        if work:
            ask["expect"] = [work.id, work.to_json()]
            if then:
                ask["opens"] = [then.id, then.to_json()]
            else:
                ask["closes"] = [work.id]
        if line:
            ask["lines"] = [line.id, line.to_json()]
            ask["opens"] = [*ask.get("opens", ()), line.id, process_id()]
        return str(await self._do(ask))

    async def shown(self, line: StoredLine, places: Sequence[str]) -> None:
        """A line is shown, at these places."""
        line = replace(line, places=tuple(places))
        await self._do({"lines": [line.id, line.to_json()], "closes": [line.id]})

    async def dismiss(self, line_id: str) -> None:
        """A line need not be shown any more."""
        await self._do({"closes": [line_id]})

    async def change(self, line: StoredLine, work: Request) -> StoredLine:
        """Another version of a line counts, from now on and for everybody; it is to be shown, and
        the order is done. Raises AlreadyHandled."""
        if len(line.texts) > KEPT_VERSIONS:
            oldest = 1 if line.shown == 0 else 0
            texts = (*line.texts[:oldest], *line.texts[oldest + 1 :])
            line = replace(line, texts=texts, shown=max(line.shown - 1, 0))
        await self._do(
            {
                "lines": [line.id, line.to_json()],
                "expect": [work.id, work.to_json()],
                "closes": [work.id],
                "opens": [line.id, process_id()],
                "epoch": True,
            }
        )
        return line

    async def undo(self, turns: Collection[StoredTurn], work: Request) -> None:
        """Take turns back, as if they had never been; the order is done. Raises AlreadyHandled."""
        lines = [kept.line for kept in turns if kept.line]
        ask: dict[str, Any] = {"drops": [kept.id for kept in turns], "epoch": True}
        ask |= {"expect": [work.id, work.to_json()], "closes": [work.id, *lines]}
        await self._do(ask | ({"unlines": lines} if lines else {}))

    async def forget(self) -> int:
        """Erase all that was said in the room; who is on stage stays. Returns how many turns."""
        return int(await self._do({"erase": True, "epoch": True}))

    # -- how it is done --------------------------------------------------------------------------

    async def _do(self, ask: dict[str, Any]) -> Any:
        ask |= {"epoch_known": self._epoch, "turns_kept": KEPT_TURNS}
        tried = False

        async def step() -> Any:
            nonlocal tried
            last = self.turns[-1].id if self.turns else self.state.mark
            asked = ask | {"after": f"({last}" if last else "-", "again": tried}
            asked["epoch_known"] = str(self._epoch)
            asked["birth"] = str(secrets.randbelow(2**31) + 1)
            tried = True
            text = json.dumps(asked, ensure_ascii=False)
            return await self._redis.eval(_SCRIPT, len(self._keys), *self._keys, text)

        async with self._lock:
            result, found, fields, rows, fresh, lines = await self._memory.lasting(
                step, self._on_connection
            )
            self._see(_pairs(fields), rows, bool(fresh), _pairs(lines))
        if result == "taken":
            raise AlreadyHandled
        return found

    def _see(
        self, fields: dict[str, str], rows: list[Any], fresh: bool, lines: dict[str, str]
    ) -> None:
        state = _state_from(fields)
        if fresh:
            # Turns were taken away, or changed, or nothing is known yet: from the mark on, anew.
            self.turns = []
        elif state.mark and state.mark != self.state.mark:
            self.turns = [kept for kept in self.turns if _order(kept.id) > _order(state.mark)]
        new = [_kept(row_id, _pairs(flat)) for row_id, flat in rows]
        if lines:
            known = {id_: StoredLine.from_json(id_, text) for id_, text in lines.items()}
            new = [_as_shown(kept, known.get(kept.line)) for kept in new]
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

    def _mine(self, work: Request) -> Request:
        return replace(work, owner=process_id(), at=round(time.time(), 3))

    def _said(self, turn: Turn | None, person: str, broken_off: bool = False) -> dict[str, Any]:
        if not turn:
            return {}
        return {"turn": _flat(_fields(turn, person, broken_off)), "side": _SIDES[turn.side]}

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


def _as_shown(kept: StoredTurn, line: StoredLine | None) -> StoredTurn:
    if line is None or len(line.texts) < 2:
        return kept
    return replace(kept, turn=replace(kept.turn, text=line.text))


def _order(kept_id: str) -> tuple[int, int]:
    ms, _, number = kept_id.partition("-")
    return int(ms), int(number)


def _pairs(flat: Sequence[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _flat(fields: dict[str, str]) -> list[str]:
    return [part for pair in fields.items() for part in pair]


def _fields(turn: Turn, person: str, broken_off: bool) -> dict[str, str]:
    fields = {"s": turn.speaker, "t": turn.text, "k": _SIDES[turn.side]}
    if person:
        fields["p"] = person
    if turn.witnesses is not None:
        fields["w"] = " ".join(sorted(turn.witnesses))
    if broken_off:
        fields["c"] = "1"
    return fields


def _kept(kept_id: str, fields: dict[str, str]) -> StoredTurn:
    witnesses = frozenset(fields["w"].split()) if "w" in fields else None
    turn = Turn(fields["s"], fields["t"], _SIDE_OF[fields["k"]], witnesses)
    return StoredTurn(kept_id, turn, fields.get("p", ""), "c" in fields, fields.get("n", ""))


def _state_fields(changes: dict[str, Any]) -> dict[str, Any]:
    fields: list[str] = []
    for key, value in changes.items():
        match key:
            case "cast":
                text = " ".join(value)
            case "summaries":
                text = json.dumps([[sorted(s.heard), s.text] for s in value], ensure_ascii=False)
            case "chapter":
                text = str(value or "")
            case "paused":
                text = "1" if value else ""
            case "place" | "mood" | "note" | "language" | "mark" | "summed":
                text = value or ""
            case _:
                raise TypeError(f"a room's state has no {key!r}")
        fields += [key, text]
    return {"state": fields} if fields else {}


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
        mood=fields.get("mood", ""),
        chapter=int(fields.get("chapter") or 0),
        note=fields.get("note", ""),
        paused=bool(fields.get("paused")),
        language=language,
        summaries=tuple(_summaries(fields.get("summaries") or "[]")),
        mark=fields.get("mark", ""),
        summed=fields.get("summed", ""),
        epoch=int(fields.get("epoch", 0)),
    )


def _summaries(text: str) -> Iterable[Summary]:
    return (Summary(frozenset(heard), told) for heard, told in json.loads(text))


# Everything that is done to a room. ARGV is a JSON object of what to do; each part may be missing.
# Arrays are flat lists of what Redis takes, so that nothing is encoded anew here.
_SCRIPT = """
local turns, state, open, lines, heard, asked, learnt = unpack(KEYS)
local ask = cjson.decode(ARGV[1])

local function bounded(key, most)
  local names = redis.call('HKEYS', key)
  if #names > most then
    table.sort(names)
    for i = 1, #names - most do redis.call('HDEL', key, names[i]) end
  end
end

local function done_before()
  if ask.turn then
    for _, row in ipairs(redis.call('XREVRANGE', turns, '+', '-', 'COUNT', 64)) do
      for i = 1, #row[2], 2 do
        if row[2][i] == 'n' and row[2][i + 1] == ask.id then return row[1] end
      end
    end
  elseif ask.heard and redis.call('HEXISTS', open, ask.id) == 1 then
    return ''
  elseif ask.expect then
    -- Our own change of what is to be done.
    local now = redis.call('HGET', open, ask.expect[1])
    if ask.closes and not now or not ask.closes and now == ask.opens[2] then return '' end
  end
end

local function go()
  if ask.again then
    local id = done_before()
    if id then return 'done', id end
  end
  if ask.heard then
    if redis.call('ZADD', heard, 'NX', ask.now, ask.heard) == 0 then return 'taken', '' end
    redis.call('ZREMRANGEBYRANK', heard, 0, -HEARD - 1)
  end
  if ask.expect and redis.call('HGET', open, ask.expect[1]) ~= ask.expect[2] then
    return 'taken', ''
  end
  local found = ''
  if ask.state then redis.call('HSET', state, unpack(ask.state)) end
  -- A room that is made anew must not be taken for the one that was erased.
  if ask.state or ask.turn then redis.call('HSETNX', state, 'epoch', ask.birth) end
  if ask.before then redis.call('XADD', turns, '*', unpack(ask.before)) end
  if ask.turn then
    local fields = ask.turn
    local known = false
    for i = 1, #fields, 2 do known = known or fields[i] == 'w' end
    if not known then
      local present = redis.call('HGET', state, 'cast') or ''
      if ask.side == 'c' and not (' ' .. present .. ' '):find(' ' .. fields[2] .. ' ', 1, true) then
        present = present .. ' ' .. fields[2]
      end
      fields[#fields + 1] = 'w'
      fields[#fields + 1] = present
    end
    fields[#fields + 1] = 'n'
    fields[#fields + 1] = ask.id
    found = redis.call('XADD', turns, 'MAXLEN', '~', ask.turns_kept, '*', unpack(fields))
  end
  if ask.drops then redis.call('XDEL', turns, unpack(ask.drops)) end
  if ask.unlines then redis.call('HDEL', lines, unpack(ask.unlines)) end
  if ask.closes then redis.call('HDEL', open, unpack(ask.closes)) end
  if ask.opens then redis.call('HSET', open, unpack(ask.opens)) end
  if ask.lines then
    redis.call('HSET', lines, unpack(ask.lines))
    bounded(lines, LINES)
  end
  if ask.erase then
    found = redis.call('XLEN', turns)
    redis.call('DEL', turns, lines, asked, learnt)
    redis.call('HDEL', state, 'mark', 'summaries', 'summed', 'place', 'mood', 'note')
    for _, id in ipairs(redis.call('HKEYS', open)) do
      if id:find('.', 1, true) then redis.call('HDEL', open, id) end
    end
  end
  if ask.epoch then redis.call('HINCRBY', state, 'epoch', 1) end
  return 'done', found
end

local result, found = go()
local fresh = (redis.call('HGET', state, 'epoch') or '0') ~= ask.epoch_known
local after, shown = ask.after, {}
if fresh then
  local mark = redis.call('HGET', state, 'mark')
  after = mark and mark ~= '' and '(' .. mark or '-'
  shown = redis.call('HGETALL', lines)
end
return {result, found, redis.call('HGETALL', state), redis.call('XRANGE', turns, after, '+'),
        fresh and 1 or 0, shown}
""".replace("HEARD", str(KEPT_HEARD)).replace("LINES", str(KEPT_LINES))
