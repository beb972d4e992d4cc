"""The texts that a character is made of: in one language or two, and as a foreign card had them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Words:
    """One text in both languages; where one is missing, the other one stands for it."""

    zh: str = ""
    en: str = ""

    def __getitem__(self, language: Language) -> str:
        return (self.zh or self.en) if language == "zh" else (self.en or self.zh)

    def __bool__(self) -> bool:
        return bool(self.zh or self.en)


@dataclass(frozen=True, slots=True)
class Lines:
    """Several lines in both languages."""

    zh: tuple[str, ...] = ()
    en: tuple[str, ...] = ()

    def __getitem__(self, language: Language) -> tuple[str, ...]:
        return self.zh if language == "zh" else self.en

    def either(self, language: Language) -> tuple[str, ...]:
        """Those of a language, or where there are none those of the other one."""
        return self[language] or self.zh or self.en

    def __bool__(self) -> bool:
        return bool(self.zh or self.en)


@dataclass(frozen=True, slots=True)
class Title:
    """What a character is called by some: 师父 is 唐僧 from his disciples, and nobody else.

    `by` holds ids of characters, and "people" for everybody without a card; empty means everybody.
    """

    words: Lines
    by: frozenset[str] = frozenset()

    def spoken_by(self, speaker: str) -> bool:
        return not self.by or speaker in self.by


@dataclass(frozen=True, slots=True)
class Source:
    """The Tavern card that a character was imported from.

    `card` is the whole card as JSON, so that an export loses nothing of it. `system` is what the
    card's author wants the model to be told (it is read as part of the card, below the house
    rules), `note` what it shall have before it at each reply.
    """

    card: str
    system: str = ""
    note: str = ""


class SaidProblem(ValueError):
    """What somebody asked for cannot be done; `told` is one sentence on why, in either language."""

    for_user = True

    def __init__(self, words: Words, *values: object) -> None:
        super().__init__(words.en.format(*values))
        self._words, self._values = words, values

    def told(self, language: Language) -> str:
        """The sentence, in a language."""
        return self._words[language].format(*self._values)
