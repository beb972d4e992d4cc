"""The Discord client: gateway events go to messages, interactions and catching up.

client = DiscordClient(house, reads=True)
await client.start(token)
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import Any

import discord
from discord import app_commands

from bot.house import House
from bot.platforms.discord.catchup import CatchUp
from bot.platforms.discord.errors import retried
from bot.platforms.discord.faces import Faces
from bot.platforms.discord.interactions import Interactions
from bot.platforms.discord.made import Made
from bot.platforms.discord.messages import Messages
from bot.platforms.discord.notes import Unsaid
from bot.platforms.discord.orders import Translator, slash_commands
from bot.platforms.discord.panel import Choose, Press
from bot.platforms.discord.panels import Panels
from bot.platforms.discord.progress import Progress
from bot.platforms.discord.rooms import ChannelRooms
from bot.platforms.discord.tasks import Tasks
from bot.platforms.discord.text import NOBODY
from bot.platforms.discord.webhooks import Webhooks

_log = logging.getLogger(__name__)


class DiscordClient(discord.AutoShardedClient):
    """A discord.py client for one house.

    `reads` is whether Discord lets this application read message content in guilds, `each` how many
    webhooks a channel gets (1 to 4), `guild_ready_timeout` the seconds without a new guild after
    which the client counts as ready.
    """

    def __init__(
        self,
        house: House,
        *,
        reads: bool,
        faces: Faces | None = None,
        each: int = 3,
        shard_count: int | None = None,
        shard_ids: Sequence[int] | None = None,
        guild_ready_timeout: float = 1.0,
    ) -> None:
        super().__init__(
            intents=discord.Intents(
                guilds=True, guild_messages=True, dm_messages=True, guild_reactions=True,
                dm_reactions=True, message_content=reads,
            ),
            allowed_mentions=NOBODY,
            max_messages=None,  # nothing here looks messages up in a cache
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            shard_count=shard_count,
            guild_ready_timeout=guild_ready_timeout,
            shard_ids=list(shard_ids) if shard_ids is not None else None,  # type: ignore[arg-type]
        )  # fmt: skip
        self.house = house
        self.reads = reads
        self.faces = faces or Faces(house.cast)
        self.webhooks = Webhooks(self, each=each)
        self.tasks = Tasks()
        self.rooms = ChannelRooms(self, house, faces=lambda: self.faces, webhooks=self.webhooks)
        panels = Panels(self, self.tasks, reads=reads)
        first = min(shard_ids) if shard_ids else 0
        self.progress = Progress(house.memory, lambda: f"discord/{self.application_id}/{first}")
        self.messages = Messages(
            self, rooms=self.rooms, panels=panels, progress=self.progress, tasks=self.tasks
        )
        self.interactions = Interactions(
            self, rooms=self.rooms, messages=self.messages, panels=panels, tasks=self.tasks
        )
        self.catch_up = CatchUp(
            self,
            house,
            rooms=self.rooms,
            messages=self.messages,
            panels=panels,
            progress=self.progress,
        )
        self.tree = self._command_tree()
        self._was_ready = False

    def _command_tree(self) -> app_commands.CommandTree[Any]:
        tree: app_commands.CommandTree[Any] = app_commands.CommandTree(
            self,
            allowed_contexts=app_commands.AppCommandContext(
                guild=True, dm_channel=True, private_channel=True
            ),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
        )
        tree.error(self.interactions.failed)
        does = self.interactions
        for command in slash_commands(self.rooms.cast_of, does.ordered, does.said):
            tree.add_command(command)
        for menu in does.context_menus():
            tree.add_command(menu)
        return tree

    async def setup_hook(self) -> None:
        self.add_dynamic_items(Press, Choose, Made, Unsaid)
        await self.tree.set_translator(Translator())
        if 0 in (self.shard_ids or [0]):  # one process is enough
            self.tasks.spawn(self._register_commands(), "registering commands")
        self.faces.made_by(self, self.house.casts)
        faces = retried("uploading faces", lambda _: self.faces.upload(self), patience=math.inf)
        self.tasks.spawn(faces, "uploading faces")

    async def _register_commands(self) -> None:
        async def sync(_: str) -> None:
            commands = await self.tree.sync()
            _log.info("%d commands are registered", len(commands))

        await retried("registering commands", sync, patience=math.inf)

    async def close(self) -> None:
        await self.tasks.close()
        if self._was_ready:
            await self.house.leave_group(_group(self))
        await self.progress.save(now=True)
        self.progress.went_offline()
        await super().close()
        await self.webhooks.close()

    # -- events of the gateway -------------------------------------------------------------------

    async def on_ready(self) -> None:
        if self._was_ready:
            self.tasks.spawn(self.catch_up.after_new_session(), "catching up")
            return
        self._was_ready = True
        _log.info("ready as %s in %d guilds", self.user, len(self.guilds))
        self.tasks.spawn(self.catch_up.after_start(), "catching up after the start")
        watching = self.house.watch(_group(self), self.catch_up.take_up)
        self.tasks.spawn(watching, "looking for other processes")

    async def on_shard_disconnect(self, shard_id: int) -> None:
        self.progress.went_offline()

    async def on_shard_resumed(self, shard_id: int) -> None:
        self.progress.resumed()

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        self.progress.passed(interaction.id)

    async def on_message(self, message: discord.Message) -> None:
        await self.messages.received(message)

    async def on_raw_message_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        await self.messages.edited(event)

    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        await self.messages.deleted(event.channel_id, [event.message_id])

    async def on_raw_bulk_message_delete(self, event: discord.RawBulkMessageDeleteEvent) -> None:
        await self.messages.deleted(event.channel_id, sorted(event.message_ids))

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        await self.rooms.guilds.erase_guild(guild.id)

    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        await self.rooms.guilds.erase(channel.id, channel.guild.id)

    async def on_raw_thread_delete(self, event: discord.RawThreadDeleteEvent) -> None:
        await self.rooms.guilds.erase(event.thread_id, event.guild_id)

    async def on_raw_reaction_add(self, event: discord.RawReactionActionEvent) -> None:
        await self.messages.voted(event, added=True)

    async def on_raw_reaction_remove(self, event: discord.RawReactionActionEvent) -> None:
        await self.messages.voted(event, added=False)

    # -- what the items of a panel call (`panel.PanelActions`) -----------------------------------

    async def pressed(
        self, interaction: discord.Interaction[Any], action: str, argument: str = ""
    ) -> None:
        await self.interactions.pressed(interaction, action, argument)

    async def said(self, interaction: discord.Interaction[Any], text: str) -> None:
        await self.interactions.said(interaction, text)


def _group(client: discord.AutoShardedClient) -> str:
    """What processes that serve the same bot and shards have in common (`bot.memory.workers`)."""
    shards = ",".join(map(str, sorted(client.shard_ids or ())))
    return f"discord/{client.application_id}/{shards}/{client.shard_count or ''}"
