"""The answer to a command, a button or a menu: held within 3 seconds, then filled or taken away."""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from typing import Any

import discord

from bot.platforms.discord.outlets import NOBODY
from bot.platforms.discord.stage import TRANSIENT
from bot.platforms.discord.text import escape, parts

_log = logging.getLogger(__name__)

ALREADY_ANSWERED = 40060
LONGEST_TOLD = 3800  # characters; what is longer is a file


class Answer:
    """The answer to one interaction.

    Whatever goes wrong with it, the order is carried out; `tell` then says that it must be told
    elsewhere.
    """

    def __init__(self, interaction: discord.Interaction[Any]) -> None:
        self._interaction = interaction
        self._texts: list[str] = []
        self._shown = 0  # messages
        self._of_panel = False
        self._lost = False
        self._private = False  # whether nobody else sees what is told

    @property
    def told(self) -> bool:
        return bool(self._texts)

    async def hold(self, *, private: bool) -> None:
        """Tell Discord at once that an answer comes."""
        self._private = private
        await self._respond(ephemeral=private, thinking=True)

    async def hold_panel(self) -> None:
        """The same for a button, whose message stays as it is."""
        self._of_panel = self._private = True
        await self._respond()

    async def _respond(self, **how: bool) -> None:
        if self._interaction.response.is_done():
            return
        try:
            await self._interaction.response.defer(**how)
        except discord.InteractionResponded:
            return
        except (discord.HTTPException, *TRANSIENT) as problem:
            if getattr(problem, "code", 0) != ALREADY_ANSWERED:  # then only Discord's word was lost
                _log.warning("an interaction could not be answered in time: %s", problem)
                self._lost = True

    async def tell(self, text: str, secret: bool = False) -> bool:
        """Say it there, after all that was said there before. False: it must be said elsewhere."""
        if self._lost or self._interaction.is_expired() or (secret and not self._private):
            return False
        if len(text) > LONGEST_TOLD:
            return await self._attach(text)
        self._texts.append(text)
        contents = [escape(part) for part in parts("\n".join(self._texts))]
        if await self._write(contents):
            return True
        self._texts.pop()
        return False

    async def _attach(self, text: str) -> bool:
        """What is too long to be read in a chat is a file."""
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
        except (discord.HTTPException, *TRANSIENT) as problem:
            _log.info("a file could not be sent: %s", problem)
            self._lost = True
            return False

    async def show(self, contents: Sequence[str]) -> bool:
        """Messages that are markup already."""
        self._texts += contents
        return not self._lost and await self._write(contents)

    async def _write(self, contents: Sequence[str]) -> bool:
        call = self._interaction
        try:
            if self._of_panel:
                # The original answer is the panel: what is said stands under it, for one person.
                if self._shown:
                    contents = contents[-1:]
                for content in contents:
                    await call.followup.send(content, ephemeral=True, allowed_mentions=NOBODY)
                    self._shown += 1
                return True
            for place, content in enumerate(contents):
                if place == 0:  # an edit: it can be repeated when its answer is lost
                    await call.edit_original_response(content=content, allowed_mentions=NOBODY)
                elif place >= self._shown:
                    await call.followup.send(content, ephemeral=True, allowed_mentions=NOBODY)
                self._shown = max(self._shown, place + 1)
            return True
        except (discord.HTTPException, *TRANSIENT) as problem:
            _log.info("an answer could not be written: %s", problem)
            self._lost = True
            return False

    async def become(self, view: discord.ui.LayoutView) -> Any:
        """Make the answer a panel. Returns its message, None when it could not be."""
        try:
            message = await self._interaction.edit_original_response(
                view=view, allowed_mentions=NOBODY
            )
        except (discord.HTTPException, *TRANSIENT) as problem:
            _log.info("a panel could not be shown: %s", problem)
            return None
        channel: Any = self._interaction.channel
        if channel is not None and is_member(self._interaction):
            # By the bot's own right: an interaction's ends after 15 minutes.
            return channel.get_partial_message(message.id)
        return message

    async def finish(self) -> None:
        """Nothing more is said: an answer that stayed empty goes."""
        if self._texts or self._of_panel or self._lost:
            return
        try:
            await self._interaction.delete_original_response()
        except (discord.HTTPException, *TRANSIENT) as problem:
            _log.info("an empty answer could not be taken away: %s", problem)


def file_of(text: str) -> discord.File:
    """A text as a file: JSON where it is some."""
    name = "mrp.json" if text.lstrip().startswith(("{", "[")) else "mrp.txt"
    return discord.File(io.BytesIO(text.encode()), filename=name)


def is_member(interaction: discord.Interaction[Any]) -> bool:
    """Whether the bot itself is where the interaction comes from."""
    if interaction.guild_id:
        known = interaction.client.get_guild(interaction.guild_id) is not None
        return known or interaction.is_guild_integration()
    direct = isinstance(interaction.channel, discord.DMChannel)
    return direct and interaction.context.dm_channel is True
