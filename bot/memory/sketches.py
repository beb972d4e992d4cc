"""A character that somebody is making and has not kept yet: one a person, for a day.

    await set_sketch(memory, "discord:42", Sketch(character, face=png))
    sketch = await sketch_of(memory, "discord:42")

It outlives a restart, and is seen by every process: a preview is answered wherever it was shown.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from bot.memory.connection import Connection
from bot.memory.keys import person_key
from characters.card import Character, read_card
from characters.fields import as_table

KEPT = 86_400  # seconds


@dataclass(frozen=True, slots=True)
class Sketch:
    """A character as it would be kept; with an id it is a change of a stored one. `face` is a PNG;
    None leaves what is there."""

    character: Character
    face: bytes | None = None


async def set_sketch(memory: Connection, person: str, sketch: Sketch) -> None:
    """Keep a sketch in place of the person's last one.

    Raises:
        MemoryProblem: Redis stays away, or refuses for good.
    """
    face = None if sketch.face is None else base64.b64encode(sketch.face).decode("ascii")
    table = as_table(sketch.character) | {"id": sketch.character.id or "new"}
    text = json.dumps({"card": table, "face": face}, ensure_ascii=False)

    async def step() -> None:
        redis: Any = memory.redis  # which is made anew when the server has moved
        await redis.set(person_key(person, "sketch"), text, ex=KEPT)

    await memory.lasting(step, None)


async def sketch_of(memory: Connection, person: str) -> Sketch | None:
    """What the person is making; None when nothing.

    Raises:
        MemoryProblem: Redis stays away, or refuses for good.
    """

    async def step() -> str:
        redis: Any = memory.redis  # which is made anew when the server has moved
        return str(await redis.get(person_key(person, "sketch")) or "")

    text = await memory.lasting(step, None)
    if not text:
        return None
    told = json.loads(text)
    face = None if told["face"] is None else base64.b64decode(told["face"])
    return Sketch(read_card(told["card"], "a sketch"), face)


async def put_picture(memory: Connection, person: str, png: bytes) -> None:
    """Keep a picture that the person uploaded, for the next sketch.

    Raises:
        MemoryProblem: Redis stays away, or refuses for good.
    """

    async def step() -> None:
        redis: Any = memory.redis  # which is made anew when the server has moved
        text = base64.b64encode(png).decode("ascii")
        await redis.set(person_key(person, "picture"), text, ex=KEPT)

    await memory.lasting(step, None)


async def has_picture(memory: Connection, person: str) -> bool:
    """Whether a picture that the person uploaded waits for the next sketch.

    Raises:
        MemoryProblem: Redis stays away, or refuses for good.
    """

    async def step() -> bool:
        redis: Any = memory.redis  # which is made anew when the server has moved
        return bool(await redis.exists(person_key(person, "picture")))

    return await memory.lasting(step, None)


async def taken_picture(memory: Connection, person: str) -> bytes | None:
    """The picture that the person uploaded last, once; None without one.

    Raises:
        MemoryProblem: Redis stays away, or refuses for good.
    """

    async def step() -> str:
        redis: Any = memory.redis  # which is made anew when the server has moved
        return str(await redis.getdel(person_key(person, "picture")) or "")

    text = await memory.lasting(step, None)
    return base64.b64decode(text) if text else None


async def drop_sketch(memory: Connection, person: str) -> bool:
    """Forget what the person is making, and the picture that was uploaded for it. False: it was
    nothing.

    Raises:
        MemoryProblem: Redis stays away, or refuses for good.
    """

    async def step() -> bool:
        redis: Any = memory.redis  # which is made anew when the server has moved
        await redis.delete(person_key(person, "picture"))
        return bool(await redis.delete(person_key(person, "sketch")))

    return await memory.lasting(step, None)
