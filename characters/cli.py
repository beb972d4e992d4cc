"""`mrp character`: look at cards, bring them in, send them out, begin a new one.

mrp character check alice.png group.json                what is in it, what is missing
mrp character import alice.png --to my-cards            SillyTavern's card → my-cards/alice.toml
mrp character export wukong --format png                wukong.png, for SillyTavern and others
mrp character export wukong bajie --group 西行           西行.zip: a group with its cards
mrp character export wukong bajie --group 夜话 --place 荒庙 --opening 天黑了。 --lore town.json
                                                        a stage set: a group with its scene
mrp character new 小白龙 --greeting 来了！ --brief 西海龙王三太子
mrp terminal --cast my-cards                            a room with them
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from characters.card import CAST_FOLDER, CardError, Cast, Character, load_cast, read_card
from characters.fields import as_table
from characters.lore import Lorebook
from characters.pictures import PictureError, normalised
from characters.tavern import FORMATS, Imported, Setting, read, write, write_group
from characters.tavern.archive import read_zip, write_zip
from characters.tavern.incoming import id_of, language_of
from characters.tavern.pictures import picture_kind
from characters.tavern.stage_sets import LATEST, LONGEST
from text.folding import fold
from text.toml import LARGEST, write_toml

FACES = Path(__file__).parent / "faces"
_ASSETS = ".assets.zip"  # ending of the file that holds what else was in a card's file
New = tuple[Character, bytes | None, Mapping[str, bytes]]  # with its face, and its card's assets
_SETTING = {
    "place": "where it plays",
    "mood": "the mood",
    "note": "the director's note",
    "opening": "what the narrator tells first",
}


def main(argv: list[str]) -> int:
    """The verb. Returns 0, or 2 when a card that was only looked at is broken; else CardError."""
    parser = argparse.ArgumentParser(
        prog="mrp character", description=(__doc__ or "").split("\n")[0]
    )
    actions = parser.add_subparsers(dest="action", required=True)
    checking = actions.add_parser("check", help="what is in a card, and what is missing")
    checking.add_argument("files", metavar="FILE", type=Path, nargs="+")
    checking.add_argument("--json", action="store_true", help="one JSON object as the last line")
    importing = actions.add_parser("import", help="foreign cards → cards of ours")
    importing.add_argument("files", metavar="FILE", type=Path, nargs="+")
    _add_folder(importing)
    exporting = actions.add_parser("export", help="cards of ours → cards for other programs")
    exporting.add_argument("names", metavar="NAME", nargs="+", help="any name or alias")
    exporting.add_argument("--format", choices=FORMATS, default="png", help="default: png")
    exporting.add_argument("--cast", metavar="FOLDER", type=Path, default=CAST_FOLDER)
    exporting.add_argument("--language", choices=("zh", "en"), help="of the card's own texts")
    exporting.add_argument("--face", metavar="FILE", type=Path, help="a picture (PNG)")
    exporting.add_argument("--group", metavar="NAME", help="all in one archive, as a group")
    for key, what in _SETTING.items():
        exporting.add_argument(f"--{key}", metavar="TEXT", default="", help=f"of a group: {what}")
    exporting.add_argument(
        "--chapter", metavar="N", type=int, default=0, help="of a group: as of this chapter"
    )
    exporting.add_argument(
        "--lore",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="of a group: a lorebook that all of it know; may be given again",
    )
    exporting.add_argument("--to", metavar="FOLDER", type=Path, default=Path())
    making = actions.add_parser("new", help="a card with the least that it needs")
    making.add_argument("name", metavar="NAME")
    making.add_argument("--greeting", metavar="TEXT", required=True, help="what it says first")
    making.add_argument("--brief", metavar="TEXT", default="", help="who it is, in one line")
    making.add_argument("--persona", metavar="TEXT", default="", help="who it is, in a paragraph")
    making.add_argument("--language", choices=("zh", "en"), help="default: the greeting's")
    _add_folder(making)
    chosen = parser.parse_args(argv)
    match chosen.action:
        case "check":
            return _check(chosen.files, as_json=chosen.json)
        case "import":
            _import(chosen.files, chosen.to, force=chosen.force)
        case "export":
            _export(chosen)
        case _:
            _new(chosen)
    return 0


def _add_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--to", metavar="FOLDER", type=Path, default=Path("cards"), help="default: cards"
    )
    parser.add_argument("--force", action="store_true", help="in the place of a card that is there")


def open_card(file: Path) -> Imported:
    """What a file holds; the members of a group are looked for beside it.

    Raises:
        CardError: it cannot be read, or holds no card.
    """

    def beside(name: str) -> bytes | None:
        for folder in (file.parent, file.parent.parent / "characters"):
            if (folder / name).is_file():
                return (folder / name).read_bytes()
        return None

    try:
        return read(file.read_bytes(), file.name, beside)
    except OSError as problem:
        raise CardError(f"{file}: cannot be read: {problem.strerror or problem}") from problem


def _check(files: Sequence[Path], *, as_json: bool) -> int:
    broken, found = 0, []
    for file in files:
        try:
            one = open_card(file)
        except CardError as problem:
            print(problem, file=sys.stderr)
            broken += 1
            continue
        found.append(_summary(file, one))
        print("\n".join(_told(file, one)))
    if as_json:
        print(json.dumps({"cards": found, "broken": broken}, ensure_ascii=False))
    return 2 if broken else 0


def _told(file: Path, found: Imported) -> list[str]:
    rows = [f"{file.name}: {found.title}{f' “{found.group}”' if found.group else ''}"]
    for character in found.characters:
        language = "zh" if character.name.zh else "en"
        name, texts = character.name["zh"], (character.persona, character.style)
        size = sum(len(text["zh"]) for text in texts)
        rows.append(f"  {name} ({character.id}), {language}, {size} characters of description,")
        rows.append(
            f"    greetings: {len(character.greeting.either('zh'))}, "
            f"example lines: {len(character.lines.either('zh'))}, "
            f"picture: {'yes' if character.id in found.faces else 'no'}"
        )
        lacks = sorted({key.partition(".")[0] for key in _missing(character)})
        if lacks:
            rows.append(f"    missing: {', '.join(lacks)}")
        if character.source and character.source.system:
            rows.append("    its system prompt is read below the house rules")
    rows += [f"  {key}: {text}" for key, text in asdict(found.setting).items() if text]
    for book in found.lore:
        rows.append(f"  lorebook {book.name}: {len(book.entries)} entries")
    return rows + [f"  {remark}" for remark in found.remarks]


def _missing(character: Character) -> list[str]:
    """What a card lacks in both languages."""
    lacks = set(character.missing)
    return [key for key in lacks if {f"{key[:-3]}.zh", f"{key[:-3]}.en"} <= lacks]


def _summary(file: Path, found: Imported) -> dict[str, object]:
    return {
        "file": file.name,
        "kind": found.title,
        "characters": [character.id for character in found.characters],
        "entries": sum(len(book.entries) for book in found.lore),
        "remarks": list(found.remarks),
    }


def _import(files: Sequence[Path], folder: Path, *, force: bool) -> None:
    """All of the files or none: nothing is written before all are read and fit."""
    new: list[New] = []
    sets: list[Path] = []
    for file in files:
        found = open_card(file)
        if not found.characters:
            raise CardError(f"{file.name}: a {found.title}: /lore import brings it into a room")
        new += [(one, found.faces.get(one.id), found.assets) for one in found.characters]
        if found.setting or any(book.owner == "" for book in found.lore):
            sets.append(file)
    _keep(new, folder, force=force)
    for file in sets:
        print(f"{file.name}: in a room, /stageset import {file} brings its place and lore, too")


def _keep(new: Sequence[New], folder: Path, *, force: bool) -> None:
    there = list(load_cast(folder)) if folder.is_dir() and list(folder.glob("*.toml")) else []
    ids = {character.id for character, _, _ in new}
    if not force:
        for character in there:
            if character.id in ids:
                raise CardError(
                    f"{folder / character.id}.toml: is there already; --force takes its place"
                )
    owners = {fold(name): one.id for one in there if one.id not in ids for name in one.names}
    texts: dict[str, str] = {}
    for character, _, _ in new:
        if character.id in texts:
            raise CardError(f"{character.id}: two of the cards would have this id")
        for name in character.names:
            if owners.setdefault(fold(name), character.id) != character.id:
                raise CardError(
                    f"{character.id}: name: {name!r} already belongs to {owners[fold(name)]}"
                )
        texts[character.id] = write_toml(as_table(character))
        if len(texts[character.id].encode()) > LARGEST:
            raise CardError(f"{character.id}: is larger than {LARGEST >> 20} MB as a card of ours")
    folder.mkdir(parents=True, exist_ok=True)
    for character, face, assets in new:
        file = folder / f"{character.id}.toml"
        file.write_text(texts[character.id], encoding="utf-8")
        if face and (picture := _png(face)):
            file.with_suffix(".png").write_bytes(picture)
        if assets:
            file.with_suffix(_ASSETS).write_bytes(write_zip(assets))
        print(f"{character.name['zh']} → {file}")


def _png(face: bytes) -> bytes | None:
    """A picture as a PNG; one of another kind is made small. None when it cannot be read."""
    if picture_kind(face) == "png":
        return face
    try:
        return normalised(face)
    except PictureError:
        return None


def _export(chosen: argparse.Namespace) -> None:
    cast: Cast = load_cast(chosen.cast)
    members = [cast.find(name) for name in chosen.names]
    if chosen.face and len(members) > 1:
        raise CardError("--face: one picture is for one card")
    setting = _setting(chosen)
    if not chosen.group and (setting or chosen.lore):
        raise CardError("--place, --opening, --lore and the like are of a group: give --group NAME")
    faces = {one.id: _face(one, chosen.cast, chosen.face) for one in members}
    chosen.to.mkdir(parents=True, exist_ok=True)
    if chosen.group:
        lore = [book for file in chosen.lore for book in _lorebooks(file)]
        cards = [(one, faces[one.id], ()) for one in members]
        data = write_group(chosen.group, cards, lore=lore, setting=setting)
        _write(chosen.to / f"{id_of(chosen.group, '')}.zip", data)
        return
    for one in members:
        kept = chosen.cast / f"{one.id}{_ASSETS}"
        data = write(
            one,
            format=chosen.format,
            face=faces[one.id],
            language=chosen.language,
            assets=read_zip(kept.read_bytes(), kept.name) if kept.is_file() else None,
        )
        _write(chosen.to / f"{one.id}.{chosen.format}", data)


def _setting(chosen: argparse.Namespace) -> Setting:
    """Where a group plays, as the options say.

    Raises:
        CardError: a text is too long.
    """
    texts = {key: getattr(chosen, key).strip() for key in _SETTING}
    for key, text in texts.items():
        if len(text) > LONGEST[key]:
            raise CardError(f"--{key}: has {len(text)} characters; at most {LONGEST[key]}")
    if not 0 <= chosen.chapter <= LATEST:
        raise CardError(f"--chapter: must be from 0 to {LATEST}")
    return Setting(**texts, chapter=chosen.chapter)


def _lorebooks(file: Path) -> list[Lorebook]:
    found = open_card(file)
    if not found.lore:
        raise CardError(f"{file.name}: a {found.title}, not a lorebook")
    return [replace(book, owner="") for book in found.lore]


def _face(character: Character, folder: Path, given: Path | None) -> bytes | None:
    """The picture of a character: the one that is given, the one beside its card, or ours."""
    if given:
        try:
            face = given.read_bytes()
        except OSError as problem:
            raise CardError(f"{given}: cannot be read: {problem.strerror}") from problem
        if picture_kind(face) != "png":
            raise CardError(f"{given}: is no PNG picture")
        return face
    for file in (folder / f"{character.id}.png", FACES / f"{character.id}.png"):
        if file.is_file() and (file.parent != FACES or folder == CAST_FOLDER):
            return file.read_bytes()
    return None


def _write(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    print(f"{file} ({len(data)} bytes)")


def _new(chosen: argparse.Namespace) -> None:
    table = {
        "id": id_of(chosen.name, chosen.brief or chosen.persona),
        "language": chosen.language or language_of(chosen.greeting, chosen.name),
        "name": chosen.name,
        "greeting": chosen.greeting,
        "brief": chosen.brief,
        "persona": chosen.persona,
    }
    character = read_card({key: text for key, text in table.items() if text}, "mrp character new")
    _keep([(character, None, {})], chosen.to, force=chosen.force)
