"""Reports by members about characters that others made: one a person and character.

await report(memory, Report("c_1", "discord:42", "discord:1234", "insults people"))
reports = await reports_of(memory, "discord:1234")      # newest first
await clear_reports(memory, "discord:1234", character="c_1")
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from bot.memory.connection import Connection
from bot.memory.keys import PREFIX, tag

_REPORTS = f"{PREFIX}{{cast}}:reports"
MOST = 1000
MOST_OF_A_PERSON = 20  # that are not done with; so nobody drives out what others reported
LONGEST = 300  # characters

# The oldest goes when there are too many.
_ADD = """
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then
  local theirs = 0
  for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
    if string.sub(name, -string.len(ARGV[4])) == ARGV[4] then theirs = theirs + 1 end
  end
  if theirs >= tonumber(ARGV[5]) then return 0 end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
if redis.call('HLEN', KEYS[1]) > tonumber(ARGV[3]) then
  local oldest, first
  local rows = redis.call('HGETALL', KEYS[1])
  for i = 1, #rows, 2 do
    local at = cjson.decode(rows[i + 1]).at
    if not first or at < first then oldest, first = rows[i], at end
  end
  redis.call('HDEL', KEYS[1], oldest)
end
return 1
"""


@dataclass(frozen=True, slots=True)
class Report:
    """Why somebody thinks that a character should not be there; `at` in seconds since 1970."""

    character: str
    person: str
    place: str
    why: str
    at: float = 0.0


async def report(memory: Connection, made: Report) -> bool:
    """Keep a report in place of the person's earlier one about the same character. False: as many
    of theirs as may be are not done with, and it was not kept.

    Raises:
        MemoryProblem: Redis stays away, or refuses for good.
    """
    told = {"place": made.place, "why": made.why[:LONGEST], "at": made.at or time.time()}
    text = json.dumps(told, ensure_ascii=False)

    of = f" {tag(made.person)}"

    async def step() -> bool:
        redis: Any = memory.redis  # which is made anew when the server has moved
        args = [f"{made.character}{of}", text, MOST, of, MOST_OF_A_PERSON]
        return bool(await redis.eval(_ADD, 1, _REPORTS, *args))

    return await memory.lasting(step, None)


async def reports_of(memory: Connection, place: str | None) -> list[Report]:
    """The reports of a place (None: of all), newest first; who made them is left out.

    Raises:
        MemoryProblem: Redis stays away, or refuses for good.
    """

    async def step() -> dict[str, str]:
        redis: Any = memory.redis  # which is made anew when the server has moved
        found: dict[str, str] = await redis.hgetall(_REPORTS)
        return found

    found = []
    for key, text in (await memory.lasting(step, None)).items():
        told = json.loads(text)
        if place is None or told["place"] == place:
            found.append(Report(key.partition(" ")[0], "", **told))
    return sorted(found, key=lambda each: -each.at)


async def clear_reports(memory: Connection, place: str | None, *, character: str = "") -> None:
    """The reports of a place (None: of all) are done with; with `character` those about that one.

    Raises:
        MemoryProblem: Redis stays away, or refuses for good.
    """

    def done(key: str, text: str) -> bool:
        about = not character or key.partition(" ")[0] == character
        return about and (place is None or json.loads(text)["place"] == place)

    async def step() -> None:
        redis: Any = memory.redis  # which is made anew when the server has moved
        rows = await redis.hgetall(_REPORTS)
        gone = [key for key, text in rows.items() if done(key, text)]
        if gone:
            await redis.hdel(_REPORTS, *gone)

    await memory.lasting(step, None)


async def forget_reports(memory: Connection, accounts: Collection[str]) -> None:
    """Take away what these accounts reported.

    Raises:
        MemoryProblem: Redis stays away, or refuses for good.
    """
    theirs = {tag(account) for account in accounts}

    async def step() -> None:
        redis: Any = memory.redis  # which is made anew when the server has moved
        gone = [k for k in await redis.hkeys(_REPORTS) if k.partition(" ")[2] in theirs]
        if gone:
            await redis.hdel(_REPORTS, *gone)

    await memory.lasting(step, None)
