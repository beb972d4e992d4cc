"""Which stored rooms belong to which guild, which were used lately, and erasing what is gone.

Direct messages stand in for a guild with the id DIRECT.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import discord

from bot.house import House
from bot.memory import places

_log = logging.getLogger(__name__)

PLATFORM = "discord"
DIRECT = 0
MOST_USED = 10_000


class GuildRooms:
    """The stored rooms of one client, by guild. `on_erased` is called with a room's name."""

    def __init__(
        self,
        client: discord.AutoShardedClient,
        house: House,
        *,
        on_erased: Callable[[str], object],
    ) -> None:
        self._client = client
        self._house = house
        self._on_erased = on_erased

    def is_ours(self, guild_id: int) -> bool:
        """Whether a guild belongs to one of this process' shards."""
        return (guild_id >> 22) % (self._client.shard_count or 1) in (self._client.shards or (0,))

    async def opened(self, channel: Any) -> None:
        """The room of a channel is used: note where it belongs."""
        guild = getattr(channel, "guild", None)
        place = self._place(guild.id if guild else DIRECT)
        await places.put_into_place(self._house.memory, PLATFORM, place, str(channel.id))

    async def used(self, *, since: float, most: int) -> list[str]:
        """Names of rooms that were used within `since` seconds, the newest first."""
        return await places.used_rooms(self._house.memory, PLATFORM, since=since, most=most)

    async def direct_messages(self, *, since: float, most: int) -> list[str]:
        """The same for direct messages alone."""
        place = self._place(DIRECT)
        ours = set(await places.rooms_of_place(self._house.memory, PLATFORM, place))
        used = await self.used(since=since, most=MOST_USED)
        return [name for name in used if name in ours][:most]

    async def was_heard(self, channel_id: int, message_id: int) -> bool:
        """Whether a message was stored already, by this process or an earlier one."""
        memory = self._house.memory
        return await places.was_heard(memory, PLATFORM, str(channel_id), str(message_id))

    async def erase(self, channel_id: int | str, guild_id: int | str) -> None:
        """Erase the room of a channel that is gone, or that the bot was removed from."""
        name = str(channel_id)
        self._on_erased(name)
        await self._house.erase(PLATFORM, name, place=self._place(guild_id))

    async def erase_guild(self, guild_id: int | str) -> None:
        """Erase all rooms of a guild that the bot was removed from."""
        place = self._place(guild_id)
        names = await places.rooms_of_place(self._house.memory, PLATFORM, place)
        for name in names:
            await self.erase(name, guild_id)
        if names:
            _log.info("removed from server %s: its %d rooms are erased", guild_id, len(names))

    async def erase_left(self) -> None:
        """The same for guilds that the bot was removed from while it was not running.

        The gateway names all guilds of a shard, those too that have an outage.
        """
        for place in await places.places(self._house.memory, PLATFORM):
            application, _, guild = place.partition("/")
            if application != str(self._client.application_id) or guild == str(DIRECT):
                continue  # another bot with the same Redis; direct messages
            if self.is_ours(int(guild)) and self._client.get_guild(int(guild)) is None:
                await self.erase_guild(guild)

    def _place(self, guild_id: int | str) -> str:
        return f"{self._client.application_id}/{guild_id}"
