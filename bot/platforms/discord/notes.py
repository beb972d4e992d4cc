"""Voice messages of people on Discord: fetched, heard, shown as heard, and treated as a message.

    note = note_of(message)                            # its attachment, None for other messages
    heard = await hear(hearer, note)                   # Heard; raises SpeechError
    await show_heard(message, heard.text, language)

Under what was heard stands *not what I said*: whoever spoke can take it out of the room again.
Nothing of the sound is kept: it is in memory while it is heard, and nowhere else.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from typing import Any, Protocol

import discord
from discord import ui

from bot.platforms.discord.errors import FAILED, described
from bot.platforms.discord.text import NOBODY, custom_id, escape
from bot.platforms.notes import NOT_FETCHED, NOT_SAID, as_heard
from characters.card import Language
from speech.error import SpeechError
from speech.hearer import Heard, Hearer

_log = logging.getLogger(__name__)

FETCHING = 30.0  # seconds for a file of at most `hearer.MOST_BYTES`


class NoteActions(Protocol):
    """What a client does when somebody says that a note was misheard."""

    async def unsaid(
        self, interaction: discord.Interaction[Any], message_id: int, person_id: int
    ) -> None: ...


class NoteClient(Protocol):
    """A client, as the button sees it."""

    @property
    def interactions(self) -> NoteActions: ...


def note_of(message: discord.Message) -> discord.Attachment | None:
    """The sound of a voice message. Files that somebody attaches are none, whatever is in them."""
    if not message.flags.voice:
        return None
    return next((one for one in message.attachments if one.is_voice_message()), None)


async def hear(hearer: Hearer, note: discord.Attachment) -> Heard:
    """The words of a voice message.

    Raises:
        SpeechError: it is too long or too large, cannot be fetched, or has no words in it.
    """
    hearer.check(seconds=float(note.duration or 0), size=note.size)
    try:
        async with asyncio.timeout(FETCHING):
            data = await note.read()
    except FAILED as problem:
        _log.warning("a note could not be fetched: %s", described(problem))
        raise SpeechError(NOT_FETCHED.zh, NOT_FETCHED.en) from problem
    return await hearer.hear(data)


async def show_heard(message: discord.Message, text: str, language: Language) -> None:
    """Show what was heard, with the button that takes it back. A failure is logged."""
    view = ui.View(timeout=None)
    view.add_item(Unsaid(message.id, message.author.id, label=NOT_SAID[language]))
    reference = discord.MessageReference(
        message_id=message.id, channel_id=message.channel.id, fail_if_not_exists=False
    )
    try:
        await message.channel.send(
            escape(as_heard(message.author.display_name, text, language)),
            view=view,
            reference=reference,
            mention_author=False,
            allowed_mentions=NOBODY,
            suppress_embeds=True,
            nonce=secrets.token_hex(12),
        )
    except FAILED as problem:
        _log.warning("what was heard could not be shown: %s", described(problem))


class Unsaid(
    ui.DynamicItem[ui.Button[Any]],
    template=r"mrp:unsaid:(?P<message>\d{1,20}):(?P<person>\d{1,20})",
):
    """The button *not what I said* under a note's words; it works after a restart."""

    def __init__(self, message_id: int, person_id: int, *, label: str = "") -> None:
        self.message_id = message_id
        self.person_id = person_id
        name = custom_id("unsaid", str(message_id), str(person_id))
        super().__init__(ui.Button(label=label or NOT_SAID.en, custom_id=name))

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Unsaid:
        return cls(int(match["message"]), int(match["person"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        client: NoteClient = interaction.client
        await client.interactions.unsaid(interaction, self.message_id, self.person_id)
