"""How much a voice has to say: distinct n-grams, repetition, length, and likeness between roles.

Units are characters, for all languages: a Chinese sentence has no blanks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def ngrams(text: str, n: int) -> list[str]:
    """All n-grams of characters, blanks left out."""
    text = "".join(text.split())
    return [text[i : i + n] for i in range(len(text) - n + 1)]


def distinct(texts: Sequence[str], n: int) -> float:
    """Different n-grams ÷ all n-grams of the texts (Li et al. 2016); 0 for nothing.

    Falls with the amount of text, so compare bags of the same number of replies.
    """
    found = [gram for text in texts for gram in ngrams(text, n)]
    return len(set(found)) / len(found) if found else 0.0


def repetition(text: str, n: int = 4) -> float:
    """Share of a text's n-grams that it has said before (as in Welleck et al. 2020), 0..1."""
    found = ngrams(text, n)
    return 1 - len(set(found)) / len(found) if found else 0.0


def said_again(texts: Sequence[str]) -> float:
    """Share of replies that are to the letter an earlier one; the empty ones not counted."""
    said = [text for text in texts if text]
    return 1 - len(set(said)) / len(said) if said else 0.0


def overlap(first: str, second: str, n: int = 2) -> float:
    """Common n-grams ÷ n-grams of both, with their numbers (Ruzicka); two empty texts: 1."""
    one, other = Counter(ngrams(first, n)), Counter(ngrams(second, n))
    union = (one | other).total()
    return (one & other).total() / union if union else float(first == second)
