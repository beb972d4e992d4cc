"""Avatars of characters: a public URL for each, as a webhook's message needs it.

Either the pictures are served somewhere (`--faces https://…/faces`), or they are uploaded once as
application emojis, which Discord's CDN serves from then on.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from pathlib import Path

import discord

from bot.casts import Casts
from bot.memory import MemoryProblem
from bot.platforms.discord.errors import FAILED
from characters.card import Cast, Character

FOLDER = Path(__file__).resolve().parents[3] / "characters" / "faces"

_log = logging.getLogger(__name__)


class Faces:
    """`url` gives the avatar URL of a character, or None while there is none."""

    def __init__(self, cast: Cast, *, base: str = "", folders: tuple[Path, ...] = (FOLDER,)):
        self._urls: dict[str, str] = {}
        self._pictures: dict[str, Path] = {}
        self._kept: dict[str, str] = {}  # id of a stored character -> digest of what was uploaded
        self._client: discord.Client | None = None
        self._casts: Casts | None = None
        for character in cast:
            files = [folder / f"{character.id}.png" for folder in folders]
            found = next((file for file in files if file.is_file()), None)
            if base:
                self._urls[character.id] = f"{base.rstrip('/')}/{character.id}.png"
            elif found:
                self._pictures[character.id] = found

    def url(self, character: Character) -> str | None:
        return self._urls.get(character.id)

    def made_by(self, client: discord.Client, casts: Casts) -> None:
        """Pictures of characters that people made come from here, and are uploaded when needed."""
        self._client, self._casts = client, casts

    async def ready(self, character: Character) -> None:
        """Upload the picture of a stored character before its line is shown, once. What fails is
        logged, and the line is shown without."""
        entry = self._casts.entry(character.id) if self._casts else None
        if entry is None or self._casts is None or self._client is None:
            return
        if not entry.face:
            self._urls.pop(entry.id, None)
            return
        if self._kept.get(entry.id) == entry.face:
            return
        self._kept[entry.id] = entry.face  # tried once in a process
        try:
            data = await self._casts.face(entry.id)
            if data:
                there = {e.name: e for e in await self._client.fetch_application_emojis()}
                name = emoji_name(entry.id, data)
                emoji = there.get(name) or await self._client.create_application_emoji(
                    name=name, image=data
                )
                self._urls[entry.id] = emoji.url
        except (MemoryProblem, *FAILED) as problem:
            _log.warning("the face of %s could not be uploaded: %s", entry.id, problem)

    async def _tidy(self, there: dict[str, discord.Emoji]) -> None:
        """Delete pictures of characters that were withdrawn."""
        if self._casts is None:
            return
        await self._casts.refresh()
        living = {plain_name(entry.id) for entry in self._casts.entries() if entry.face}
        for name, emoji in there.items():
            who = name.removeprefix("mrp_").rpartition("_")[0]
            if who.startswith("c_") and who not in living:
                await emoji.delete()

    async def upload(self, client: discord.Client) -> None:
        """Upload the pictures that are not application emojis yet.

        Those that Discord refuses are logged and left out.

        Raises:
            discord.DiscordServerError, OSError, aiohttp.ClientError: Discord does not answer.
        """
        if not self._pictures and self._casts is None:
            return
        there = {emoji.name: emoji for emoji in await client.fetch_application_emojis()}
        await self._tidy(there)
        for character, picture in self._pictures.items():
            if character in self._urls:
                continue
            try:
                data = await asyncio.to_thread(picture.read_bytes)
            except OSError as problem:
                _log.warning("the face of %s cannot be read: %s", character, problem)
                continue
            name = emoji_name(character, data)
            try:
                emoji = there.get(name) or await client.create_application_emoji(
                    name=name, image=data
                )
            except discord.HTTPException as problem:
                if problem.status >= 500 or problem.status == 429:
                    raise
                _log.warning("Discord refuses the face of %s: %s", character, problem)
                continue
            self._urls[character] = emoji.url


def emoji_name(character: str, picture: bytes) -> str:
    """A valid emoji name (2 to 32 letters, digits, underscores) that changes with the picture."""
    return f"mrp_{plain_name(character)}_{hashlib.sha256(picture).hexdigest()[:8]}"


def plain_name(character: str) -> str:
    """An id as a part of an emoji's name."""
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in character)[:19]
