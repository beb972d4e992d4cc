"""Control panels in channels: shown as the answer to a command, replaced, and kept up to date.

What a panel looks like is in `panel`.
"""

from __future__ import annotations

import asyncio
import logging

import discord

from bot.platforms.discord.answers import Answer
from bot.platforms.discord.errors import FAILED
from bot.platforms.discord.panel import is_panel, panel
from bot.platforms.discord.rooms import ChannelRoom
from bot.platforms.discord.tasks import Tasks
from bot.platforms.discord.text import NOBODY

_log = logging.getLogger(__name__)

UPDATE_DELAY = 3.0  # seconds between two edits of a panel
SEARCHED = 50  # newest messages of a channel among which an earlier process' panel is looked for


class Panels:
    """The panels of one client. `reads` is whether it may read message content in guilds."""

    def __init__(self, client: discord.Client, tasks: Tasks, *, reads: bool) -> None:
        self._client = client
        self._tasks = tasks
        self._reads = reads

    async def show(self, room: ChannelRoom, answer: Answer) -> None:
        """Turn the answer to a command into the room's panel, and delete the previous panel."""
        view = await self._view(room)
        room.panel_components = view.to_components()  # type: ignore[no-untyped-call]
        old = room.panel or await self._earlier(room)
        room.panel = await answer.become(view)
        if old is not None and room.panel is not None and old.id != room.panel.id:
            try:
                await old.delete()
            except FAILED:
                _log.info("the previous panel could not be deleted")

    def update(self, room: ChannelRoom) -> None:
        """Bring the panel up to date after a pause, with all that changes meanwhile."""
        if room.panel is None or room.panel_due:
            return
        room.panel_due = True
        self._tasks.spawn(self._redraw(room), "updating a panel")

    async def _redraw(self, room: ChannelRoom) -> None:
        try:
            await asyncio.sleep(UPDATE_DELAY)
        finally:
            room.panel_due = False
        view = await self._view(room)
        components = view.to_components()  # type: ignore[no-untyped-call]
        if room.panel is None or components == room.panel_components:
            return

        async def edit(_: str) -> None:
            await room.panel.edit(view=view, allowed_mentions=NOBODY)

        if await room.stage.lasting("a panel", edit):
            room.panel_components = components
        else:
            room.panel = None

    async def _view(self, room: ChannelRoom) -> discord.ui.LayoutView:
        direct = room.channel is None or isinstance(room.channel, discord.DMChannel)
        return panel(await room.room.status(), reads=self._reads or direct)

    async def _earlier(self, room: ChannelRoom) -> discord.Message | None:
        """The panel that an earlier process left in the channel."""
        if room.channel is None or room.panel_searched:
            return None
        room.panel_searched = True
        me = self._client.user.id if self._client.user else 0
        try:
            async for message in room.channel.history(limit=SEARCHED):
                if message.author.id == me and message.components and is_panel(message):
                    found: discord.Message = message
                    return found
        except FAILED:
            _log.info("the previous panel could not be looked for")
        return None
