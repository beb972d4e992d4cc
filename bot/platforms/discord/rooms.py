"""The rooms of one Discord client: which channel is which room, and what belongs to it here.

    rooms = ChannelRooms(client, house, faces=lambda: faces, webhooks=webhooks)
    room = await rooms.of_channel(channel)
    room = await rooms.of_interaction(interaction)

A room is a channel, a thread, a forum post or a direct message. Where somebody uses the commands
in a place that the bot is no member of (a user install), the room is that person's own there.

Only a direct message with the bot is private: everywhere else others can read what is said, and
what somebody told the bot in private is neither recalled nor shown.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from typing import Any

import discord

from bot.house import House
from bot.platforms.discord.access import why_silent
from bot.platforms.discord.answers import LONGEST_TOLD, file_of, is_member
from bot.platforms.discord.errors import FAILED, UNREADABLE
from bot.platforms.discord.faces import Faces
from bot.platforms.discord.guilds import DIRECT, PLATFORM, GuildRooms
from bot.platforms.discord.outlets import CallOutlet, ChannelOutlet, Outlet
from bot.platforms.discord.stage import DiscordStage
from bot.platforms.discord.text import NOBODY, parts, told
from bot.platforms.discord.webhooks import Webhooks
from bot.platforms.text import is_document
from bot.room import Room
from characters.card import Cast

_log = logging.getLogger(__name__)

MOST_QUIET = 10_000  # channels that are remembered as quiet


class ChannelRoom:
    """A `bot.room.Room` with its stage, its channel and its control panel on Discord."""

    def __init__(self, room: Room, stage: DiscordStage, channel: Any) -> None:
        self.room = room
        self.stage = stage
        self.channel = channel  # None where the bot is no member
        self.playing: bool | None = None  # whether characters are on stage; None: not known
        self.panel: Any = None  # the message that holds it
        self.panel_components: Any = None  # as they were shown last
        self.panel_searched = False  # whether one of an earlier process was looked for
        self.panel_due = False  # whether an update of it is scheduled


class ChannelRooms:
    """All rooms of one client that are open, by name."""

    def __init__(
        self,
        client: discord.AutoShardedClient,
        house: House,
        *,
        faces: Callable[[], Faces],
        webhooks: Webhooks,
    ) -> None:
        self._client = client
        self.house = self._house = house
        house.on_leave.append(self._left_process)
        house.doors[PLATFORM] = self._by_name
        self.guilds = GuildRooms(client, house, on_erased=self.left)
        self._faces = faces
        self._webhooks = webhooks
        self._open: dict[str, ChannelRoom] = {}
        self._quiet: set[int] = set()  # channels where nobody is on stage: no need to look again

    async def cast_of(self, interaction: discord.Interaction[Any]) -> Cast:
        """Who can be summoned where somebody types."""
        person = f"{PLATFORM}:{interaction.user.id}"
        if isinstance(interaction.channel, discord.DMChannel) and is_member(interaction):
            return await self._house.casts.of("", person=person)
        place = interaction.guild_id if is_member(interaction) and interaction.guild_id else ""
        name = place or f"{interaction.channel_id or 0}-{interaction.user.id}"
        return await self._house.casts.of(f"{PLATFORM}:{name}")

    # -- rooms of channels and interactions ------------------------------------------------------

    async def of_channel(self, channel: Any) -> ChannelRoom:
        """The room of a channel where the bot is a member."""
        name = str(channel.id)
        if name not in self._open:
            stage = DiscordStage(
                ChannelOutlet(self._client, channel, self._webhooks),
                self._faces,
                send=lambda text, nonce: send(channel, text, nonce),
                type=lambda: _type(channel),
                whisper=self.whisper,
                why_silent=lambda: why_silent(channel, self._language(name)),
                private=isinstance(channel, discord.DMChannel),
            )
            await self.guilds.opened(channel)
            await self._enter(name, stage, channel)
        return self._used(name)

    async def of_interaction(self, interaction: discord.Interaction[Any]) -> ChannelRoom:
        """The room in which a command, button or menu was used."""
        if interaction.channel is not None and is_member(interaction):
            channel = self._client.get_channel(interaction.channel.id) or interaction.channel
            self._quiet.discard(channel.id)
            found = await self.of_channel(channel)
        else:
            found = await self._of_user_install(interaction)
        found.stage.asker = f"{PLATFORM}:{interaction.user.id}"
        return found

    async def _of_user_install(self, interaction: discord.Interaction[Any]) -> ChannelRoom:
        name = f"{interaction.channel_id or 0}-{interaction.user.id}"
        if name not in self._open:
            outlet = CallOutlet()
            stage = DiscordStage(
                outlet,
                self._faces,
                send=outlet.send_ephemeral,
                type=_no_typing,
                whisper=self.whisper,
                why_silent=lambda: "",
            )
            await self._enter(name, stage, None)
        found = self._used(name)
        outlet_here: Outlet = found.stage.outlet
        assert isinstance(outlet_here, CallOutlet)
        outlet_here.call = interaction
        return found

    async def _enter(self, name: str, stage: DiscordStage, channel: Any) -> None:
        guild = getattr(channel, "guild", None)
        room = await self._house.room(
            PLATFORM,
            name,
            lambda: stage,
            private=stage.private,
            place=str(guild.id) if guild else "",
        )
        await room.enter()
        self._open.setdefault(name, ChannelRoom(room, stage, channel))

    def _used(self, name: str) -> ChannelRoom:
        """An open room, which stays in the process for another while."""
        found = self._open[name]
        found.room.used = time.monotonic()
        return found

    def _language(self, name: str) -> Any:
        return self._open[name].room.language if name in self._open else "zh"

    # -- what is known of a channel --------------------------------------------------------------

    def is_open(self, channel_id: int) -> bool:
        return str(channel_id) in self._open

    def asks(self, channel_id: int, person: str) -> bool:
        """Whether somebody is asked for the fields of a character, one by one, in a channel."""
        found = self._open.get(str(channel_id))
        return found is not None and person in found.room.view.forms

    def is_quiet(self, channel_id: int) -> bool:
        """Whether it is known that nobody is on stage in a channel."""
        return channel_id in self._quiet

    async def plays(self, channel: Any) -> bool:
        """Whether characters are on stage in a channel; opens no room where they are not."""
        if channel.id in self._quiet:
            return False
        if not self.is_open(channel.id):
            known = self._house.memory.room(PLATFORM, str(channel.id))
            await known.look()
            if not known.state.cast:
                self._now_quiet(channel.id)
                return False
        room = await self.of_channel(channel)
        if room.playing is None:
            room.playing = bool((await room.room.status()).cast)
        if not room.playing:
            self._now_quiet(channel.id)
        return room.playing

    async def known(self, channel_id: int) -> ChannelRoom | None:
        """The room of a channel in which something was said; opens no other."""
        if not self.is_open(channel_id):
            known = self._house.memory.room(PLATFORM, str(channel_id))
            await known.look()
            if not known.turns and not known.state.cast and not known.state.mark:
                return None
            channel = await self.channel(str(channel_id))
            return await self.of_channel(channel) if channel is not None else None
        return self._open[str(channel_id)]

    async def channel(self, name: str) -> Any:
        """The channel of a room, when it belongs to one of this process' shards; None otherwise."""
        if not name.isdigit():
            return None
        channel: Any = self._client.get_channel(int(name))
        if channel is None:
            try:
                channel = await self._client.fetch_channel(int(name))
            except UNREADABLE:
                return None
        guild = getattr(channel, "guild", None)
        return channel if self.guilds.is_ours(guild.id if guild else DIRECT) else None

    async def _by_name(self, name: str) -> Room | None:
        """A room for another platform that shows it too."""
        channel = await self.channel(name)
        return (await self.of_channel(channel)).room if channel is not None else None

    def left(self, name: str) -> None:
        """A room was erased, or left the process: it is opened anew when it is used again."""
        self._open.pop(name, None)

    def _left_process(self, platform: str, name: str) -> None:
        if platform == PLATFORM:
            self.left(name)

    def order_given(self, room: ChannelRoom) -> None:
        """An order was carried out: who is on stage may have changed."""
        room.playing = None
        if room.channel is not None:
            self._quiet.discard(room.channel.id)

    def _now_quiet(self, channel_id: int) -> None:
        if len(self._quiet) >= MOST_QUIET:
            self._quiet.clear()
        self._quiet.add(channel_id)

    # -- one person alone ------------------------------------------------------------------------

    async def whisper(self, person: str, text: str) -> bool:
        """Tell one person (`discord:id`) by direct message. False: it cannot be delivered."""
        user_id = person.removeprefix(f"{PLATFORM}:")
        if not user_id.isdigit() or not text:
            return False
        try:
            direct = await self._client.create_dm(discord.Object(int(user_id)))
            if len(text) > LONGEST_TOLD or is_document(text):
                await direct.send(file=file_of(text), allowed_mentions=NOBODY)
                return True
            for part in parts(text):
                nonce = secrets.token_hex(12)
                await direct.send(told(part), nonce=nonce, allowed_mentions=NOBODY)
            return True
        except FAILED as problem:
            _log.info("a direct message could not be delivered: %s", problem)
            return False


async def send(channel: Any, text: str, nonce: str) -> None:
    """Send text that is escaped already: no mention, no link preview; `nonce` makes it once.

    A JSON document is sent as a file.
    """
    if is_document(text):
        await channel.send(file=file_of(text), nonce=nonce, allowed_mentions=NOBODY)
    else:
        await channel.send(text, nonce=nonce, allowed_mentions=NOBODY, suppress_embeds=True)


async def _type(channel: Any) -> None:
    await channel.typing()


async def _no_typing() -> None:
    """An interaction shows by itself that an answer is coming."""
