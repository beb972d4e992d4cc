"""What people thought of replies, each with the very prompt that the reply was an answer to.

    await memory.feedback.asked("discord:1:2", line, 1, Asked(spans, "怕？老孙……", ...))
    await memory.feedback.rate("discord:1:2", line, 1, "discord:42", +1)

The prompts of the newest replies of a room are kept for a week, so that a thumb finds its prompt
after a restart too; what was judged is kept with its prompt for half a year, for learning.
"""

from __future__ import annotations

import base64
import json
import time
import zlib
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, cast

from bot.memory.connection import Connection, ConnectionCallback
from bot.memory.keys import PREFIX, room_key, tag, unquoted

KEPT_PROMPTS = 24  # of a room
KEPT_FEEDBACK = 5000
_WEEK, _HALF_A_YEAR = 7 * 86_400, 180 * 86_400

_GIVEN = f"{PREFIX}{{feedback}}:given"

Kind = Literal["rate", "choice", "edit"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One reply and what the model read for it: `spans` are (text, control) as they were encoded.

    `people` are the accounts whose turns or memories are in it, with the names they stand under.
    """

    spans: tuple[tuple[str, bool], ...]
    reply: str
    model: str = ""
    character: str = ""
    language: str = "zh"
    private: bool = False
    people: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """One piece of feedback by `person`.

    "rate": `value` is 1 or -1, 0 takes it back. "choice": the reply was preferred to `other`.
    "edit": the person made the reply out of `other`. `line` is the same for all that is said of
    one version of one line.
    """

    kind: Kind
    line: str
    person: str
    asked: Asked
    value: int = 0
    other: str = ""
    id: str = ""


class Feedback:
    """The feedback of all rooms.

    All methods raise MemoryAway when Redis stays away for longer than the patience, and
    MemoryProblem when it refuses for good.
    """

    def __init__(self, memory: Connection, on_connection: ConnectionCallback | None = None) -> None:
        self._memory = memory
        self._on_connection = on_connection

    async def asked(self, room: str, line: str, version: int, asked: Asked) -> None:
        """Keep for a while what the model read for a version of a line."""
        key = room_key(tag(room), "asked")
        entry = {"l": line, "v": str(version), "d": _packed(asked)}

        async def step() -> None:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.xadd(key, entry, maxlen=KEPT_PROMPTS, approximate=False)
                pipe.expire(key, _WEEK)
                await pipe.execute()

        await self._lasting(step)

    async def rate(self, room: str, line: str, version: int, person: str, value: int) -> bool:
        """Thumbs up (1), down (-1), or taken back (0). False: the prompt is not known any more."""
        asked = (await self._versions(room, line)).get(version)
        if asked is None:
            return False
        name = f"{room} {line} {version}"
        await self._give(Given("rate", name, person, asked, value=max(-1, min(1, value))))
        return True

    async def chosen(self, room: str, line: str, version: int, person: str) -> int:
        """One version of a line was taken, the others were not. Returns how many pairs it makes."""
        versions = await self._versions(room, line)
        taken = versions.pop(version, None)
        others = [a for a in versions.values() if taken and a.reply != taken.reply]
        for number, other in enumerate(others):
            name = f"{room} {line} choice {number}"
            await self._give(Given("choice", name, person, taken, other=other.reply))  # type: ignore[arg-type]
        return len(others)

    async def rejected(self, room: str, line: str, version: int, person: str) -> bool:
        """A version of a line was taken back for good: a thumb down for it."""
        return await self.rate(room, line, version, person, -1)

    async def edited(self, room: str, line: str, version: int, person: str, text: str) -> bool:
        """A person wrote a reply anew. False: it is the same, or its prompt is not known now."""
        asked = (await self._versions(room, line)).get(version)
        if asked is None or not text.strip() or text == asked.reply:
            return False
        name = f"{room} {line} {version} edit"
        given = Given("edit", name, person, replace(asked, reply=text), other=asked.reply)
        await self._give(given)
        return True

    async def given(self) -> AsyncIterator[Given]:
        """All feedback, oldest first, without what was taken back or said anew later."""
        newest: dict[tuple[str, str], str] = {}
        async for row_id, row in self._rows():
            newest[row["line"], row["by"]] = row_id
        async for row_id, row in self._rows():
            if newest.get((row["line"], row["by"])) != row_id:
                continue
            if row["kind"] == "rate" and row["value"] == "0":
                continue
            yield Given(
                kind=cast(Kind, row["kind"]),
                line=row["line"],
                person=row["by"],
                asked=_unpacked(row["d"]),
                value=int(row["value"]),
                other=row["other"],
                id=row_id,
            )

    async def forget(self, accounts: Collection[str], names: Collection[str] = ()) -> int:
        """Take away what these accounts gave, and all whose prompt holds them or their names."""

        def theirs(row: dict[str, str]) -> bool:
            people = {row["by"], *map(unquoted, row["people"].split())}
            if not people.isdisjoint(accounts):
                return True
            asked = _unpacked(row["d"])
            whole = "".join((*(text for text, _ in asked.spans), asked.reply, row["other"]))
            return any(name in whole for name in names)

        async def step() -> int:
            gone = [row_id async for row_id, row in self._rows() if theirs(row)]
            if gone:
                await self._redis.xdel(_GIVEN, *gone)
            return len(gone)

        return cast(int, await self._lasting(step))

    # -- within ----------------------------------------------------------------------------------

    async def _versions(self, room: str, line: str) -> dict[int, Asked]:
        key = room_key(tag(room), "asked")
        rows = await self._lasting(lambda: self._redis.xrange(key))
        return {int(row["v"]): _unpacked(row["d"]) for _, row in rows if row["l"] == line}

    async def _give(self, given: Given) -> None:
        people = {given.person, *(given.asked.people or {})}
        entry = {
            "kind": given.kind,
            "line": given.line,
            "by": given.person,
            "people": " ".join(sorted(map(tag, people))),
            "value": str(given.value),
            "other": given.other,
            "d": _packed(given.asked),
        }

        async def step() -> None:
            oldest = int(time.time() - _HALF_A_YEAR) * 1000
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.xtrim(_GIVEN, minid=oldest, approximate=False)
                pipe.xadd(_GIVEN, entry, maxlen=KEPT_FEEDBACK, approximate=True)
                pipe.expire(_GIVEN, _HALF_A_YEAR)
                await pipe.execute()

        await self._lasting(step)

    async def _rows(self) -> AsyncIterator[tuple[str, dict[str, str]]]:
        """All entries, a hundred at a time."""
        last = "-"
        while rows := await self._redis.xrange(_GIVEN, min=last, count=100):
            for row_id, row in rows:
                yield row_id, row
            last = f"({rows[-1][0]}"

    async def _lasting(self, step: Any) -> Any:
        return await self._memory.lasting(step, self._on_connection)

    @property
    def _redis(self) -> Any:
        return self._memory.redis


def _packed(asked: Asked) -> str:
    told = json.dumps(asdict(asked), ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(told.encode("utf-8", "replace"))).decode("ascii")


def _unpacked(packed: str) -> Asked:
    told = json.loads(zlib.decompress(base64.b64decode(packed)))
    told["spans"] = tuple((text, bool(control)) for text, control in told["spans"])
    return Asked(**told)
