"""Responses to interactions: deferred within Discord's 3 seconds, then filled in or deleted.

answer = Answer(interaction)
await answer.hold(private=True)
await answer.tell("…")
await answer.finish()
"""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from typing import Any

import discord

from bot.platforms.discord.errors import FAILED
from bot.platforms.discord.text import NOBODY, escape, parts, told
from bot.platforms.text import is_document

_log = logging.getLogger(__name__)

ALREADY_ANSWERED = 40060
LONGEST_TOLD = 3800  # characters; a longer answer is sent as a file


class Answer:
    """The response to one interaction.

    A response that fails never stops the order: `tell` returns False, and the caller delivers the
    text some other way.
    """

    def __init__(self, interaction: discord.Interaction[Any]) -> None:
        self._interaction = interaction
        self._texts: list[str] = []
        self._shown = 0  # messages
        self._first = 0  # the id of the first
        self._of_panel = False
        self._lost = False
        self._private = False  # whether the response is ephemeral
        self._secret = False  # whether it holds what nobody else may see, as a sign-in link

    @property
    def told(self) -> bool:
        return bool(self._texts)

    async def hold(self, *, private: bool) -> None:
        """Defer the response. `private`: it is ephemeral, only the person who asked sees it."""
        self._private = private
        await self._respond(ephemeral=private, thinking=True)

    async def hold_panel(self) -> None:
        """Defer the response to a component, whose message (the panel) stays as it is."""
        self._of_panel = self._private = True
        await self._respond()

    async def _respond(self, **how: bool) -> None:
        if self._interaction.response.is_done():
            return
        try:
            await self._interaction.response.defer(**how)
        except discord.InteractionResponded:
            return
        except FAILED as problem:
            if (
                getattr(problem, "code", 0) != ALREADY_ANSWERED
            ):  # the deferral arrived, its own answer was lost
                _log.warning("an interaction could not be answered in time: %s", problem)
                self._lost = True

    async def tell(self, text: str, secret: bool = False) -> bool:
        """Add a text to the response.

        Returns False when it was not delivered, as when it is `secret` and others see the response.
        """
        if self._lost or self._interaction.is_expired() or (secret and not self._private):
            return False
        if len(text) > LONGEST_TOLD or is_document(text):
            return await self._attach(text)
        self._texts.append(text)
        self._secret |= secret
        clean = told if self._secret else escape
        contents = [clean(part) for part in parts("\n".join(self._texts))]
        if await self._write(contents):
            return True
        self._texts.pop()
        return False

    async def _attach(self, text: str) -> bool:
        """Send a text as an attachment."""
        self._texts.append("")
        try:
            if self._of_panel:
                await self._interaction.followup.send(
                    file=file_of(text), ephemeral=True, allowed_mentions=NOBODY
                )
            else:
                await self._interaction.edit_original_response(
                    attachments=[file_of(text)], allowed_mentions=NOBODY
                )
            return True
        except FAILED as problem:
            _log.info("a file could not be sent: %s", problem)
            self._lost = True
            return False

    async def show(self, contents: Sequence[str]) -> int:
        """Set the response to messages that are escaped already. Returns the id of the first, or 0
        when they were not delivered."""
        self._texts += contents
        if self._lost or not await self._write(contents):
            return 0
        return self._first

    async def _write(self, contents: Sequence[str]) -> bool:
        call = self._interaction
        try:
            if self._of_panel:
                # The original response is the panel: texts are ephemeral follow-ups under it.
                if self._shown:
                    contents = contents[-1:]
                for content in contents:
                    await call.followup.send(content, ephemeral=True, allowed_mentions=NOBODY)
                    self._shown += 1
                return True
            for place, content in enumerate(contents):
                if place == 0:  # an edit, which is idempotent
                    first = await call.edit_original_response(
                        content=content, allowed_mentions=NOBODY
                    )
                    self._first = first.id
                elif place >= self._shown:
                    await call.followup.send(content, ephemeral=True, allowed_mentions=NOBODY)
                self._shown = max(self._shown, place + 1)
            return True
        except FAILED as problem:
            _log.info("an answer could not be written: %s", problem)
            self._lost = True
            return False

    async def become(self, view: discord.ui.LayoutView) -> Any:
        """Turn the response into a panel. Returns its message, or None when that failed."""
        try:
            message = await self._interaction.edit_original_response(
                view=view, allowed_mentions=NOBODY
            )
        except FAILED as problem:
            _log.info("a panel could not be shown: %s", problem)
            return None
        channel: Any = self._interaction.channel
        if channel is not None and is_member(self._interaction):
            # Edited with the bot's token: an interaction's token expires after 15 minutes.
            return channel.get_partial_message(message.id)
        return message

    async def finish(self) -> None:
        """Delete the deferred response if nothing was put into it."""
        if self._texts or self._of_panel or self._lost:
            return
        try:
            await self._interaction.delete_original_response()
        except FAILED as problem:
            _log.info("an empty answer could not be taken away: %s", problem)


def file_of(text: str) -> discord.File:
    """A text as an attachment, named .json where it looks like JSON."""
    name = "mrp.json" if text.lstrip().startswith(("{", "[")) else "mrp.txt"
    return discord.File(io.BytesIO(text.encode()), filename=name)


def is_member(interaction: discord.Interaction[Any]) -> bool:
    """Whether the bot is in the server (or direct message) that the interaction comes from.

    False for a user install: somebody uses the commands where the bot is no member.
    """
    if interaction.guild_id:
        known = interaction.client.get_guild(interaction.guild_id) is not None
        return known or interaction.is_guild_integration()
    direct = isinstance(interaction.channel, discord.DMChannel)
    return direct and interaction.context.dm_channel is True
