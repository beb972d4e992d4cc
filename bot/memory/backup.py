"""Our keys of Redis as records that can be kept in a file, and back.

    async for record in dump(memory): ...          Record("mrp:1:{room:…}:turns", "stream", "", …)
    await load(memory, records)

What belongs together (a room, a person, the characters that people made) is read in one step of the
server. Rooms come first and people last: who spoke in a room is noted before what they said, so a
backup that is made while people talk holds nobody's words without the note by which `/forget` finds
them. What lives for minutes, and what signs people in, is no part of it. Pictures of characters are
read a few at a time: all together they may be larger than one reply of Redis.
"""

from __future__ import annotations

import itertools
import json
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, TypeVar

from bot.memory.connection import Connection
from bot.memory.keys import PREFIX, VERSIONS

KINDS = frozenset({"string", "hash", "set", "zset", "stream"})
_DUMP = resources.files(__package__).joinpath("backup.lua").read_text("utf-8")
_LOAD = resources.files(__package__).joinpath("restore.lua").read_text("utf-8")
# What signs people in, belongs to processes, or is gone within a day.
_PASSING = re.compile(
    re.escape(PREFIX)
    + r"(?:\{(?:login|session|link):.*|studio|linking|clock|erased|(?:workers|floor|received):.*"
    r"|.*\}:(?:floor|sessions|tries|offer|attached|sketch|picture|(?:turns|lines|state):gone))"
)
_TAG = re.compile(r"\{[^}]+\}")
_IN_PIECES = f"{PREFIX}{{cast}}:faces"
PIECE = 16  # fields of such a hash in one record; a picture has at most 350 KB

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Record:
    """One key, or of a hash that is read in pieces some fields. `expires` is milliseconds since
    1970 as text, "" for never; `value` as backup.lua gives it: hexadecimal text, a flat list of
    texts, or a stream's last id and its entries."""

    key: str
    kind: str
    expires: str
    value: Any


def belongs(key: str) -> bool:
    """Whether a key is part of a backup."""
    return key == VERSIONS or (key.startswith(PREFIX) and not _PASSING.fullmatch(key))


async def keys_of(memory: Connection) -> list[str]:
    """All keys that a backup holds, in the order in which they are read.

    Raises:
        MemoryProblem: Redis stays away, or refuses for good.
    """

    async def step() -> set[str]:
        redis: Any = memory.redis  # which is made anew when the server has moved
        return {key async for key in redis.scan_iter(match="mrp:*", count=1000)}

    found = await _lasting(memory, step)
    return sorted(filter(belongs, found), key=lambda key: (_rank(key), _group(key), key))


def _rank(key: str) -> int:
    if key.startswith(f"{PREFIX}{{room:"):
        return 0
    return 2 if key.startswith(f"{PREFIX}{{person:") else 1


def _group(key: str) -> str:
    """What is read in one step with it: all keys of a tag, and each other key by itself."""
    found = _TAG.search(key)
    return found[0] if found else key


async def dump(memory: Connection) -> AsyncIterator[Record]:
    """All records, what belongs together at one moment.

    Raises:
        MemoryProblem: Redis stays away, or refuses for good.
    """
    for _, group in itertools.groupby(await keys_of(memory), key=_group):
        keys = list(group)
        if _IN_PIECES in keys:
            keys.remove(_IN_PIECES)
            async for record in _pieces(memory, _IN_PIECES):
                yield record

        async def step(keys: Sequence[str] = keys) -> str:
            redis: Any = memory.redis
            return str(await redis.eval(_DUMP, len(keys), *keys)) if keys else "[]"

        for key, (kind, expires, value) in zip(
            keys, json.loads(await _lasting(memory, step)), strict=True
        ):
            if kind == "stream":  # Lua's empty list is an empty object
                value = [value[0], value[1] or []]
            if kind in KINDS:  # else it has gone since
                yield Record(key, kind, expires, value)


async def _pieces(memory: Connection, key: str) -> AsyncIterator[Record]:
    """A hash that never expires, as several records. A field may come twice."""
    cursor = 0
    while True:

        async def step(cursor: int = cursor) -> tuple[int, dict[str, str]]:
            redis: Any = memory.redis
            after, fields = await redis.hscan(key, cursor, count=PIECE)
            return int(after), fields

        cursor, fields = await _lasting(memory, step)
        if fields:
            yield Record(key, "hash", "", list(itertools.chain.from_iterable(fields.items())))
        if not cursor:
            return


async def load(memory: Connection, records: Sequence[Record]) -> int:
    """Make the memory what the records say: what they do not hold goes. Returns how many keys there
    are. Rooms count as changed, so that a process that has one open reads it anew.

    Raises:
        MemoryProblem: Redis stays away, or refuses for good; it may be done in part.
    """
    told: dict[str, str] = {}
    more: list[tuple[str, str]] = []  # of what came in pieces, all but the first
    for record in records:
        record = _renewed(record)
        row = [record.kind, record.expires, record.value]
        if record.key in told:
            more.append((record.key, json.dumps([*row, "more"], ensure_ascii=False)))
        else:
            told[record.key] = json.dumps(row, ensure_ascii=False)
    names = sorted({*told, *await keys_of(memory)}, key=lambda key: (_group(key), key))
    for _, group in itertools.groupby(names, key=_group):
        keys = list(group)

        async def step(keys: Sequence[str] = keys) -> None:
            redis: Any = memory.redis
            texts = [told.get(key, "") for key in keys]
            await redis.eval(_LOAD, len(keys), *keys, *texts)

        await _lasting(memory, step)
    for key, text in more:

        async def add(key: str = key, text: str = text) -> None:
            redis: Any = memory.redis
            await redis.eval(_LOAD, 1, key, text)

        await _lasting(memory, add)
    return len(told)


def _renewed(record: Record) -> Record:
    """A room's state with another epoch."""
    if not (_rank(record.key) == 0 and record.key.endswith(":state")):
        return record
    flat = list(record.value)
    if "epoch" in flat[::2]:
        flat[2 * flat[::2].index("epoch") + 1] = str(secrets.randbelow(2**40))
    return Record(record.key, record.kind, record.expires, flat)


async def _lasting(memory: Connection, step: Callable[[], Awaitable[T]]) -> T:
    return await memory.lasting(step, None)
