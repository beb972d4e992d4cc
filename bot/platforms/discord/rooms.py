"""The rooms of one Discord client: which channel is which room, and what belongs to it here.

    rooms = ChannelRooms(client, house, faces=faces, webhooks=webhooks)
    room = await rooms.of_channel(channel)
    room = await rooms.of_interaction(interaction)

A room is a channel, a thread, a forum post or a direct message. Where somebody uses the commands
in a place that the bot is no member of (a user install), the room is that person's own there.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import Any

import discord

from bot.house import House
from bot.platforms.discord.answers import LONGEST_TOLD, file_of, is_member
from bot.platforms.discord.faces import Faces
from bot.platforms.discord.outlets import NOBODY, CallOutlet, ChannelOutlet
from bot.platforms.discord.stage import TRANSIENT, DiscordStage
from bot.platforms.discord.text import escape, parts
from bot.platforms.discord.webhooks import Webhooks
from bot.room import Room
from characters.card import Language

_log = logging.getLogger(__name__)

PLATFORM = "discord"


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
        client: discord.Client,
        house: House,
        *,
        faces: Callable[[], Faces],
        webhooks: Webhooks,
    ) -> None:
        self._client = client
        self._house = house
        self._faces = faces
        self._webhooks = webhooks
        self._open: dict[str, ChannelRoom] = {}
        self._quiet: set[int] = set()  # channels where nobody is on stage: no need to look again

    async def of_channel(
        self, channel: Any, *, locale: discord.Locale | None = None
    ) -> ChannelRoom:
        """The room of a channel where the bot is a member."""
        name = str(channel.id)
        if name not in self._open:
            private = isinstance(channel, discord.DMChannel)
            stage = DiscordStage(
                ChannelOutlet(self._client, channel, self._webhooks),
                self._faces,
                send=lambda text, nonce: send(channel, text, nonce),
                type=lambda: _type(channel),
                whisper=self.whisper,
                private=private,
            )
            room = await self._room(name, stage, private, locale)
            self._open.setdefault(name, ChannelRoom(room, stage, channel))
        return self._open[name]

    async def of_interaction(self, interaction: discord.Interaction[Any]) -> ChannelRoom:
        """The room in which a command, button or menu was used."""
        if interaction.channel is not None and is_member(interaction):
            channel = self._client.get_channel(interaction.channel.id) or interaction.channel
            self._quiet.discard(channel.id)
            return await self.of_channel(channel, locale=interaction.locale)
        return await self._of_user_install(interaction)

    def is_open(self, channel_id: int) -> bool:
        return str(channel_id) in self._open

    def is_quiet(self, channel_id: int) -> bool:
        """Whether it is known that nobody is on stage in a channel."""
        return channel_id in self._quiet

    async def plays(self, channel: Any) -> bool:
        """Whether characters are on stage in a channel."""
        if channel.id in self._quiet:
            return False
        if not self.is_open(channel.id):
            known = self._house.memory.room(PLATFORM, str(channel.id))
            await known.look()
            if not known.state.cast:
                self._quiet.add(channel.id)
                return False
        room = await self.of_channel(channel)
        if room.playing is None:
            room.playing = bool((await room.room.status()).cast)
        if not room.playing:
            self._quiet.add(channel.id)
        return room.playing

    def order_given(self, room: ChannelRoom) -> None:
        """An order was carried out: who is on stage may have changed."""
        room.playing = None
        if room.channel is not None:
            self._quiet.discard(room.channel.id)

    async def whisper(self, person: str, text: str) -> bool:
        """Tell one person (`discord:id`) by direct message. False: it cannot be delivered."""
        user_id = person.removeprefix(f"{PLATFORM}:")
        if not user_id.isdigit():
            return False
        try:
            direct = await self._client.create_dm(discord.Object(int(user_id)))
            if len(text) > LONGEST_TOLD:
                await direct.send(file=file_of(text), allowed_mentions=NOBODY)
                return True
            for part in parts(text):
                nonce = secrets.token_hex(12)
                await direct.send(escape(part), nonce=nonce, allowed_mentions=NOBODY)
            return True
        except (discord.HTTPException, *TRANSIENT) as problem:
            _log.info("a direct message could not be delivered: %s", problem)
            return False

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
                private=True,
            )
            room = await self._room(name, stage, True, interaction.locale)
            self._open.setdefault(name, ChannelRoom(room, stage, None))
        found = self._open[name]
        assert isinstance(found.stage.outlet, CallOutlet)
        found.stage.outlet.call = interaction
        return found

    async def _room(
        self, name: str, stage: DiscordStage, private: bool, locale: discord.Locale | None
    ) -> Room:
        language: Language | None = None
        if locale is not None:
            known = self._house.memory.room(PLATFORM, name)
            await known.look()
            if known.state.language is None and not locale.value.startswith("zh"):
                language = "en"
        room = await self._house.room(
            PLATFORM, name, lambda: stage, private=private, language=language
        )
        await room.enter()
        return room


async def send(channel: Any, text: str, nonce: str) -> None:
    """Send text that is markup already: no mention, no link preview; `nonce` makes it once."""
    await channel.send(text, nonce=nonce, allowed_mentions=NOBODY, suppress_embeds=True)


async def _type(channel: Any) -> None:
    await channel.typing()


async def _no_typing() -> None:
    """An interaction shows by itself that an answer is coming."""
