"""A process' rooms and what they share: cast, model, memory, book; and every platform's options.

parser = argparse.ArgumentParser(); add_options(parser)
house = await House.open(parser.parse_args())
room = await house.room("discord", "1234", make_stage)
await house.close()
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bot import settings
from bot.engines import open_chosen
from bot.filters import load_filter
from bot.initiative import Initiative
from bot.limits import Limits, load_limits
from bot.memory import MemoryProblem, open_memory
from bot.memory.places import erase_room
from bot.memory.workers import BEAT
from bot.people import People
from bot.permissions import load_permissions
from bot.room import Room, Shared
from bot.secrets import redis_url
from bot.stage import Stage
from canon import Canon
from characters.card import CAST_FOLDER, Language, load_cast
from engine.remote import options as remote
from hub import choice
from speech import settings as sound


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that every platform has."""
    choice.add_options(parser)
    remote.add_options(parser)
    sound.add_options(parser)
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
    parser.add_argument(
        "--rights",
        metavar="FILE",
        type=Path,
        help="which orders only moderators may give (default: MRP_RIGHTS)",
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


_log = logging.getLogger(__name__)

LEAVING = 2.0  # seconds for telling the other processes at the end
IDLE = 3600.0  # seconds without a word until a room leaves the process
ENDS_WITHIN = 5.0  # seconds that a room which is to be erased may still be doing something
SWEEP = 60.0  # seconds between two looks for such rooms
MOST_ROOMS = 5000  # of a process: some 50 kB each


class House:
    """One cast, one voice, one memory; and the rooms of this process.

    `stats` counts what happened: heard, said, retried, the faults of replies, and so on. A room in
    which nobody has spoken for an hour leaves the process; it is opened again when somebody does.
    `on_leave` are called with its platform and name. `doors` are the platforms of this process that
    can open a room by its name alone, for another platform that shows it too; None: there is none.
    """

    def __init__(self, shared: Shared) -> None:
        shared.people = shared.people or People(
            shared.memory, shared.voice, shared.cast, by_id=shared.casts
        )
        shared.limits = shared.limits or Limits()
        self.shared = shared
        self.cast = shared.cast
        self.casts = shared.casts
        self.voice = shared.voice
        self.memory = shared.memory
        self.people = shared.people
        self.stats = shared.stats
        self._rooms: dict[tuple[str, str], Room] = {}
        self._swept = time.monotonic()
        self.on_leave: list[Callable[[str, str], object]] = []
        self.doors: dict[str, Callable[[str], Awaitable[Room | None]]] = {}
        self.initiative = Initiative(shared, self.doors)

    @classmethod
    async def open(cls, options: argparse.Namespace, *, patience: float = float("inf")) -> House:
        """Open all that `options` (see `add_options`) and the environment name.

        `patience` is how many seconds a step of a room may wait for Redis.

        Raises:
            CardError, HubError, EngineError, StyleError, CanonError, LimitsError, FilterError,
                PermissionsError, SpeechError, MemoryProblem: the message says why.
        """
        cast = load_cast(options.cast)
        folder = _named(options.canon, "MRP_CANON")
        book = Canon.open(folder) if folder else None
        file = _named(options.limits, "MRP_LIMITS")
        limits = load_limits(file) if file else None
        file = _named(options.filter, "MRP_FILTER")
        filter = load_filter(file) if file else None
        file = _named(options.rights, "MRP_RIGHTS")
        permissions = load_permissions(file) if file else None
        speaker = sound.open_speaker(options.speech, cards=options.cast)
        hearer = sound.open_hearer(options.hearing)
        voice = await open_chosen(options, os.environ)
        try:
            memory = await open_memory(redis_url(os.environ), patience=patience)
        except BaseException:
            await voice.close()
            raise
        shared = Shared(cast, voice, memory, book=book, limits=limits)
        shared.speaker, shared.hearer = speaker, hearer
        shared.filter = filter or shared.filter
        shared.permissions = permissions or shared.permissions
        house = cls(shared)
        house.people.start()
        house.initiative.start()
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
        place: str = "",
    ) -> Room:
        """The room of this name: the same object as long as somebody speaks there.

        `limited`: several strangers share it, so the limits of fair use hold. `place` is the server
        or chat whose cast it has, as the platform calls it; by default it is one by itself.
        """
        self._sweep()
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
            if place and not private:
                found.view.place = f"{platform}:{place}"
        found.used = time.monotonic()
        return found

    def _sweep(self) -> None:
        """Let idle rooms go: all that they are is in the memory."""
        now = time.monotonic()
        if now - self._swept < SWEEP and len(self._rooms) < MOST_ROOMS:
            return
        self._swept = now
        # Oldest first; when there are too many, also those that were used not long ago.
        used = sorted(self._rooms.items(), key=lambda item: item[1].used)
        too_many = len(used) - MOST_ROOMS * 9 // 10
        for number, ((platform, name), room) in enumerate(used):
            if room.idle and (now - room.used > IDLE or number < too_many):
                del self._rooms[platform, name]
                for left in self.on_leave:
                    left(platform, name)

    async def unfinished(self, platform: str) -> list[str]:
        """Names of the platform's rooms in which something waits to be answered or shown."""
        return await self.memory.unfinished(platform)

    async def watch(self, group: str, take_up: Callable[[], Awaitable[object]]) -> None:
        """Be one of the processes that serve the same accounts (see `bot.memory.workers`), until
        cancelled: say so again and again, and call `take_up` when one of the others is gone."""
        while True:
            try:
                if gone := await self.shared.workers.beat(group):
                    _log.info("%d other processes of %s are gone", len(gone), group)
                    await take_up()
            except MemoryProblem as problem:
                _log.error("what other processes left is not looked for: %s", problem)
            await asyncio.sleep(BEAT)

    async def leave_group(self, group: str) -> None:
        """All that this process will store is stored: let the others take up what is left."""
        try:
            async with asyncio.timeout(LEAVING):
                await self.shared.workers.leave(group)
        except (MemoryProblem, TimeoutError) as problem:
            _log.info("the other processes of %s find out by themselves: %s", group, problem)

    async def move(self, platform: str, old: str, new: str) -> None:
        """A platform gave a room another name; it goes on there as it was."""
        left = self._rooms.pop((platform, old), None)
        if left is not None:
            left.stop()
            await left.close()
        await self.memory.move(platform, old, new)
        await self.casts.move(f"{platform}:{old}", f"{platform}:{new}")

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
            until = time.monotonic() + ENDS_WITHIN
            while not left.idle and time.monotonic() < until:
                await asyncio.sleep(0.05)  # what it is doing would be stored after the erasure
        return await erase_room(self.memory, platform, name, place)

    async def close(self) -> None:
        """Free the memory and the model."""
        try:
            await self.leave()
        finally:
            await self.voice.close()

    async def leave(self) -> None:
        """End what rooms do in the background, then free the memory; the model stays."""
        await self.initiative.close()
        for room in self._rooms.values():
            await room.close()
        await self.people.close()
        for one in (self.shared.speaker, self.shared.hearer):
            if one is not None:
                await one.close()
        await self.memory.close()


def _count(text: str) -> int:
    """A number from 1 on, as an option has it."""
    if not text.isdecimal() or not 1 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 1024")
    return int(text)


def _named(given: Path | None, variable: str) -> Path | None:
    """What an option or else the environment names, or else what the web pages keep."""
    named = given or os.environ.get(variable)
    return Path(named).expanduser() if named else settings.kept(variable)
