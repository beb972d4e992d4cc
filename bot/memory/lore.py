"""Lorebooks of a room: a hash of their names and JSON, kept as long as the room is.

    await keep(memory, room, book)          # in the place of one with the same name
    for book in await lorebooks(memory, room): …
    await drop(memory, room, "Jianghu")

What `/forget room` erases was said; lore was not, and stays. It goes with the room.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from bot.memory.connection import Connection, ConnectionCallback
from bot.memory.keys import room_key, tag
from characters.lore import Lorebook
from characters.tavern.books import read_book, write_book
from text.folding import fold

MOST_BOOKS = 24  # of a room
LARGEST = 1 << 20  # characters of a book as JSON


class LoreProblem(ValueError):
    """A book that a room cannot keep: `most` of what it may hold is passed."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most


async def lorebooks(
    memory: Connection, room: str, on_connection: ConnectionCallback | None = None
) -> tuple[Lorebook, ...]:
    """The lorebooks of a room (`platform:name`), by name. `on_connection` is called when Redis goes
    away and comes back.

    Raises:
        MemoryAway, MemoryProblem: they cannot be read now.
    """

    async def step() -> dict[str, str]:
        redis: Any = memory.redis  # which is made anew when the server has moved
        return dict(await redis.hgetall(_key(room)))

    rows = await memory.lasting(step, on_connection)
    return tuple(_book(text) for _, text in sorted(rows.items()))


async def keep(memory: Connection, room: str, book: Lorebook) -> None:
    """Keep a book, in the place of one of the same name.

    Raises:
        LoreProblem: the room has too many books, or this one is too large.
        MemoryAway, MemoryProblem: it cannot be kept now.
    """
    text = _text(book)

    async def step() -> bool:
        redis: Any = memory.redis
        known = await redis.hexists(_key(room), fold(book.name))
        if not known and int(await redis.hlen(_key(room))) >= MOST_BOOKS:
            return False
        await redis.hset(_key(room), fold(book.name), text)
        return True

    if not await memory.lasting(step, None):
        raise LoreProblem(MOST_BOOKS)


async def check(memory: Connection, room: str, books: Sequence[Lorebook]) -> None:
    """Whether a room could keep all of these books besides those it has.

    Raises:
        LoreProblem: there would be too many, or one is too large.
        MemoryAway, MemoryProblem: they cannot be read now.
    """
    there = {fold(book.name) for book in await lorebooks(memory, room)}
    if len(there | {fold(book.name) for book in books}) > MOST_BOOKS:
        raise LoreProblem(MOST_BOOKS)
    for book in books:
        _text(book)


async def drop(memory: Connection, room: str, name: str) -> bool:
    """Take a book away. False: there is none of this name.

    Raises:
        MemoryAway, MemoryProblem: it cannot be done now.
    """

    async def step() -> bool:
        redis: Any = memory.redis
        return bool(await redis.hdel(_key(room), fold(name)))

    return await memory.lasting(step, None)


def _key(room: str) -> str:
    return room_key(tag(room), "lore")


def _text(book: Lorebook) -> str:
    """Raises: LoreProblem: it is too large."""
    text = json.dumps({"owner": book.owner, **_table(book)}, ensure_ascii=False)
    if len(text) > LARGEST:
        raise LoreProblem(LARGEST)
    return text


def _table(book: Lorebook) -> dict[str, Any]:
    return {"book": write_book(book), "name": book.name}


@lru_cache(maxsize=256)
def _book(text: str) -> Lorebook:
    row = json.loads(text)
    book = read_book(row["book"], "lore", name=row["name"])
    return Lorebook(
        row["name"],
        book.entries,
        scan=book.scan,
        budget=book.budget,
        recursive=book.recursive,
        owner=row["owner"],
        world=book.world,
        raw=book.raw,
    )
