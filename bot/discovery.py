"""Finding characters: by words in names and descriptions, by popularity, age and ratings. Pure.

found = ranked(characters, counts, made, query="龍", by="match")
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Literal

from bot.memory.popularity import Popular
from characters.card import Character
from text.folding import fold, fold_text

By = Literal["match", "popular", "new", "rated"]


def ranked(
    characters: Iterable[Character],
    counts: Mapping[str, Popular],
    made: Mapping[str, float],
    *,
    query: str = "",
    by: str = "match",
) -> list[Character]:
    """Characters in the order in which somebody who asks so wants to see them.

    Every word of `query` must be in a name, a category or a description, in either script. `made`
    is when a character was stored, in seconds since 1970; shipped ones are the oldest.
    """
    words = [word for word in map(fold, query.split()) if word]
    found = [(score, c) for c in characters if (score := _match(c, words)) is not None]

    def key(pair: tuple[int, Character]) -> tuple[float, ...]:
        score, character = pair
        one = counts.get(character.id, Popular())
        match by:
            case "popular":
                return (-one.people_here, -one.summons_here, -one.people, -one.summons)
            case "new":
                return (-made.get(character.id, 0.0),)
            case "rated":
                return (-rating(one.up, one.down), -one.people)
            case _:
                return (score, -one.people, -one.summons)

    return [character for _, character in sorted(found, key=key)]


def rating(up: int, down: int) -> float:
    """How good a character is by its thumbs: the lower end of Wilson's interval at 95%, so that one
    thumb does not beat forty of fifty; 0 without thumbs."""
    many = up + down
    if not many:
        return 0.0
    share, z = up / many, 1.96
    spread = z * math.sqrt((share * (1 - share) + z * z / (4 * many)) / many)
    return (share + z * z / (2 * many) - spread) / (1 + z * z / many)


def _match(character: Character, words: list[str]) -> int | None:
    """How well a character fits: 0 is best; None where a word is nowhere."""
    if not words:
        return 0
    names = [fold(name) for name in character.names]
    categories = [fold(name) for name in character.categories]
    parts = (character.brief, character.persona)
    text = fold_text("\n".join(t for part in parts for t in (part.zh, part.en))).text.casefold()
    text = "".join(text.split())
    worst = 0
    for word in words:
        if word in names:
            score = 0
        elif any(name.startswith(word) for name in names):
            score = 1
        elif any(word in name for name in names):
            score = 2
        elif any(word in name for name in categories):
            score = 3
        elif word in text:
            score = 4
        else:
            return None
        worst = max(worst, score)
    return worst
