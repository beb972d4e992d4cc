"""Plays a script in a room of its own and hands back what was said: the bot without a platform.

async with rehearsals(voice, cast) as house:
    talk = await house.open("one evening")
    (line,) = await talk.say("小明", "悟空，你怕不怕紧箍咒？")

Everything is as in a chat (casting, memory, prompt, drafts), on an embedded Redis in a folder that
is thrown away.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.drafts import Pace
from bot.house import House
from bot.memory import open_memory
from bot.room import Room, Shared
from bot.stage import Line, Message
from bot.voice import Voice
from canon import Canon
from characters.card import Cast


class _Shown:
    """A stage that keeps what is shown: lines as they were when done, and notices."""

    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}
        self.notices: list[str] = []

    def pace(self) -> Pace:
        return Pace(3600.0)  # seconds: only whole lines

    async def notice(self, text: str, *, to: str = "", secret: bool = False) -> None:
        self.notices.append(text)

    async def show(self, line: Line) -> tuple[str, ...]:
        if not line.done:
            return ()
        self.lines[line.id] = line
        return (line.id,)

    async def attach(self, name: str, data: bytes) -> str:
        return ""

    async def withdraw(self, line_id: str, places: Sequence[str]) -> None:
        self.lines.pop(line_id, None)


@dataclass(slots=True)
class Rehearsal:
    """A room in which a script is played."""

    house: House
    room: Room
    _shown: _Shown
    _seen: set[str] = field(default_factory=set)

    async def say(self, name: str, text: str) -> tuple[Line, ...]:
        """What characters answer when somebody says this; orders (`/summon …`) too."""
        await self.room.hear(Message(f"rehearsal:{name}", name, text, moderator=True))
        new = [line for id, line in self._shown.lines.items() if id not in self._seen]
        self._seen.update(self._shown.lines)
        return tuple(new)


@dataclass(frozen=True, slots=True)
class Rehearsals:
    """Opens rooms for scripts, which know nothing of each other."""

    house: House

    async def open(self, name: str) -> Rehearsal:
        """A new room of this name."""
        shown = _Shown()
        room = await self.house.room("rehearsal", name, lambda: shown, limited=False)
        await room.enter()
        return Rehearsal(self.house, room, shown)


@asynccontextmanager
async def rehearsals(
    voice: Voice, cast: Cast, book: Canon | None = None
) -> AsyncIterator[Rehearsals]:
    """A house for any number of scripts, one room each; the voice is left open."""
    with tempfile.TemporaryDirectory(prefix="mrp-rehearsal-") as folder:
        memory = await open_memory(None, folder=Path(folder))
        house = House(Shared(cast, voice, memory, book=book))
        try:
            yield Rehearsals(house)
        finally:
            await house.leave()
