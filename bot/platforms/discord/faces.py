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

from characters.card import Cast, Character

FOLDER = Path(__file__).resolve().parents[3] / "characters" / "faces"

_log = logging.getLogger(__name__)


class Faces:
    """`url` gives the avatar URL of a character, or None while there is none."""

    def __init__(self, cast: Cast, *, base: str = "", folders: tuple[Path, ...] = (FOLDER,)):
        self._urls: dict[str, str] = {}
        self._pictures: dict[str, Path] = {}
        for character in cast:
            files = [folder / f"{character.id}.png" for folder in folders]
            found = next((file for file in files if file.is_file()), None)
            if base:
                self._urls[character.id] = f"{base.rstrip('/')}/{character.id}.png"
            elif found:
                self._pictures[character.id] = found

    def url(self, character: Character) -> str | None:
        return self._urls.get(character.id)

    async def upload(self, client: discord.Client) -> None:
        """Upload the pictures that are not application emojis yet.

        Those that Discord refuses are logged and left out.

        Raises:
            discord.DiscordServerError, OSError, aiohttp.ClientError: Discord does not answer.
        """
        if not self._pictures:
            return
        there = {emoji.name: emoji for emoji in await client.fetch_application_emojis()}
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
    plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in character)[:19]
    return f"mrp_{plain}_{hashlib.sha256(picture).hexdigest()[:8]}"
