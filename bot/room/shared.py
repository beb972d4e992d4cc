"""What all rooms of a process share."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.casts import Casts
from bot.filters import Filter
from bot.limits import Limits
from bot.memory import Memory
from bot.memory.workers import Workers
from bot.people import People
from bot.permissions import Permissions
from bot.voice import Voice
from canon import Canon, worlds
from characters.card import Cast
from characters.unheard import World
from speech.hearer import Hearer
from speech.speaker import Speaker


@dataclass(slots=True)
class Shared:
    """One shipped cast, one model, one memory. `casts` says who can be summoned where. `book`,
    `people` and `limits` may be missing: nothing to quote, nothing kept of people, no rate limit;
    so may `speaker` (lines read aloud) and `hearer` (voice notes as text). `stats` counts what
    happened, by name, and `spoken` lines by character id; `dice` throws them; `clock` is the time
    of day, in seconds since 1970; `workers` knows the other processes that serve the same
    accounts."""

    cast: Cast
    voice: Voice
    memory: Memory
    book: Canon | None = None
    people: People | None = None
    limits: Limits | None = None
    filter: Filter = field(default_factory=Filter)
    permissions: Permissions = field(default_factory=Permissions)
    stats: Counter[str] = field(default_factory=Counter)
    spoken: Counter[str] = field(default_factory=Counter)
    dice: random.Random = field(default_factory=random.SystemRandom)
    clock: Callable[[], float] = time.time
    speaker: Speaker | None = None
    hearer: Hearer | None = None
    casts: Casts = field(init=False)
    workers: Workers = field(init=False)

    def __post_init__(self) -> None:
        self.casts = Casts(self.memory, self.cast)
        self.workers = Workers(self.memory)

    def world(self, chapter: int = 0) -> World:
        """What the characters' world does not have, as far as a chapter of the book (0: the whole):
        by the book, or by the tables that ship."""
        if not self.book:
            return worlds.unheard
        return self.book.as_of(min(chapter, self.book.last) or self.book.last).unheard
