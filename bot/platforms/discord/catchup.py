"""Catching up: what was left unfinished by an earlier process, and what was missed while offline.

After a start, rooms with unfinished work are resumed. After a new gateway session, the history of
channels is read from the newest message that was received on.
"""

from __future__ import annotations

import datetime
from typing import Any

import discord

from bot.house import House
from bot.platforms.discord.messages import Messages
from bot.platforms.discord.panels import Panels
from bot.platforms.discord.rooms import PLATFORM, ChannelRoom, ChannelRooms
from bot.platforms.discord.stage import TRANSIENT
from bot.platforms.discord.tasks import Tasks

MOST_MISSED = 100  # messages of a channel that are read again
FRESH = datetime.timedelta(minutes=10)  # older messages are not answered any more


class CatchUp:
    """Reads the history of one client's channels after it was offline."""

    def __init__(
        self,
        client: discord.AutoShardedClient,
        house: House,
        *,
        rooms: ChannelRooms,
        messages: Messages,
        panels: Panels,
        tasks: Tasks,
    ) -> None:
        self._client = client
        self._house = house
        self._rooms = rooms
        self._messages = messages
        self._panels = panels
        self._tasks = tasks

    async def after_start(self) -> None:
        """Show what was kept and not shown, answer what was not answered."""
        for name in await self._house.unfinished(PLATFORM):
            channel = await self._channel(name)
            if channel is None:
                continue
            # What was said while no process ran is heard too, if somebody still waits for it.
            since = discord.utils.time_snowflake(discord.utils.utcnow() - FRESH)
            self._messages.newest.setdefault(channel.id, since)
            room = await self._rooms.of_channel(channel)
            await room.stage.remember_what_stands()
            self._tasks.spawn(self._resume(room), f"resuming room {name}")

    async def after_new_session(self) -> None:
        """Read what was said between two gateway sessions, of which no event tells."""
        for channel_id in list(self._messages.newest):
            channel = self._client.get_channel(channel_id)
            if channel is not None:
                await self._read_missed(await self._rooms.of_channel(channel))

    async def _resume(self, room: ChannelRoom) -> None:
        try:
            await room.room.resume()
        finally:
            await room.stage.take_half_lines_back()
        await self._read_missed(room)
        self._panels.update(room)

    async def _read_missed(self, room: ChannelRoom) -> None:
        after = discord.Object(self._messages.newest[room.channel.id])
        missed: list[discord.Message] = []

        async def read_them(_: str) -> None:
            missed[:] = [
                message
                async for message in room.channel.history(
                    limit=MOST_MISSED, after=after, oldest_first=True
                )
            ]

        await room.stage.lasting("what was said meanwhile", read_them)
        for message in missed:
            await self._messages.received(message)

    async def _channel(self, name: str) -> Any:
        """The channel of a room, when it belongs to one of this process' shards."""
        if not name.isdigit():
            return None
        channel: Any = self._client.get_channel(int(name))
        if channel is None:
            try:
                channel = await self._client.fetch_channel(int(name))
            except (discord.HTTPException, discord.InvalidData, *TRANSIENT):
                return None
        guild = getattr(channel, "guild", None)
        shard = (guild.id >> 22) % (self._client.shard_count or 1) if guild else 0
        return channel if shard in (self._client.shards or (0,)) else None
