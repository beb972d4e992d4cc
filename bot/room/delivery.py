"""Shows stored lines: to everybody, or a whispered one to the one person that it is for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot import notices
from bot.drafts import Pace
from bot.memory import StoredLine
from bot.room.chores import Chores
from bot.room.view import View
from bot.stage import Line
from characters.card import Character

DELIVERY = 20.0  # seconds that a room waits until a line is shown


class Unseen:
    """The stage of a whispered line while it is written: nobody sees it grow."""

    def pace(self) -> Pace:
        return Pace()

    async def notice(self, text: str, *, to: str = "", secret: bool = False) -> None:
        return None

    async def show(self, line: Line) -> tuple[str, ...]:
        return ()

    async def attach(self, name: str, data: bytes) -> str:
        return ""

    async def withdraw(self, line_id: str, places: Sequence[str]) -> None:
        return None


async def show(view: View, chores: Chores, line: StoredLine, speaker: Character) -> None:
    """Show a stored line as done, and remember where. A platform that does not take it for long
    holds up nobody: it is waited for in the background."""
    shown = asyncio.create_task(_delivered(view, line, speaker))

    async def noted() -> None:
        await view.memory.shown(line, await shown)

    done, _ = await asyncio.wait({shown}, timeout=DELIVERY)
    if done:
        await noted()
    else:
        view.shared.stats["delivered late"] += 1
        chores.later(noted())


async def _delivered(view: View, line: StoredLine, speaker: Character) -> Sequence[str]:
    if line.to:
        told = notices.WHISPERED[view.language].format(speaker.name[view.language], line.text)
        await view.notice(told, to=line.to, secret=True)
        return ()
    return await view.stage.show(
        Line(
            line.id,
            speaker,
            line.text,
            view.language,
            done=True,
            version=line.shown + 1,
            versions=len(line.texts),
            places=line.places,
        )
    )
