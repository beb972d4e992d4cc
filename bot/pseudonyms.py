"""Letters in the place of people's names: 甲, 乙… or A, B…. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

_STEMS = "甲乙丙丁戊己庚辛壬癸"


def letter(index: int, language: str) -> str:
    """The name of the person with this number, from 0 on."""
    if language == "zh":
        return _STEMS[index] if index < len(_STEMS) else f"客{index + 1}"
    return chr(ord("A") + index) if index < 26 else f"P{index + 1}"


def replacer(letters: Mapping[str, str]) -> Callable[[str], str]:
    """A function that puts `letters` in the place of the names that they are for."""
    if not letters:
        return str
    ordered = sorted(letters, key=len, reverse=True)
    # A name of one letter is replaced where it speaks, not wherever the letter stands.
    parts = []
    for name in ordered:
        latin = name[0].isascii() and name[-1].isascii()
        part = rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])" if latin else re.escape(name)
        parts.append(part if len(name) > 1 else rf"(?:^|(?<=\n)){re.escape(name)}(?=[：:])")
    pattern = re.compile("|".join(parts))
    return lambda text: pattern.sub(lambda match: letters[match[0]], text)
