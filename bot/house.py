"""What all rooms of a process share: the cast, the one model, the memory, the book.

parser = argparse.ArgumentParser(); add_options(parser)
house = await House.open(parser.parse_args())
room = await house.room("discord", "1234", make_stage)
await house.close()
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from bot.filters import Filter, load_filter
from bot.limits import Limits, load_limits
from bot.memory import Memory, open_memory
from bot.memory.places import erase_room
from bot.people import People
from bot.room import Room, Shared
from bot.secrets import redis_url
from bot.stage import Stage
from bot.voice import Voice, open_voice
from canon import Canon
from characters.card import CAST_FOLDER, Cast, Language, load_cast
from hub import choice


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that every platform has."""
    choice.add_options(parser)
    parser.add_argument(
        "--cast",
        metavar="FOLDER",
        type=Path,
        default=CAST_FOLDER,
        help="cards of your own (default: the cast of 西游记)",
    )
    parser.add_argument(
        "--canon",
        metavar="FOLDER",
        type=Path,
        help="the book that replies lean on, as `mrp canon build` wrote it (default: MRP_CANON, "
        "or none)",
    )
    parser.add_argument(
        "--limits",
        metavar="FILE",
        type=Path,
        help="how much one person and one room may ask, and who may not (default: MRP_LIMITS)",
    )
    parser.add_argument(
        "--filter",
        metavar="FILE",
        type=Path,
        help="what is not talked about (default: MRP_FILTER, or nothing)",
    )
    parser.add_argument("--seed", type=int, metavar="N", help="makes replies repeatable")
    parser.add_argument(
        "--context",
        type=int,
        metavar="N",
        help="longest prompt and reply in tokens (default: what `mrp fit` wrote into the model's "
        "card, else 4096, and never more than the model was made for)",
    )
    parser.add_argument(
        "--threads",
        type=_count,
        metavar="N",
        default=os.environ.get("MRP_THREADS") or None,
        help="CPU threads of the model; where other programs keep the machine busy, 1 is the "
        "fastest (default: MRP_THREADS, or the physical cores)",
    )


class House:
    """One cast, one voice, one memory; and the rooms of this process. `book` may be None.

    `stats` counts what happened: heard, said, retried, the faults of replies, and so on.
    """

    def __init__(
        self,
        cast: Cast,
        voice: Voice,
        memory: Memory,
        *,
        book: Canon | None = None,
        people: People | None = None,
        limits: Limits | None = None,
        filter: Filter | None = None,
    ) -> None:
        self.cast = cast
        self.voice = voice
        self.memory = memory
        self.people = people or People(memory, voice, cast)
        self.stats: Counter[str] = Counter()
        self.shared = Shared(
            cast,
            voice,
            memory,
            book=book,
            people=self.people,
            limits=limits or Limits(),
            filter=filter or Filter(),
            stats=self.stats,
        )
        self._rooms: dict[tuple[str, str], Room] = {}

    @classmethod
    async def open(cls, options: argparse.Namespace, *, patience: float = float("inf")) -> House:
        """Open all that `options` (see `add_options`) and the environment name.

        `patience` is how many seconds a step of a room may wait for Redis.

        Raises:
            CardError, HubError, EngineError, StyleError, CanonError, LimitsError, FilterError,
                MemoryProblem: the message says why.
        """
        cast = load_cast(options.cast)
        folder = _named(options.canon, "MRP_CANON")
        book = Canon.open(folder) if folder else None
        file = _named(options.limits, "MRP_LIMITS")
        limits = load_limits(file) if file else None
        file = _named(options.filter, "MRP_FILTER")
        filter = load_filter(file) if file else None
        model = choice.chosen(options)
        voice = open_voice(
            str(model.path),
            adapter=model.adapter,
            context=options.context,
            seed=options.seed,
            threads=options.threads,
        )
        try:
            memory = await open_memory(redis_url(os.environ), patience=patience)
        except BaseException:
            await voice.close()
            raise
        house = cls(cast, voice, memory, book=book, limits=limits, filter=filter)
        house.people.start()
        return house

    async def room(
        self,
        platform: str,
        name: str,
        make_stage: Callable[[], Stage],
        *,
        private: bool = False,
        language: Language | None = None,
        limited: bool = True,
    ) -> Room:
        """The room of this name: the same object as long as the house stands.

        `limited`: several strangers share it, so the limits of fair use hold.
        """
        found = self._rooms.get((platform, name))
        if found is None:
            found = self._rooms[platform, name] = Room(
                platform,
                name,
                self.shared,
                make_stage(),
                language=language,
                private=private,
                limited=limited,
            )
        return found

    async def unfinished(self, platform: str) -> list[str]:
        """Names of the platform's rooms in which something waits to be answered or shown."""
        return await self.memory.unfinished(platform)

    async def move(self, platform: str, old: str, new: str) -> None:
        """A platform gave a room another name; it goes on there as it was."""
        left = self._rooms.pop((platform, old), None)
        if left is not None:
            left.stop()
            await left.close()
        await self.memory.move(platform, old, new)

    async def erase(self, platform: str, name: str, *, place: str = "") -> bool:
        """A room is gone for good: erase all that is kept of it. False: nothing was kept.

        `place` is what it belonged to, a server for instance (see `bot.memory.places`).

        Raises:
            MemoryProblem: it cannot be erased.
        """
        left = self._rooms.pop((platform, name), None)
        if left is not None:
            left.stop()
            await left.close()
        return await erase_room(self.memory, platform, name, place)

    async def close(self) -> None:
        """Free the memory and the model."""
        for room in self._rooms.values():
            await room.close()
        await self.people.close()
        try:
            await self.memory.close()
        finally:
            await self.voice.close()


def _count(text: str) -> int:
    """A number from 1 on, as an option has it."""
    if not text.isdecimal() or not 1 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 1024")
    return int(text)


def _named(given: Path | None, variable: str) -> Path | None:
    """What an option or else the environment names."""
    named = given or os.environ.get(variable)
    return Path(named).expanduser() if named else None
