"""Lines that nobody asked for: when a character may speak first, and which rooms allow it.

Off until a room says otherwise. The wish is part of the room's state; the rooms that have one are a
set for each platform, so that whoever looks need not look at all rooms.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

from bot.memory.connection import Connection
from bot.memory.keys import PREFIX, quoted, unquoted

LEAST_MINUTES, MOST_MINUTES = 10, 7 * 1440
MOST_A_DAY = 24
LONGEST_SILENCE = 7 * 86_400.0  # seconds, after which nobody is there any more


@dataclass(frozen=True, slots=True)
class Unasked:
    """What a room allows: after how many `minutes` of silence, from the `first` hour to before the
    `end` one (over midnight too), `most` times a day. `utc`: hours that its clock is ahead of UTC,
    None for the clock of the machine.

    `day` and `count` say how often it happened, `answered` is the id of the newest turn of a person
    that was there when a character last spoke unasked.
    """

    minutes: int
    first: int = 9
    end: int = 22
    most: int = 3
    utc: float | None = None
    day: str = ""
    count: int = 0
    answered: str = ""

    def due(self, newest: str, last: str, now: float) -> bool:
        """Whether a character may speak now, by the ids of the newest turn of a person ("" for
        none) and of the last turn of anybody: never twice without a word of a person in between.
        """
        if not newest or newest == self.answered:
            return False
        silent = now - _seconds(last)
        clock = self._clock(now)
        awake = (
            self.first <= clock.tm_hour < self.end
            if self.first < self.end
            else clock.tm_hour >= self.first or clock.tm_hour < self.end
        )
        often = self.count if self.day == _day(clock) else 0
        return self.minutes * 60 <= silent <= LONGEST_SILENCE and awake and often < self.most

    def spoke(self, turn: str, now: float) -> Unasked:
        """The same after a character spoke."""
        day = _day(self._clock(now))
        count = self.count + 1 if day == self.day else 1
        return replace(self, day=day, count=count, answered=turn)

    def _clock(self, now: float) -> time.struct_time:
        return time.localtime(now) if self.utc is None else time.gmtime(now + 3600 * self.utc)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Unasked | None:
        return cls(**json.loads(text)) if text else None


async def allow(memory: Connection, platform: str, room: str, *, allowed: bool) -> None:
    """Note whether a room is to be looked at.

    Raises:
        MemoryAway, MemoryProblem: it cannot be noted now.
    """

    async def step() -> None:
        redis: Any = memory.redis  # which is made anew when the server has moved
        change = redis.sadd if allowed else redis.srem
        await change(_key(platform), quoted(room))

    await memory.lasting(step, None)


async def allowing(memory: Connection, platform: str) -> list[str]:
    """Names of the platform's rooms that are to be looked at.

    Raises:
        MemoryAway, MemoryProblem: they cannot be read now.
    """

    async def step() -> list[str]:
        redis: Any = memory.redis  # which is made anew when the server has moved
        return sorted(unquoted(name) for name in await redis.smembers(_key(platform)))

    return await memory.lasting(step, None)


def _key(platform: str) -> str:
    return f"{PREFIX}unasked:{quoted(platform)}"


def _seconds(turn: str) -> float:
    return int(turn.partition("-")[0]) / 1000


def _day(clock: time.struct_time) -> str:
    return time.strftime("%Y-%m-%d", clock)
