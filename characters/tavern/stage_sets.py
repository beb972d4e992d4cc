"""Stage sets: a group of characters with place, lore and opening in one archive.

A stage set is a SillyTavern group: other programs find its characters, we find the scene, too.

| in the archive  | is                                                                        |
|-----------------|---------------------------------------------------------------------------|
| group.json      | name, members; in `extensions.mrp` place, mood, note, opening and chapter |
| ID.png          | the card of a member, with its own lorebook                               |
| lore/TITLE.json | a lorebook as a SillyTavern world file; `extensions.mrp.lore` says of     |
|                 | which member it is, when not everybody knows it                           |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from characters.card import CardError
from characters.lore import Lorebook
from characters.tavern.books import is_book, read_book, write_book
from characters.tavern.fields import Fields, wrong
from characters.tavern.incoming import OURS, id_of
from characters.tavern.values import read_json, write_json

LONGEST = {"place": 400, "mood": 400, "note": 400, "opening": 4_000}  # characters
LATEST = 99_999  # chapter
MOST_BOOKS = 64
_FOLDER = "lore/"


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a group plays: place, mood, the director's note, what the narrator tells first, and
    up to which chapter the book is known (0: the whole book)."""

    place: str = ""
    mood: str = ""
    note: str = ""
    opening: str = ""
    chapter: int = 0

    def __bool__(self) -> bool:
        return self != Setting()


def read_setting(table: Mapping[str, Any], name: str) -> Setting:
    """The setting in a group's table.

    Raises:
        CardError: a field is of the wrong kind or too long.
    """
    own = _own(table, name)
    texts = {key: own.text(key, most).strip() for key, most in LONGEST.items()}
    return Setting(**texts, chapter=own.whole("chapter", 0, 0, LATEST))


def read_lore(
    table: Mapping[str, Any], files: Mapping[str, bytes], name: str, members: Mapping[str, str]
) -> tuple[Lorebook, ...]:
    """The lorebooks of a group besides those of its members' cards.

    `files` are those of its folder in the archive, `members` ids of characters by their cards'
    names.

    Raises:
        CardError: a book is broken or missing, or belongs to nobody of the group.
    """
    own = _own(table, name)
    rows = own.raw.get("lore") or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise own.wrong("lore", "must be a list of tables")
    books = []
    for number, row in enumerate(rows):
        fields = Fields(name, row, f"{own.path}lore[{number}].")
        file, knows = fields.text("file", 300), fields.text("knows", 300)
        if file not in files:
            raise fields.wrong("file", f"{file[:60]!r} is not in the archive")
        if knows and knows not in members:
            raise fields.wrong("knows", f"{knows[:60]!r} is nobody of the group")
        book = _book(files[file], name, file)
        title = fields.text("name", 300).strip()[:80] or book.name
        books.append(replace(book, name=title, owner=members.get(knows, "")))
    listed = {row.get("file") for row in rows}
    others = [f for f in files if f.startswith(_FOLDER) and f not in listed]
    books += [_book(files[file], name, file) for file in others]
    if len(books) > MOST_BOOKS:
        raise wrong(name, _FOLDER, f"holds {len(books)} lorebooks; at most {MOST_BOOKS} are read")
    return tuple(books)


def written(
    setting: Setting, lore: Sequence[Lorebook], members: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """What of a group's table is ours, and the files of its lorebooks. `members` are the names of
    cards by character's id.

    Raises:
        CardError: a book belongs to nobody of the group.
    """
    own = {key: value for key, value in asdict(setting).items() if value}
    files: dict[str, bytes] = {}
    rows = []
    for number, book in enumerate(lore):
        file = f"{_FOLDER}{number}_{id_of(book.name, str(number))}.json"
        files[file] = write_json(write_book(book, world=True))
        row = {"file": file, "name": book.name}
        if book.owner:
            if book.owner not in members:
                raise CardError(f"lorebook {book.name}: belongs to nobody of the group")
            row["knows"] = members[book.owner]
        rows.append(row)
    return ({**own, "lore": rows} if rows else own), files


def _own(table: Mapping[str, Any], name: str) -> Fields:
    return Fields(name, table, "group.json: ").table("extensions").table(OURS)


def _book(data: bytes, name: str, file: str) -> Lorebook:
    raw = read_json(data, name, file)
    if not isinstance(raw, dict) or not is_book(raw):
        raise wrong(name, file, "holds no lorebook")
    title = file.removeprefix(_FOLDER).removesuffix(".json")[:80]
    return read_book(raw, name, f"{file}: ", name=title)
