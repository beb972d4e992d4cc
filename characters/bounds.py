"""How long the texts of a character may be that somebody made in a chat.

found = too_long(character)         # None, or the key, its length and the limit

Cards in files are their owner's business; those that strangers write are read by every process and
stand in the prompt of every reply of a scene.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from characters.card import LANGUAGES, Character
from characters.fields import as_table

LONGEST_NAME = 40  # characters, as all below
LONGEST = {"brief": 400, "persona": 8000, "style": 2000}
LONGEST_LINE = {"greeting": 6000, "lines": 1000, "aliases": LONGEST_NAME, "lookalikes": 40}
MOST_LINES = {"greeting": 32, "lines": 24, "aliases": 16, "lookalikes": 24, "refusal": 8}
MOST_CATEGORIES, LONGEST_CATEGORY = 8, 24
LARGEST = 64 << 10  # characters of the whole card as JSON
LARGEST_SOURCE = 1 << 20  # of the foreign card that it came from, lore and all, which is only kept


@dataclass(frozen=True, slots=True)
class Bound:
    """What passes a bound: `key` as a card has it, how much there is, and how much may be."""

    key: str
    length: int
    limit: int


def too_long(character: Character) -> Bound | None:
    """The first text of a character that is longer than it may be; None when all is well."""
    for language in LANGUAGES:
        texts = [(f"name.{language}", getattr(character.name, language), LONGEST_NAME)]
        for key, limit in LONGEST.items():
            texts.append((f"{key}.{language}", getattr(getattr(character, key), language), limit))
        for key, most in MOST_LINES.items():
            lines = getattr(getattr(character, key), language)
            if len(lines) > most:
                return Bound(f"{key}.{language}", len(lines), most)
            texts += [(f"{key}.{language}", line, LONGEST_LINE.get(key, 400)) for line in lines]
        for key, text, limit in texts:
            if len(text) > limit:
                return Bound(key, len(text), limit)
    if len(character.categories) > MOST_CATEGORIES:
        return Bound("categories", len(character.categories), MOST_CATEGORIES)
    for category in character.categories:
        if len(category) > LONGEST_CATEGORY:
            return Bound("categories", len(category), LONGEST_CATEGORY)
    if len(character.emoji) > 16:
        return Bound("emoji", len(character.emoji), 16)
    if source := character.source:
        if len(source.card) > LARGEST_SOURCE:
            return Bound("source", len(source.card), LARGEST_SOURCE)
        character = replace(character, source=replace(source, card=""))
    whole = len(json.dumps(as_table(character), ensure_ascii=False))
    return Bound("card", whole, LARGEST) if whole > LARGEST else None
