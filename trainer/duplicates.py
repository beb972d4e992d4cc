"""Near duplicates of texts: MinHash over three-letter pieces (Broder 1997) with LSH."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from datasketch import MinHash, MinHashLSH

_PERMUTATIONS = 64  # of a MinHash; enough to tell .8 from .6


def folded(text: str) -> str:
    """Letters and digits only, in one width and case; the text itself where it has none."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter for letter in plain if letter.isalnum()) or text


def fingerprint(text: str) -> MinHash:
    letters = folded(text)
    made = MinHash(num_perm=_PERMUTATIONS, seed=1)
    made.update_batch({letters[at : at + 3].encode() for at in range(max(1, len(letters) - 2))})
    return made


class Shelf:
    """Texts seen so far. `near` in 0..1: from which share of common pieces two are alike."""

    def __init__(self, near: float) -> None:
        self._index = MinHashLSH(threshold=near, num_perm=_PERMUTATIONS)

    def alike(self, text: str, number: int) -> int | None:
        """The number of the first text that is nearly the same; None: it is new, and kept."""
        print_ = fingerprint(text)
        found = sorted(self._index.query(print_))
        if found:
            return int(found[0])
        self._index.insert(number, print_)
        return None


def distinct_grams(texts: Sequence[str], size: int = 4) -> float:
    """Different pieces of `size` characters (words, in a text without Chinese) over all pieces of
    all texts, in 0..1; 1.0 where there are none."""
    seen: set[tuple[str, ...]] = set()
    count = 0
    for text in texts:
        chinese = any("\u3400" <= letter <= "\u9fff" for letter in text)
        spoken = list(folded(text)) if chinese else text.casefold().split()
        for at in range(len(spoken) - size + 1):
            seen.add(tuple(spoken[at : at + size]))
            count += 1
    return len(seen) / count if count else 1.0
