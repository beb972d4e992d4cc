"""Whether a book has anything to say to a question, from signs of it and learned weights.

A question that names what an old book cannot have (a telephone, a hero of another work) or somebody
who has not come yet is turned away for that alone. For the others a few signs are weighed by a
logistic model (`[….fits]` in `ranking.toml`, learned by `python -m evaluation.answerable`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# The signs, in order.
# strength: of the best passage, by the length of the question.
# cover: how much of the weight of the question's words stands in or around the best passages.
# unheard: how many of its words the book has nowhere.
# apart: how many of the people, places and things it names are not together there.
# absent: whether the character asked is not named where the words alone lead.
# strangers: whether it has names that neither the book nor the word lists know.
# later: how much stronger the passages are that a reader has not reached.
SIGNS = ("strength", "cover", "unheard", "apart", "absent", "strangers", "later", "bias")


@dataclass(frozen=True)
class Signs:
    """What tells whether a question has an answer; all but `strength` between 0 and 1."""

    strength: float
    cover: float
    unheard: float
    apart: float
    absent: float
    strangers: float
    later: float
    bias: float = 1.0

    def values(self) -> list[float]:
        """The signs in the order of SIGNS."""
        return [getattr(self, name) for name in SIGNS]


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
    """Whether the model thinks that the book has an answer."""
    return sum(v * w for v, w in zip(signs.values(), weights, strict=True)) > 0
