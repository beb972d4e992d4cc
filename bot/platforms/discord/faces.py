"""The faces of characters, as addresses that a webhook's message can name.

Discord wants a public address for every message's avatar. There is one when the pictures are served
somewhere (`--faces https://…/faces`), or else they are uploaded once, as emojis of the application:
those stay for good, and Discord serves them itself.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import discord

from characters.card import Cast, Character

FOLDER = Path(__file__).resolve().parents[3] / "characters" / "faces"

_log = logging.getLogger(__name__)


class Faces:
    """`url` is where a character's face lies, or None while it has none."""

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
        """Make the pictures that are not there yet emojis of the application."""
        if not self._pictures:
            return
        try:
            there = {emoji.name: emoji for emoji in await client.fetch_application_emojis()}
            for character, picture in self._pictures.items():
                data = picture.read_bytes()
                name = emoji_name(character, data)
                emoji = there.get(name)
                if emoji is None:
                    emoji = await client.create_application_emoji(name=name, image=data)
                self._urls[character] = emoji.url
        except (discord.HTTPException, OSError) as problem:
            _log.warning("faces are missing: they could not be uploaded (%s)", problem)


def emoji_name(character: str, picture: bytes) -> str:
    """2 to 32 letters, digits and underscores; another picture gets another name."""
    plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in character)[:19]
    return f"mrp_{plain}_{hashlib.sha256(picture).hexdigest()[:8]}"
