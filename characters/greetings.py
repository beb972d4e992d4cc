"""Greetings for a situation: by place, time of day, who is met, and whether others are there.

A card lists them beside its usual greeting, each with the conditions that must all hold:

    [[greetings]]
    zh = ["这荒庙，老孙昨夜来过。"]
    en = ["I was in this ruined temple last night."]
    place = ["荒庙", "temple"]        # any of these words in the scene's place
    hours = "21-5"                    # or morning, noon, evening, night
    known = true                      # who brings it on stage has talked with it before
    joining = false                   # nobody else is on stage
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from characters.words import LANGUAGES, Language, Lines
from text.folding import fold

DAY: dict[str, tuple[int, int]] = {
    "morning": (5, 11),
    "noon": (11, 14),
    "afternoon": (14, 18),
    "evening": (18, 22),
    "night": (22, 5),
}
_HOURS = re.compile(r"(\d{1,2})\s*[-–—~到]\s*(\d{1,2})")
_KEYS = {"place", "hours", "known", "joining", *LANGUAGES}


class GreetingError(ValueError):
    """A greeting of a card that cannot be used: `key` and what is wrong with it."""

    def __init__(self, key: str, what: str) -> None:
        super().__init__(f"greetings.{key}: {what}")
        self.key = f"greetings.{key}"
        self.what = what


@dataclass(frozen=True, slots=True)
class Greeting:
    """What is said where all conditions hold; a condition that is None or empty always does.

    `hours` are the first one and the one that is not any more, 0..24, over midnight too.
    """

    words: Lines
    place: tuple[str, ...] = ()
    hours: tuple[int, int] | None = None
    known: bool | None = None
    joining: bool | None = None

    def fits(self, situation: Situation) -> bool:
        """Whether all conditions hold, and it has words in the language."""
        where = fold(situation.place)
        return bool(
            self.words[situation.language]
            and (not self.place or any(fold(word) in where for word in self.place))
            and (self.hours is None or _within(situation.hour, self.hours))
            and self.known in (None, situation.known)
            and self.joining in (None, situation.joining)
        )

    @property
    def conditions(self) -> int:
        """How many it has: the one with most goes first."""
        return bool(self.place) + sum(
            one is not None for one in (self.hours, self.known, self.joining)
        )

    def as_table(self) -> dict[str, Any]:
        """As a card has it."""
        table: dict[str, Any] = {
            language: list(self.words[language]) for language in LANGUAGES if self.words[language]
        }
        if self.place:
            table["place"] = list(self.place)
        if self.hours:
            table["hours"] = f"{self.hours[0]}-{self.hours[1]}"
        table |= {
            key: value
            for key, value in (("known", self.known), ("joining", self.joining))
            if value is not None
        }
        return table


@dataclass(frozen=True, slots=True)
class Situation:
    """Where a character comes on stage: the scene's language and place, the hour (0..23), whether
    who brings it is known to it, and whether it joins others."""

    language: Language
    place: str = ""
    hour: int = 12
    known: bool = False
    joining: bool = False


def read_greeting(raw: Mapping[str, Any], only: Language | None = None) -> Greeting:
    """A greeting from a table of a card. `only`: the language of a card that has not both, in which
    a text need not be a table: `text = "…"`.

    Raises:
        GreetingError: an unknown key, a value of the wrong kind, no words.
    """
    table = dict(raw)
    if only and "text" in table:
        table[only] = table.pop("text")
    for key in table:
        if key not in _KEYS:
            raise GreetingError(key, "unknown key")
    words = {language: _texts(language, table.get(language, ())) for language in LANGUAGES}
    if not any(words.values()):
        raise GreetingError("zh" if only != "en" else "en", "is missing or empty")
    return Greeting(
        Lines(**words),
        place=_texts("place", table.get("place", ())),
        hours=_hours(table.get("hours")),
        known=_flag("known", table.get("known")),
        joining=_flag("joining", table.get("joining")),
    )


def greetings_for(
    usual: Lines, special: Iterable[Greeting], situation: Situation, number: int = 0
) -> tuple[str, ...]:
    """What a character may say as it comes on stage, the one it says first.

    The greetings that fit best go first, by their number of conditions, and `number` chooses among
    equals; then the usual ones, of which the second is for joining others, then all others that
    could be chosen instead.
    """
    fitting = [one for one in special if one.fits(situation)]
    most = max((one.conditions for one in fitting), default=0)
    best = [t for one in fitting if one.conditions == most for t in one.words[situation.language]]
    best = best[number % len(best) :] + best[: number % len(best)] if best else []
    listed = list(usual.either(situation.language))
    first = listed[1:2] if situation.joining and len(listed) > 1 else listed[:1]
    return tuple(dict.fromkeys((*best, *first, *listed[2:])))


def _within(hour: int, hours: tuple[int, int]) -> bool:
    first, end = hours
    return first <= hour < end if first < end else hour >= first or hour < end


def _texts(key: str, value: object) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list | tuple) or not all(isinstance(one, str) for one in listed):
        raise GreetingError(key, "must be a text or a list of texts")
    texts = tuple(one.strip() for one in listed)
    if not all(texts):
        raise GreetingError(key, "holds an empty text")
    return texts


def _hours(value: object) -> tuple[int, int] | None:
    if value is None:
        return None
    if isinstance(value, str) and value.strip().casefold() in DAY:
        return DAY[value.strip().casefold()]
    found = _HOURS.fullmatch(value.strip()) if isinstance(value, str) else None
    hours = (int(found[1]), int(found[2])) if found else (99, 99)
    if max(hours) > 24 or hours[0] == hours[1]:
        names = ", ".join(DAY)
        raise GreetingError("hours", f'must be {names} or two hours such as "21-5", not {value!r}')
    return hours


def _flag(key: str, value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise GreetingError(key, f"must be true or false, not {value!r}")
