"""Cards of other programs in a chat: /character import, /character export.

    /character import                       the file that this person attached a moment ago
    /character import {"spec": …}           a card's JSON; in a terminal also a file's name
    /character export NAME [png|json|yaml|charx]

What comes in is a sketch like one that was typed: shown whole with a test line, kept only with
/character keep.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from bot.casts import Casts
from bot.memory.attached import attached
from bot.memory.sketches import Sketch
from bot.room.exchange import Exchange
from bot.room.orders import making_words as words
from characters import pictures
from characters.card import CAST_FOLDER, CardError, Character
from characters.tavern import FORMATS, Format, read, write
from characters.tavern.pictures import picture_kind

LARGEST = 32 << 20  # bytes of a file
LARGEST_FACE = 256 << 10  # bytes of a picture that is kept as it is; Discord takes no larger one
NEW = "new"  # the id of a character that has none yet
FACES = CAST_FOLDER.parent / "faces"

_BRINGS = {"group": "; /stageset import brings it", "lorebook": "; /lore import brings it"}

Show = Callable[[Exchange, Sketch], Awaitable[None]]


async def bring(talk: Exchange, rest: str, show: Show, *, own: Callable[[str], bool]) -> None:
    """Make a sketch of a card; `show` shows it. `own` says of an id whether this person may change
    the character that has it: then the card is a change of that one, else a new character."""
    given = await file_given(talk, rest)
    if given is None:
        await talk.tell(words.HOW_IMPORT)
        return
    name, data = given
    try:
        found = read(data, name)
        if len(found.characters) != 1:
            held = len(found.characters)
            what = f"a {found.title}, which holds {held} characters"
            raise CardError(f"{name}: {what}{_BRINGS.get(found.title, '')}")
    except CardError as problem:
        await talk.tell(words.UNREAD, problem)
        return
    character = found.characters[0]
    if not own(character.id):
        character = replace(character, id=NEW)
    await show(talk, Sketch(character, await fitting_face(found.face)))


async def fitting_face(face: bytes | None) -> bytes | None:
    """The picture of a card as it is kept: a PNG that a chat takes as an avatar; a larger one, or
    one of another kind, is made small. None without a picture that can be read."""
    if face is None or (picture_kind(face) == "png" and len(face) <= LARGEST_FACE):
        return face
    try:
        # In a thread: decoding a large picture takes a second, for which no room may wait.
        return await asyncio.to_thread(pictures.normalised, face)
    except pictures.PictureError:
        return None


async def shown_face(casts: Casts, character: Character) -> bytes | None:
    """The picture that a character has here: its own, or the shipped one; None without one."""
    made = await casts.face(character.id)
    file = FACES / f"{character.id}.png"
    if made is None and re.fullmatch(r"[a-z0-9_-]+", character.id) and file.is_file():
        return await asyncio.to_thread(file.read_bytes)
    return made


async def file_given(talk: Exchange, written: str) -> tuple[str, bytes] | None:
    """Name and bytes of what an order names: what was attached, JSON as it stands, in a terminal
    (whose files are the person's own) a file. None: nothing is there.

    Raises:
        CardError: the file cannot be read.
    """
    written = written.strip()
    if not written:
        return await attached(talk.view.shared.memory, talk.job.work.individual)
    if written[0] in "{[" or not talk.view.key.startswith("terminal:"):
        return "card.json", written.encode("utf-8", "replace")
    path = Path(written.strip("\"'")).expanduser()
    try:
        with path.open("rb") as opened:
            return path.name, opened.read(LARGEST + 1)
    except (OSError, ValueError) as problem:
        raise CardError(f"{path.name}: cannot be read: {problem}") from problem


async def send(talk: Exchange, character: Character, format: Format) -> None:
    """Show a character's card as a file."""
    language = talk.view.language if character.name.zh and character.name.en else None
    face = await shown_face(talk.view.shared.casts, character)
    data = write(character, format=format, face=face, language=language)
    attach = getattr(talk.view.stage, "attach", None)  # not every stage shows files
    if attach is None:
        await talk.tell(words.NO_FILES)
        return
    where = await attach(f"{character.id}.{format}", data)
    name = character.name[talk.view.language]
    await talk.tell(words.EXPORTED, name, f"\n{where}" if where else "")


def format_in(rest: str) -> tuple[str, Format]:
    """A name, and the format that stands after it; png where none does."""
    name, _, last = rest.strip().rpartition(" ")
    for format in FORMATS:
        if name and last.casefold() == format:
            return name.strip(), format
    return rest.strip(), "png"
