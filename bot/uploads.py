"""What people send as a file: cards and lorebooks to bring in, pictures for a character being made.

    upload = Upload("alice.png", 300_000, fetch)
    text = await taken_in(room, "telegram:42", upload, "")          # "/character import"
    text = await taken_in(room, "telegram:42", upload, "/character create …")   # the same order

Beside talk a file is nothing, as everywhere. A picture is fetched only where one is waited for:
with an order that makes or changes a character, from who is asked for its fields in this room, and,
where only the bot is spoken to, from who has a sketch in hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.commands import Order, read
from bot.memory.attached import may_hold_card, take_in
from bot.memory.sketches import put_picture, sketch_of
from bot.room import Room
from bot.room.orders.making import verb_of
from characters import pictures

_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif")
_MAKES = ("create", "edit", "picture")  # verbs of /character that take a picture


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a message: its name, its size in bytes (0: unknown), and what fetches it."""

    name: str
    size: int
    fetch: Callable[[], Awaitable[bytes]]

    @property
    def card(self) -> bool:
        """Whether it may hold a card or a lorebook."""
        return may_hold_card(self.name, self.size)

    @property
    def picture(self) -> bool:
        """Whether it may be a picture."""
        return self.name.lower().endswith(_PICTURES)


async def taken_in(
    room: Room, person: str, upload: Upload, text: str, *, called: bool = False
) -> str:
    """What a message with a file says: without words, the order that brings what is in it; "" when
    there is nothing to bring. `called`: it was said to the bot alone.

    Raises:
        PictureError: a picture was waited for, and this is none that can be used.
        MemoryAway, MemoryProblem: it cannot be kept now.
        Exception: whatever `fetch` raises.
    """
    order, memory = read(text), room.shared.memory
    if text and order is None:
        return text
    awaited = upload.picture and await _awaited(room, person, order, called=called)
    if awaited and upload.size > pictures.LARGEST:
        raise pictures.PictureError(
            pictures.TOO_LARGE, f"{upload.size >> 20} MB", f"{pictures.LARGEST >> 20} MB"
        )
    if not awaited and not upload.card:
        return text
    data = await upload.fetch()
    if upload.card and not (awaited and order):
        brings = await take_in(memory, person, upload.name, data, asked=order is not None)
        if brings or not awaited:
            return text or brings
    png = await asyncio.to_thread(pictures.normalised, data)
    await put_picture(memory, person, png)
    return text or "/character picture"


async def _awaited(room: Room, person: str, order: Order | None, *, called: bool) -> bool:
    """Whether a picture of this person is for a character."""
    if order is not None:
        return order.id == "character" and verb_of(order.argument)[0] in _MAKES
    if person in room.view.forms:
        return True
    return called and await sketch_of(room.shared.memory, person) is not None
