"""A character as the table that its card would be: the inverse of `characters.card.read_card`.

table = as_table(character)                 # what TOML and JSON can hold; nothing that is default
read_card(table, "xiaobai") == character
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from characters.card import LANGUAGES, Character, Earlier, Language, Lines, Source, Title, Words
from characters.greetings import Greeting
from characters.voices import Voice, voice_table

_DEFAULTS = {part.name: part.default for part in fields(Character)}


def as_table(character: Character) -> dict[str, Any]:
    """The card's keys and values, in the order of the fields; what is as by default is left out."""
    table: dict[str, Any] = {"id": character.id}
    if language := _only(character):
        table["language"] = language
    for part in fields(Character):
        value = getattr(character, part.name)
        if part.name == "id" or value == _DEFAULTS[part.name]:
            continue
        if part.name == "temperature":
            table["sampling"] = {"temperature": value}
        elif part.name == "first_chapter":
            table[part.name] = int(value)
        elif (plain := _plain(value)) not in ({}, []):
            table[part.name] = plain
    return table


def _only(character: Character) -> Language | None:
    """The language that the card is written in, when a text that must be there lacks the other."""
    texts = (character.name, character.brief, character.persona, character.style)
    if all(text.zh and text.en for text in (*texts, character.greeting)):
        return None
    whole = (lang for lang in LANGUAGES if getattr(character.name, lang))
    return next((lang for lang in whole if getattr(character.greeting, lang)), "zh")


def _plain(value: object) -> Any:
    match value:
        case Words() | Lines():
            found = {language: getattr(value, language) for language in LANGUAGES}
            return {
                language: list(text) if isinstance(text, tuple) else text
                for language, text in found.items()
                if text
            }
        case Greeting():
            return value.as_table()
        case Title(words, by):
            return {**_plain(words), **({"by": sorted(by)} if by else {})}
        case Earlier(until, brief, persona):
            return {"until": until, "brief": _plain(brief), "persona": _plain(persona)}
        case Source(card, system, note):
            parts = {"card": card, "system": system, "note": note}
            return {key: text for key, text in parts.items() if text}
        case Voice():
            return voice_table(value)
        case tuple():
            return [_plain(each) for each in value]
        case _:
            return value
