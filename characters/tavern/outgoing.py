"""A character becomes the table of a Tavern card.

A character that was imported goes out as the card that it came in as, with what was changed since
in its fields; so nothing is lost that this program does not know. Any other one becomes a V3 card,
with all that only our cards have in `extensions.mrp`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from characters.card import Character, Language
from characters.fields import as_table
from characters.lore import Lorebook
from characters.tavern.books import read_book, write_book
from characters.tavern.incoming import (
    OURS,
    SCENE,
    V1,
    Shape,
    expressed,
    fresh_card,
    read_character,
    shape_of,
)

_NAME = "the card"


def card_table(
    character: Character, language: Language, lore: Sequence[Lorebook] = ()
) -> dict[str, Any]:
    """The card of a character; `lore` are the lorebooks that go with it (the first one fits in)."""
    if character.source is None:
        card = fresh_card(character, language)
    else:
        card = _changed(character, json.loads(character.source.card))
    if lore:
        _put_book(card, lore[0])
    return card


def _changed(character: Character, raw: dict[str, Any]) -> dict[str, Any]:
    """The card that a character came from, with its fields as the character is now."""
    shape = shape_of(raw, _NAME)
    before = read_character(raw, _NAME)
    if replace(before, id=character.id, source=character.source) == character:
        return raw
    language: Language = "zh" if before.name.zh else "en"
    old, new = expressed(before, language), expressed(character, language)
    changed = {key: value for key, value in new.items() if value != old[key]}
    if "description" in changed:
        text, mark, scenario = str(changed["description"]).rpartition(SCENE[language])
        changed["description"] = text if mark else scenario
        changed["scenario"] = scenario if mark else ""
    if "name" in changed:
        changed["nickname"] = ""
    places = [shape.fields(raw, _NAME).raw]
    if shape.inside and "name" in raw:
        places.append(raw)  # V1's fields stand beside, for old programs
    for place in places:
        _put(place, shape if place is not raw or not shape.inside else V1, changed)
    if shape.rich:
        data: Any = shape.fields(raw, _NAME).raw
        own = as_table(replace(character, source=None))
        extensions = data.get("extensions") or {}
        data["extensions"] = {**extensions, OURS: {"language": language, "card": own}}
    return raw


def _put(place: Any, shape: Shape, changed: dict[str, Any]) -> None:
    for key, value in changed.items():
        plain = list(value) if isinstance(value, tuple) else value
        if key == "talkativeness":
            if shape.rich:
                place["extensions"] = {**(place.get("extensions") or {}), key: plain}
            continue
        name = shape.keys.get(key)
        if name and (plain or name in place):
            place[name] = plain


def _put_book(card: dict[str, Any], book: Lorebook) -> None:
    """The book into a V2 or V3 card; as it is where it came from there."""
    data = card.get("data")
    if not isinstance(data, dict):
        return
    old = data.get("character_book")
    if isinstance(old, dict) and replace(read_book(old, _NAME), name="", owner="") == replace(
        book, name="", owner=""
    ):
        return
    data["character_book"] = write_book(book, world=False)


def as_v2(card: dict[str, Any]) -> dict[str, Any]:
    """A V3 card as a V2 one, for the programs that know no V3 (the `chara` chunk of a picture)."""
    if not isinstance(card.get("data"), dict) or not str(card.get("spec", "")).endswith("v3"):
        return card
    return {**card, "spec": "chara_card_v2", "spec_version": "2.0"}
