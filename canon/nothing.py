"""Whether a book has anything to say to a question, from signs of it and learned weights.

A question that names what an old book cannot have (a telephone, a hero of another work) or somebody
who has not come yet is turned away for that alone. For the others a few signs are weighed by two
logistic models: whether the question's words have a place in the book (`fits`), and whether what
it takes for granted of those it names can have happened (`holds`). Their weights are in
`ranking.toml`, learned by `python -m evaluation.answerable`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# The signs that words have a place, in order.
# strength: of the best passage, by the length of the question.
# cover: how much of the weight of the question's words stands in or around the best passages.
# unheard: how many of its words the book has nowhere.
# apart: how many of the people, places and things it names are not together there.
# absent: whether the character asked is not named where the words alone lead.
# strangers: whether it has names that neither the book nor the word lists know.
# later: how much stronger the passages are that a reader has not reached.
FITS = ("strength", "cover", "unheard", "apart", "absent", "strangers", "later", "bias")
# And those that a premise holds (`canon.premise`).
# astray: how much weaker the best passage with somebody or something it names is than the best at
#   all, by its other words; the worst of those named.
# other: the same of the character asked, where the question says "you".
# unmet: how much rarer two of them are in one passage than by chance.
# miscounted: whether a number of it stands in none of the best passages.
HOLDS = ("strength", "cover", "astray", "other", "unmet", "miscounted", "bias")
SIGNS = tuple(dict.fromkeys((*FITS, *HOLDS)))


@dataclass(frozen=True)
class Signs:
    """What tells whether a question has an answer; 0 to 1, but `strength` and `unmet`, from 0."""

    strength: float
    cover: float
    unheard: float
    apart: float
    absent: float
    strangers: float
    later: float
    astray: float
    other: float
    unmet: float
    miscounted: float
    bias: float = 1.0

    def values(self, names: Sequence[str] = SIGNS) -> list[float]:
        """The signs of these names, in order."""
        return [getattr(self, name) for name in names]


def strength(scores: NDArray[np.float32], length: int) -> float:
    """The best score, by the square root of the question's tokens: a longer question gathers more
    by chance. In a shorter book a rare word weighs less."""
    if not len(scores):
        return 0.0
    return float(scores.max()) / math.sqrt(max(1, length)) / math.log1p(len(scores))


def later(scores: NDArray[np.float32], allowed: NDArray[np.bool_]) -> float:
    """By how much the best of all passages is stronger than the best allowed one."""
    if allowed.all():
        return 0.0
    top, best = float(scores.max()), float(scores[allowed].max())
    return max(0.0, top - best) / top if top > 0 else 0.0


def share(found: Sequence[bool], weights: Sequence[float]) -> float:
    """How much of the weight was found; 0 of nothing."""
    total = sum(weights)
    return sum(w for f, w in zip(found, weights, strict=True) if f) / total if total else 0.0


def fits(signs: Signs, weights: Sequence[float]) -> bool:
    """Whether the words of the question have a place in the book."""
    return _weighed(signs.values(FITS), weights) > 0


def holds(signs: Signs, weights: Sequence[float]) -> bool:
    """Whether what the question takes for granted can have happened; without weights always."""
    return not weights or _weighed(signs.values(HOLDS), weights) > 0


def _weighed(values: Sequence[float], weights: Sequence[float]) -> float:
    return sum(value * weight for value, weight in zip(values, weights, strict=True))
