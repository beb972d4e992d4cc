"""Runs of words that a text shares with other texts, whole ones and such as have begun. Pure.

    told = Runs.of(["Each character speaks only for themselves."], length=4)
    told.find("Well, each character speaks only for you.")   ->  6     there a run begins
    told.begun("Well, each chara")                           ->  6     there one may begin
    told.begun("Well, each peach")                           ->  16    none: all of the text

A unit is a Chinese character or a word of another script; case and what stands between units count
for nothing. A run is `length` units in a row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

_UNIT = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]|[^\W_\u3400-\u9fff\uf900-\ufaff]+")


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs of some texts. `nexts` has, for each beginning of a run, the units that go on."""

    length: int
    nexts: dict[tuple[str, ...], frozenset[str]]

    @classmethod
    def of(cls, texts: Iterable[str], length: int) -> Runs:
        """All runs of `length` units in these texts; built once for the same texts."""
        return _runs(tuple(texts), length)

    def find(self, text: str) -> int | None:
        """Where the first whole run begins; None where there is none."""
        units, size = _units(text), self.length
        for at in range(len(units) - size + 1):
            words = tuple(word for word, _ in units[at : at + size])
            if words[-1] in self.nexts.get(words[:-1], ()):
                return units[at][1]
        return None

    def begun(self, text: str) -> int:
        """Where a run may begin that the text, as it grows, could complete; its length if none.

        The last word of the text may be the beginning of a longer one.
        """
        units = _units(text)
        for many in range(min(self.length, len(units)), 0, -1):
            *before, last = (word for word, _ in units[-many:])
            going_on = self.nexts.get(tuple(before), ())
            if any(word.startswith(last) for word in going_on):
                return units[-many][1]
        return len(text)


def _units(text: str) -> list[tuple[str, int]]:
    return [(unit[0].casefold(), unit.start()) for unit in _UNIT.finditer(text)]


@lru_cache(maxsize=128)
def _runs(texts: tuple[str, ...], length: int) -> Runs:
    nexts: dict[tuple[str, ...], set[str]] = {}
    for text in texts:
        words = [word for word, _ in _units(text)]
        for at in range(len(words) - length + 1):
            for end in range(at, at + length):
                nexts.setdefault(tuple(words[at:end]), set()).add(words[end])
    return Runs(length, {run: frozenset(words) for run, words in nexts.items()})
