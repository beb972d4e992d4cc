"""Catching up: what was left unfinished by an earlier process, and what was missed while offline.

However the bot or its connection ended: after a start and after every new gateway session, the
messages of the last ten minutes are read in every channel where somebody wrote meanwhile. What was
said to the bot there and was not stored yet is answered; what was stored is not heard again. What
people said among themselves before characters came on stage was received then (see `progress`).
"""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import Coroutine, Iterable
from typing import Any

import discord

from bot.house import House
from bot.platforms.discord.errors import described, retried
from bot.platforms.discord.guilds import DIRECT, PLATFORM
from bot.platforms.discord.messages import Messages
from bot.platforms.discord.panels import Panels
from bot.platforms.discord.progress import Progress
from bot.platforms.discord.rooms import ChannelRoom, ChannelRooms

_log = logging.getLogger(__name__)

FRESH = datetime.timedelta(minutes=10)  # older messages are not answered any more
MOST_MISSED = 100  # messages of a channel that are read
MOST_CHANNELS = 300  # channels in which messages are read, those that were used last
USED_WITHIN, MOST_DIRECT = 86_400.0, 100  # seconds; direct messages that are looked at
AT_ONCE = 4  # channels that are read at the same time


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
        progress: Progress,
    ) -> None:
        self._client = client
        self._house = house
        self._rooms = rooms
        self._messages = messages
        self._panels = panels
        self._progress = progress

    async def after_start(self) -> None:
        """Show what was stored and not shown, answer what was not answered, read what was missed,
        and erase the rooms of servers that the bot was removed from."""
        await self._progress.load()
        unfinished = await self._house.unfinished(PLATFORM)
        resuming = await self._resuming(unfinished)
        await self._all(self._read_missed(except_for=unfinished), *resuming)
        self._progress.caught_up()
        await self._rooms.guilds.erase_left()

    async def after_new_session(self) -> None:
        """Read what was said between two gateway sessions, of which no event tells."""
        self._progress.new_session()
        await self._read_missed()
        self._progress.caught_up()

    async def take_up(self) -> None:
        """Do what another process with the same shards, which is gone, left unfinished."""
        await self._all(*await self._resuming(await self._house.unfinished(PLATFORM)))

    async def _resuming(self, names: Iterable[str]) -> list[Coroutine[Any, Any, None]]:
        found = []
        for name in names:
            channel = await self._rooms.channel(name)
            if channel is not None:
                room = await self._rooms.of_channel(channel)
                await room.stage.remember_what_stands()
                found.append(self._resume(room))
        return found

    async def _resume(self, room: ChannelRoom) -> None:
        try:
            await room.room.resume()
        finally:
            await room.stage.take_half_lines_back()
        await self._read(room.channel)
        self._panels.update(room)

    async def _read_missed(self, except_for: Iterable[str] = ()) -> None:
        left_out = {int(name) for name in except_for if name.isdigit()}
        channels = [c for c in await self._written_in() if c.id not in left_out]
        limit = asyncio.Semaphore(AT_ONCE)

        async def read(channel: Any) -> None:
            async with limit:
                await self._read(channel)

        await self._all(*map(read, channels))

    @staticmethod
    async def _all(*works: Coroutine[Any, Any, None]) -> None:
        """Do all of it; a channel that fails stops no other."""
        for failed in await asyncio.gather(*works, return_exceptions=True):
            if isinstance(failed, Exception):
                _log.error("catching up failed somewhere: %s", described(failed))

    async def _written_in(self) -> list[Any]:
        """Channels in which somebody may have written in the last minutes, the newest first."""
        since = _since()
        found: dict[int, Any] = {}
        active: list[Any] = [
            channel
            for guild in self._client.guilds
            for channel in _channels(guild)
            if (channel.last_message_id or 0) > since
        ]
        for channel in sorted(active, key=_last, reverse=True):
            found[channel.id] = channel
        for name in await self._rooms.guilds.used(since=USED_WITHIN, most=MOST_CHANNELS):
            known: Any = self._client.get_channel(int(name)) if name.isdigit() else None
            if known is not None and getattr(known, "last_message_id", None) is None:
                found[known.id] = known
        # Of direct messages the gateway tells nothing: those of the last day are looked at.
        if self._rooms.guilds.is_ours(DIRECT):
            for name in await self._rooms.guilds.direct_messages(
                since=USED_WITHIN, most=MOST_DIRECT
            ):
                direct = await self._rooms.channel(name)
                if direct is not None:
                    found[direct.id] = direct
        if len(found) > MOST_CHANNELS:
            _log.warning(
                "somebody wrote in %d channels in the last minutes; missed messages are read in %d",
                len(found),
                MOST_CHANNELS,
            )
        return list(found.values())[:MOST_CHANNELS]

    async def _read(self, channel: Any) -> None:
        """Hear what was said in a channel in the last minutes and was not received."""
        if not _may_read(channel):
            return
        after = discord.Object(max(_since(), self._messages.newest(channel.id)))
        missed: list[discord.Message] = []

        async def read_them(_: str) -> None:
            newest = channel.history(limit=MOST_MISSED, after=after, oldest_first=False)
            missed[:] = [message async for message in newest]

        await retried(f"the history of channel {channel.id}", read_them)
        for message in reversed(missed):
            await self._messages.received(message, missed=True)


def _channels(guild: discord.Guild) -> list[Any]:
    """Where somebody can write; archived threads come back when somebody writes in them."""
    return [*guild.text_channels, *guild.voice_channels, *guild.threads]


def _last(channel: Any) -> int:
    return channel.last_message_id or 0


def _may_read(channel: Any) -> bool:
    guild = getattr(channel, "guild", None)
    try:
        return guild is None or bool(channel.permissions_for(guild.me).read_message_history)
    except discord.ClientException:  # a thread whose parent the bot does not see
        return False


def _since() -> int:
    """The id that a message of ten minutes ago would have."""
    return discord.utils.time_snowflake(discord.utils.utcnow() - FRESH)
