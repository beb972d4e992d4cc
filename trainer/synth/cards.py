"""Cards for people of records, so that a lesson may be in their voice (Ditto's brief cards).

A record has one language; the card says the same in both. Style and greeting are general: what a
record does not tell, nobody makes up.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from characters.card import Cast, load_cast
from trainer.synth.error import FormatError
from trainer.synth.formats.rows import write_text
from trainer.synth.records import PersonRecord

_LONGEST_BRIEF, _LONGEST_PERSONA = 80, 300  # characters
_STYLE = {
    "zh": "照自己的时代、身份与性情说话，用第一人称，话不长。",
    "en": "Speaks as befits their time, standing and temper; first person, and not at length.",
}
_GREETING = {"zh": "我是{}，幸会。", "en": "I am {}. A pleasure."}


def write_cards(records: Sequence[PersonRecord], folder: Path) -> Cast:
    """One card a record, read back as a cast.

    Raises:
        FormatError: two records have one name, or a name or description is empty.
        CardError: the folder holds other cards that clash.
    """
    taken: set[str] = set()
    for record in records:
        name = _plain(record.label)
        if not name or not record.description:
            raise FormatError(f"{record.source}: a card needs a label and a description or summary")
        if _folded(name) in taken:
            raise FormatError(f"{record.source}: {name!r} has a record already")
        taken.add(_folded(name))
    for record in records:
        aliases: list[str] = []
        for alias in map(_plain, record.aliases):
            if alias and _folded(alias) not in taken:
                taken.add(_folded(alias))
                aliases.append(alias)
        write_text(folder / f"{_id(record)}.toml", [_card(record, aliases)])
    return load_cast(folder)


def _card(record: PersonRecord, aliases: Sequence[str]) -> str:
    name = _plain(record.label)
    persona = "；".join(record.facts) or record.description
    language = record.language
    both = {
        "name": name,
        "brief": _line(record.description, _LONGEST_BRIEF),
        "persona": _line(persona, _LONGEST_PERSONA),
        "style": _STYLE[language],
    }
    tables = [f"id = {_quoted(_id(record))}\n"]
    for key, text in both.items():
        tables.append(f"\n[{key}]\nzh = {_quoted(text)}\nen = {_quoted(text)}\n")
    greeting = _quoted(_GREETING[language].format(name))
    tables.append(f"\n[greeting]\nzh = [{greeting}]\nen = [{greeting}]\n")
    tables.append(f"\n[aliases]\n{language} = [{', '.join(map(_quoted, aliases))}]\n")
    return f"# From the record {record.source}; see `mrp synth cards`.\n" + "".join(tables)


def _id(record: PersonRecord) -> str:
    plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in record.label).strip("_")
    digest = hashlib.sha256(record.label.encode()).hexdigest()[:8]
    return plain.lower() if plain[:1].isalpha() and "__" not in plain else f"r{digest}"


def _plain(name: str) -> str:
    """A name as a card may have it."""
    return " ".join("".join(" " if c in ":：\n<>" else c for c in name).split())


def _folded(name: str) -> str:
    return "".join(name.casefold().split())


def _line(text: str, longest: int) -> str:
    return " ".join(text.split())[:longest]


def _quoted(text: str) -> str:
    # A JSON text is a TOML text, but for DEL, which TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
