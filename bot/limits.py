"""Rate limits: token buckets for each person and each room, and a block list.

    limits = load_limits(Path("limits.toml"))
    verdict = limits.admit("discord:123", "discord:channel")
    if not verdict.allowed: ...                          verdict.why, verdict.wait_s, verdict.tell

A file, with the values that hold without one:

    blocked = []                                   "discord:123", a person; "telegram:*", a platform
    person = { burst = 8, per_minute = 12 }        messages at once, and how fast they come back
    room = { burst = 20, per_minute = 40 }

Buckets of tokens: a message takes one of its person's and one of its room's; an empty bucket fills
at an even pace. The clock is handed in, so nothing here waits. People and rooms that have not asked
for long are forgotten, as a full bucket is like none.
"""

from __future__ import annotations

import math
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from text.toml import read_toml

Why = Literal["", "blocked", "person", "room"]


class LimitsError(ValueError):
    """A limits file that cannot be used; the message names the file and the key."""

    for_user = True


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` at once, then `per_minute`. 0 a minute is never; `burst` infinite is no limit."""

    burst: float
    per_minute: float


PERSON = Rate(8, 12)
ROOM = Rate(20, 40)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a message is heard. `wait_s`: seconds until the next one would be; `tell`: whether
    the person should hear of it (once, until a message is allowed again)."""

    allowed: bool
    why: Why = ""
    wait_s: float = 0.0
    tell: bool = False


@dataclass(slots=True)
class _Bucket:
    tokens: float
    since: float  # the clock's time when `tokens` was right
    told: bool = False

    def fill(self, rate: Rate, now: float) -> None:
        self.tokens = min(rate.burst, self.tokens + (now - self.since) * rate.per_minute / 60)
        self.since = now


@dataclass(slots=True)
class Limits:
    """The buckets of a process. `clock` gives seconds that never go back."""

    person: Rate = PERSON
    room: Rate = ROOM
    blocked: frozenset[str] = frozenset()
    clock: Callable[[], float] = time.monotonic
    _people: dict[str, _Bucket] = field(default_factory=dict, repr=False)
    _rooms: dict[str, _Bucket] = field(default_factory=dict, repr=False)
    _asked: int = field(default=0, repr=False)

    def admit(self, person: str, room: str) -> Verdict:
        """Take a token of both, or of neither and say why. A blocked person is never told."""
        if self.is_blocked(person):
            return Verdict(False, "blocked", math.inf)
        now = self.clock()
        self._asked += 1
        if self._asked % 1024 == 0:
            _forget(self._people, self.person, now)
            _forget(self._rooms, self.room, now)
        one = _bucket(self._people, person, self.person, now)
        all_ = _bucket(self._rooms, room, self.room, now)
        checked: tuple[tuple[_Bucket, Rate, Why], ...] = (
            (one, self.person, "person"),
            (all_, self.room, "room"),
        )
        for bucket, rate, why in checked:
            if bucket.tokens < 1 - 1e-9:  # a bucket that is full again but for rounding
                tell, bucket.told = not bucket.told, True
                wait = (1 - bucket.tokens) * 60 / rate.per_minute if rate.per_minute else math.inf
                return Verdict(False, why, wait, tell)
        for bucket in (one, all_):
            bucket.tokens -= 1
            bucket.told = False
        return Verdict(True)

    def is_blocked(self, person: str) -> bool:
        """Whether this person, or the whole platform, is on the block list."""
        return person in self.blocked or f"{person.partition(':')[0]}:*" in self.blocked


def _bucket(buckets: dict[str, _Bucket], key: str, rate: Rate, now: float) -> _Bucket:
    bucket = buckets.setdefault(key, _Bucket(rate.burst, now))
    bucket.fill(rate, now)
    return bucket


def _forget(buckets: dict[str, _Bucket], rate: Rate, now: float) -> None:
    for key, bucket in list(buckets.items()):
        bucket.fill(rate, now)
        if bucket.tokens >= rate.burst:
            del buckets[key]


def load_limits(file: Path, *, clock: Callable[[], float] = time.monotonic) -> Limits:
    """Read a limits file.

    Raises:
        LimitsError: it cannot be read, or a key is unknown or of the wrong kind.
    """
    try:
        raw = read_toml(file)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise LimitsError(f"{file}: cannot be read as limits: {problem}") from problem
    blocked = raw.pop("blocked", [])
    if not isinstance(blocked, list) or not all(
        isinstance(each, str) and ":" in each for each in blocked
    ):
        raise LimitsError(f'{file}: blocked: must be a list of "platform:id", not {blocked!r}')
    person = _rate(file, "person", raw.pop("person", {}), PERSON)
    room = _rate(file, "room", raw.pop("room", {}), ROOM)
    if raw:
        raise LimitsError(
            f"{file}: unknown key {next(iter(raw))!r}; there are blocked, person, room"
        )
    return Limits(person, room, frozenset(blocked), clock)


def _rate(file: Path, key: str, table: Any, default: Rate) -> Rate:
    if not isinstance(table, dict):
        raise LimitsError(f"{file}: {key}: must be {{ burst = …, per_minute = … }}, not {table!r}")
    values = {"burst": default.burst, "per_minute": default.per_minute}
    for name, value in table.items():
        if name not in values:
            raise LimitsError(f"{file}: {key}.{name}: unknown key; there are burst and per_minute")
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
            raise LimitsError(f"{file}: {key}.{name}: must be a number of 0 or more, not {value!r}")
        values[name] = float(value)
    if values["burst"] < 1:
        raise LimitsError(f"{file}: {key}.burst: must be 1 or more, else nobody is ever heard")
    return Rate(**values)
