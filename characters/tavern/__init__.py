"""Character cards of SillyTavern and its relatives, in and out, without loss.

    found = read(data, "alice.png")           # PNG, JSON, CHARX, YAML, a group, a lorebook
    found.characters, found.lore, found.face
    data = write(found.characters[0], format="png", face=found.face, lore=found.lore)

What comes in was written by strangers: sizes, depths and names are checked, nothing is run or
unpacked to a disk, and what is wrong is one CardError that names the file and the field. Texts stay
data: the system prompt of a card is read below the house rules, never in their place. Which field
becomes what: `characters.tavern.incoming`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from characters.card import CardError, Character, Language
from characters.lore import Lorebook
from characters.tavern import archive, pictures, values
from characters.tavern.books import is_book, read_book, write_book
from characters.tavern.fields import Fields, wrong
from characters.tavern.incoming import OURS, read_character, shape_of
from characters.tavern.outgoing import as_v2, card_table
from characters.tavern.stage_sets import Setting, read_lore, read_setting, written

__all__ = [
    "FORMATS", "CardError", "Format", "Imported", "Setting", "lore_of", "read", "write",
    "write_group", "write_lore",
]  # fmt: skip

Format = Literal["png", "json", "charx", "yaml"]
FORMATS: tuple[Format, ...] = get_args(Format)
LARGEST = 32 << 20  # bytes of a file
_MOST_MEMBERS = 64  # of a group
_CARD = "card.json"  # in a CHARX
_OUR_ICON = "assets/icon/images/mrp-main."  # a face that a card does not name itself
_ENDINGS = (".png", ".json", ".charx", ".yaml", ".yml")

Beside = Callable[[str], bytes | None]  # the file of a name, when there is one


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file holds.

    `faces` are pictures by the id of their character; `raw` is the table of the card or the group;
    `assets` are the other files of an archive or a PNG. `title` says which kind of card it is;
    `remarks` what is kept and not used here; `group` is a group's name, and `setting` where it
    plays.
    """

    characters: tuple[Character, ...] = ()
    lore: tuple[Lorebook, ...] = ()
    faces: Mapping[str, bytes] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict)
    assets: Mapping[str, bytes] = field(default_factory=dict)
    title: str = ""
    remarks: tuple[str, ...] = ()
    group: str = ""
    setting: Setting = field(default_factory=Setting)

    @property
    def face(self) -> bytes | None:
        """The picture of the (first) character."""
        return self.faces.get(self.characters[0].id) if self.characters else None


def read(data: bytes, name: str, beside: Beside | None = None) -> Imported:
    """What a file holds; `name` is what errors call it.

    `beside` finds the files that a group names.

    Raises:
        CardError: it holds no card, or one that is broken; nothing of it is taken then.
    """
    if len(data) > LARGEST:
        raise wrong(name, "", f"has {len(data)} bytes; at most {LARGEST >> 20} MB are read")
    if not data:
        raise wrong(name, "", "is empty")
    if data.startswith(pictures.SIGNATURE):
        return _from_picture(data, name)
    if archive.is_zip(data):
        return _from_archive(archive.read_zip(data, name), name)
    if kind := pictures.picture_kind(data):
        raise wrong(name, "", f"is a picture of kind {kind}; only PNG pictures hold cards")
    return _from_table(_values(data, name), name, beside)


def _values(data: bytes, name: str) -> Any:
    text = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if (
        text in (b"{", b"[")
        or name.lower().endswith(".json")
        or data[:2] in (b"\xff\xfe", b"\xfe\xff")
    ):
        return values.read_json(data, name)
    return values.read_yaml(data, name)


def _from_table(raw: Any, name: str, beside: Beside | None = None) -> Imported:
    if isinstance(raw, dict) and is_book(raw):
        title = re.sub(r"\.(json|ya?ml)$", "", name, flags=re.IGNORECASE)[:80]
        return Imported(lore=(read_book(raw, name, name=title),), raw=raw, title="lorebook")
    if (
        isinstance(raw, dict)
        and "members" in raw
        and "data" not in raw
        and "description" not in raw
    ):
        return _group(raw, name, beside)
    shape = shape_of(raw, name)
    character = read_character(raw, name)
    books = _books(raw, name, character)
    title = f"{shape.title} card"
    return Imported((character,), books, raw=raw, title=title, remarks=_remarks(raw, name))


def _books(raw: Mapping[str, Any], name: str, character: Character) -> tuple[Lorebook, ...]:
    """The lorebook of a card, which its character alone knows."""
    shape = shape_of(raw, name)
    if not shape.rich:
        return ()
    data = shape.fields(raw, name)
    if "character_book" not in data:
        return ()
    table = data.table("character_book").raw
    book = read_book(table, name, f"{data.path}character_book.", character.name["zh"])
    return (replace(book, owner=character.id),) if book.entries else ()


def lore_of(raw: Mapping[str, Any], owner: str) -> tuple[Lorebook, ...]:
    """The lorebooks of a card's table that was read before; `owner` is its character's id."""
    try:
        character = read_character(raw, owner)
        return tuple(replace(book, owner=owner) for book in _books(raw, owner, character))
    except CardError:  # kept by a version that knew more, or less
        return ()


def _from_picture(data: bytes, name: str) -> Imported:
    texts = pictures.texts(data, name)
    key = next((key for key in pictures.CARD_KEYS if key in texts), None)
    if key is None:
        raise wrong(name, "", "a picture without a card: no text chunk `ccv3` or `chara`")
    card = pictures.card_bytes(texts[key], name, key)
    raw = values.read_json(card, name, f"chunk {key}")
    if not isinstance(raw, dict) or "members" in raw or is_book(raw):
        raise wrong(name, f"chunk {key}", "holds no character card")
    found = _from_table(raw, name)
    face, seed = pictures.bare(data, name), texts.get(pictures.BLANK)
    ours = seed is not None and face == pictures.blank(
        pictures.card_bytes(seed, name, pictures.BLANK).decode("utf-8", "replace")
    )
    faces = {} if ours else {found.characters[0].id: face}
    return replace(
        found,
        faces=faces,
        assets=pictures.assets(texts, name),
        title=f"{found.title} in a PNG",
    )


def _from_archive(files: Mapping[str, bytes], name: str) -> Imported:
    if _CARD in files:
        raw = values.read_json(files[_CARD], name, _CARD)
        others = {key: data for key, data in files.items() if key != _CARD}
        ours = next((key for key in others if key.startswith(_OUR_ICON)), "")
        if not isinstance(raw, dict):
            raise wrong(name, _CARD, "holds no character card")
        face = _icon(raw, name, others) or others.get(ours)
        _without_our_icon(raw)
        others.pop(ours, None)
        found = _from_table(raw, name)
        if not found.characters:
            raise wrong(name, _CARD, "holds no character card")
        faces = {found.characters[0].id: face} if face else {}
        return replace(found, faces=faces, assets=others, title=f"{found.title} in a CHARX")
    groups = [key for key in files if key.lower().endswith("group.json")]
    if groups:
        folder = groups[0][: -len("group.json")]
        table = values.read_json(files[groups[0]], name, groups[0])
        found = _from_table(table, name, lambda member: _plain_file(files, folder + member))
        if found.title != "group":
            raise wrong(name, groups[0], "holds no group: a list `members` is missing")
        beside = {
            key.removeprefix(folder): data for key, data in files.items() if key.startswith(folder)
        }
        members = dict(zip(table["members"], (one.id for one in found.characters), strict=True))
        return replace(
            found,
            lore=(*found.lore, *read_lore(table, beside, name, members)),
            setting=read_setting(table, name),
        )
    raise wrong(name, "", f"an archive without {_CARD} or group.json: no card is in it")


def _plain_file(files: Mapping[str, bytes], name: str) -> bytes | None:
    """A file of an archive that is no archive itself: they would unpack without end."""
    data = files.get(name)
    return None if data is None or archive.is_zip(data) else data


def _icon(raw: Mapping[str, Any], name: str, files: Mapping[str, bytes]) -> bytes | None:
    """The main icon among the assets of a card; None when it is not in the file."""
    data = raw.get("data")
    listed = data.get("assets") if isinstance(data, dict) else None
    if listed is not None and not isinstance(listed, list):
        raise wrong(name, "data.assets", "must be a list of tables")
    for path in _icon_paths(listed):
        if path in files and pictures.picture_kind(files[path]):
            return files[path]
    for row in listed or []:
        uri = str(_uri(row))
        if found := re.fullmatch(r"data:image/\w+;base64,(.*)", uri, re.DOTALL):
            face = pictures.from_base64(found[1], name, "data.assets.uri")
            return face if pictures.picture_kind(face) else None
    return None


def _group(raw: Mapping[str, Any], name: str, beside: Beside | None) -> Imported:
    """A SillyTavern group: it names the files of its members, which stand beside it."""
    fields = Fields(name, raw)
    members = fields.texts("members", 300, _MOST_MEMBERS)
    title = fields.text("name", 300).strip()[:80]
    if not members:
        raise fields.wrong("members", "is empty: a group without members")
    found: list[Imported] = []
    for number, member in enumerate(members):
        safe = not re.search(r"[/\\\0]|^\.", member)
        data = beside(member) if beside and safe else None
        if data is None:
            raise fields.wrong(
                f"members[{number}]", f"{member[:60]!r} is not beside it; put its card there too"
            )
        one = read(data, member)
        if not one.characters:
            raise wrong(member, "", "is no character card")
        found.append(one)
    taken: dict[str, int] = {}
    cast, faces = [], {}
    for one in found:
        character = one.characters[0]
        count = taken[character.id] = taken.get(character.id, 0) + 1
        if count > 1:
            character = replace(character, id=f"{character.id}_{count}")
        cast.append(character)
        if one.face:
            faces[character.id] = one.face
    lore = tuple(
        replace(book, owner=character.id)
        for character, one in zip(cast, found, strict=True)
        for book in one.lore
    )
    return Imported(tuple(cast), lore, faces, raw, title="group", group=title)


def _remarks(raw: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """What of a card is kept for the way out and not used here."""
    data = raw.get("data")
    data = data if isinstance(data, dict) else raw
    extensions = data.get("extensions")
    found = []
    if isinstance(extensions, dict):
        unused = sorted(set(extensions) - {"talkativeness", "fav", "world", "depth_prompt", "mrp"})
        if unused:
            found.append(f"extensions kept and not used: {', '.join(unused)[:200]}")
    if isinstance(data.get("assets"), list) and len(data["assets"]) > 1:
        found.append(f"assets kept in the file only: {len(data['assets'])}")
    for key in ("creator_notes", "group_only_greetings"):
        if data.get(key):
            found.append(f"{key} kept and not used")
    return tuple(found)


def write(
    character: Character,
    *,
    format: Format,
    face: bytes | None = None,
    lore: Sequence[Lorebook] = (),
    language: Language | None = None,
    assets: Mapping[str, bytes] | None = None,
) -> bytes:
    """The card of a character as a file.

    `language` is the one that a character in two languages is told in (default: Chinese); the other
    one goes along in `extensions.mrp`. A picture that is no PNG goes into a card of its own format
    only (CHARX); a PNG card then has a plain one.

    Raises:
        CardError: the face is a damaged PNG.
    """
    card = card_table(character, language or ("zh" if character.name.zh else "en"), lore)
    match format:
        case "json":
            return values.write_json(card)
        case "yaml":
            return values.write_yaml(card)
        case "charx":
            return archive.write_zip(_charx(card, face, assets or {}))
        case "png":
            text = values.compact(card).encode("utf-8")
            picture = face if face and face.startswith(pictures.SIGNATURE) else None
            chunks = {"chara": values.compact(as_v2(card)).encode("utf-8")}
            if as_v2(card) is not card:
                chunks["ccv3"] = text
            chunks |= {f"{pictures.ASSET}{key}": data for key, data in (assets or {}).items()}
            if picture is None:  # and whoever reads it again knows that it is nobody's face
                picture, chunks[pictures.BLANK] = (
                    pictures.blank(character.id),
                    character.id.encode(),
                )
            return pictures.with_texts(picture, chunks, "the face")
    raise ValueError(f"no format {format!r}; there are {', '.join(FORMATS)}")


def _charx(
    card: dict[str, Any], face: bytes | None, assets: Mapping[str, bytes]
) -> dict[str, bytes]:
    """The files of a CHARX. A face that the card does not name is put in beside it."""
    files = dict(assets)
    data = card.get("data")
    if face and not isinstance(data, dict):  # V1 lists no assets
        files[f"{_OUR_ICON}{pictures.picture_kind(face) or 'png'}"] = face
    elif face and isinstance(data, dict) and _icon(card, "the card", files) != face:
        listed = data.get("assets")
        paths = _icon_paths(listed)
        path = paths[0] if paths else f"{_OUR_ICON}{pictures.picture_kind(face) or 'png'}"
        files[path] = face
        if not paths and listed != []:
            ext = path.rpartition(".")[2]
            icon = {"type": "icon", "uri": f"embeded://{path}", "name": "main", "ext": ext}
            data["assets"] = [icon, *(listed or [])]
    files.pop(_CARD, None)
    return {_CARD: values.write_json(card), **files}


def _icon_paths(listed: object) -> list[str]:
    """Where in the archive a card's icons are, the main one first."""
    rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    icons = [row for row in rows if row.get("type") == "icon"]
    uris = [str(row.get("uri")) for row in sorted(icons, key=lambda row: row.get("name") != "main")]
    found = (re.fullmatch(r"embedd?ed://(.+)", uri, re.DOTALL) for uri in uris)
    return [match[1] for match in found if match and ".." not in match[1]]


def _without_our_icon(raw: dict[str, Any]) -> None:
    """Take the row out that `_charx` put in, so that the card is what it was."""
    data = raw.get("data")
    listed = data.get("assets") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(listed, list):
        return
    kept = [row for row in listed if not str(_uri(row)).startswith(f"embeded://{_OUR_ICON}")]
    if kept:
        data["assets"] = kept
    elif listed:
        del data["assets"]


def _uri(row: object) -> object:
    return row.get("uri") if isinstance(row, dict) else None


def write_lore(book: Lorebook) -> bytes:
    """A lorebook as a file: a SillyTavern world file, which most programs read."""
    return values.write_json(write_book(book, world=True))


def write_group(
    name: str,
    members: Sequence[tuple[Character, bytes | None, Sequence[Lorebook]]],
    *,
    lore: Sequence[Lorebook] = (),
    setting: Setting | None = None,
    more: Mapping[str, Any] | None = None,
) -> bytes:
    """A group with its members' cards in one archive: character, face and own lore of each.

    `lore` is what all of them know, or one of them, who owns it; `setting` is where they play;
    `more` goes into the group's table.

    Raises:
        CardError: a lorebook belongs to nobody of the group.
    """
    files: dict[str, bytes] = {}
    for character, face, books in members:
        files[f"{character.id}.png"] = write(character, format="png", face=face, lore=books)
    cards = {character.id: f"{character.id}.png" for character, _, _ in members}
    table = {**(more or {}), "name": name, "members": list(files)}
    own, books_written = written(setting or Setting(), lore, cards)
    if own:
        table["extensions"] = {**table.get("extensions", {}), OURS: own}
    return archive.write_zip({"group.json": values.write_json(table), **files, **books_written})
