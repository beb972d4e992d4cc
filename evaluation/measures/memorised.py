"""What a model has by heart: the longest run of a reply that stands in its training text.

A voice may quote; a model that only quotes has learned no voice. A run of 20 characters is no
chance in Chinese (docs/evaluation.md has what human lines of held-out chapters reach).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

_SEED = 8  # characters; runs are looked for where that many stand in the text


class Training:
    """Training text, prepared to be looked up in: 8 bytes a character."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._text = "\n".join(_plain(text) for text in texts)
        self._seeds = np.unique(_hashes(self._text))

    def longest(self, text: str) -> str:
        """The longest piece of `text`, blanks left out, that stands in the training text."""
        text = _plain(text)
        best, length = 0, 0
        seeded = self._seeded(text)
        start = 0
        while start + length < len(text):
            # Only a longer run than the best so far is worth looking for.
            end = start + length + 1
            if seeded(start, end) and text[start:end] in self._text:
                best, length = start, length + 1
            else:
                start += 1
        return text[best : best + length]

    def _seeded(self, text: str) -> _Seeded:
        codes = _hashes(text)
        place = np.searchsorted(self._seeds, codes)
        known = np.zeros(len(codes), bool)
        inside = place < len(self._seeds)
        known[inside] = self._seeds[place[inside]] == codes[inside]
        return _Seeded(known)


class _Seeded:
    """Whether text[start:end] can be in the text at all: its first and last 8 characters are."""

    def __init__(self, known: NDArray[np.bool_]) -> None:
        self._known = known

    def __call__(self, start: int, end: int) -> bool:
        if end - start < _SEED:
            return True
        return bool(self._known[start] and self._known[end - _SEED])


def _plain(text: str) -> str:
    return "".join(text.split())


def _hashes(text: str) -> NDArray[np.uint64]:
    """A hash of each run of 8 characters."""
    codes = np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32).astype(np.uint64)
    if len(codes) < _SEED:
        return np.zeros(0, np.uint64)
    found = np.zeros(len(codes) - _SEED + 1, np.uint64)
    for offset in range(_SEED):
        found = found * np.uint64(1_000_003) + codes[offset : offset + len(found)]
    return found
