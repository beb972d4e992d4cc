"""Turns and scenes: what was said, by whom, and who heard it. Values only."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from characters.card import Character, Language
from text.folding import fold, invisible

Side = Literal["human", "character", "narration"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing said. `speaker` is a character's id, a person's shown name, or "" for narration.

    `witnesses` holds the ids of the characters that were present; None means all of them.
    `whispered`: for the witnesses alone; no other reader, of any kind, ever learns of it.
    """

    speaker: str
    text: str
    side: Side = "human"
    witnesses: frozenset[str] | None = None
    whispered: bool = False

    def heard_by(self, character_id: str) -> bool:
        return (
            self.witnesses is None
            or character_id in self.witnesses
            or (self.side == "character" and self.speaker == character_id)
        )


@dataclass(frozen=True, slots=True)
class Scene:
    """The cast in the order it came on stage, and what was said since.

    `summary` stands for turns that were trimmed away; `place` is one line of stage setting.
    """

    cast: tuple[Character, ...]
    turns: tuple[Turn, ...] = ()
    place: str = ""
    summary: str = ""
    language: Language = "zh"

    def said(self, turn: Turn) -> Scene:
        return replace(self, turns=(*self.turns, turn))

    def aloud(self) -> Scene:
        """The scene without what was whispered: what everybody may know."""
        return replace(self, turns=tuple(turn for turn in self.turns if not turn.whispered))

    def between(self, person: str, character_id: str) -> Scene:
        """The scene without what others whispered than this person and this character to each
        other."""
        turns = (
            turn
            for turn in self.turns
            if not turn.whispered
            or (turn.heard_by(character_id) and turn.speaker in (person, character_id))
        )
        return replace(self, turns=tuple(turns))

    def member(self, character_id: str) -> Character:
        """The member of the cast with this id. Raises KeyError when it is not on stage."""
        for character in self.cast:
            if character.id == character_id:
                return character
        raise KeyError(character_id)


# What could start, end or fake a line of the transcript.
_UNSAFE = re.compile(r"[\s:：<>|【】\[\]{}（）()「」“”\"'`*_~#@\\/]+")

# Letters that are drawn as nothing: a name of them would be no name.
_BLANKS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"

GUEST = "（客）"


def safe_name(name: str, taken: Iterable[str] = (), *, fallback: str = "客人") -> str:
    """A person's name as it may stand before a colon in the transcript.

    Letters, digits and plain symbols of any script stay; white space, colons, brackets, quotes,
    markup and invisible characters go; at most 24 characters. A name that reads like one in `taken`
    (characters' names and aliases, compared by `text.folding.fold`) gets the suffix （客）, so a
    person who calls themselves 孙悟空 or "monkey king" is never mistaken for the character. A safe
    name stays as it is.
    """
    guest = name.endswith(GUEST)
    plain = _clean(name.removesuffix(GUEST) if guest else name)
    if all(map(invisible, plain)):
        plain = fallback
    short = plain[:24].strip("_")
    others = _folded_names(tuple(taken))
    guest = guest or not others.isdisjoint((fold(plain), fold(short)))
    return short + GUEST if guest else short


@lru_cache(maxsize=64)
def _folded_names(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(fold, names))


def _clean(name: str) -> str:
    plain = unicodedata.normalize("NFKC", name)
    plain = "".join(c for c in plain if unicodedata.category(c)[0] != "C" and c not in _BLANKS)
    # Again: letters that an invisible character kept apart may now be one.
    plain = _UNSAFE.sub(" ", unicodedata.normalize("NFKC", plain))
    return plain.strip().replace(" ", "_").strip("_")
