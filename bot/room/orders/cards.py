"""Cards of other programs in a chat: /character import, /character export.

    /character import                       the file that this person attached a moment ago
    /character import {"spec": …}           a card's JSON; in a terminal also a file's name
    /character export NAME [png|json|yaml|charx]

What comes in is a sketch like one that was typed: shown whole with a test line, kept only with
/character keep.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from bot.memory.attached import attached
from bot.memory.sketches import Sketch
from bot.room.exchange import Exchange
from bot.room.orders import making_words as words
from characters.card import CAST_FOLDER, CardError, Character
from characters.tavern import FORMATS, Format, read, write
from characters.tavern.pictures import picture_kind

LARGEST = 32 << 20  # bytes of a file
LARGEST_FACE = 4 << 20  # bytes of a picture that is kept
NEW = "new"  # the id of a character that has none yet
FACES = CAST_FOLDER.parent / "faces"

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
            held = f"{len(found.characters)}"
            raise CardError(f"{name}: holds {held} characters; bring them in one by one")
    except CardError as problem:
        await talk.tell(words.UNREAD, problem)
        return
    character = found.characters[0]
    if not own(character.id):
        character = replace(character, id=NEW)
    face = found.face
    if face and (picture_kind(face) != "png" or len(face) > LARGEST_FACE):
        face = None
    await show(talk, Sketch(character, face))


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


async def send(talk: Exchange, character: Character, format: Format, face: bytes | None) -> None:
    """Show a character's card as a file."""
    language = talk.view.language if character.name.zh and character.name.en else None
    if face is None and (FACES / f"{character.id}.png").is_file():
        face = (FACES / f"{character.id}.png").read_bytes()
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
