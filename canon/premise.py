"""Whether what a question takes for granted can have happened, from where its names stand.

"How did Erlang marry the princess?" takes for granted that the two met. A book says so nowhere; it
only has Erlang in some passages, the princess in others, and the question's other words somewhere.
Three kinds of evidence come of that, each 0 where there is nothing to say: somebody is not where
the rest of the question leads, two who are named are hardly ever in one passage, and a number
stands in no passage that is found. They are signs of `canon.nothing`, whose weights were learned
from true statements about a book and the same with other names and numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from canon.lexicon import Forms, tokens
from canon.search import Index

# A passage, its notes: where a name or a number has to stand.
_HERE = ("passages", "notes")


def holding(
    index: Index, forms: Forms, acts: NDArray[np.float32] | None = None
) -> NDArray[np.bool_]:
    """For every passage, whether somebody or something stands in it or in its notes.

    forms: the tokens of each form of the name. acts: 1 for passages in which the person speaks.
    """
    found = np.zeros(len(index.passages), dtype=np.bool_) if acts is None else acts > 0
    for form in forms:
        here = np.ones(len(index.passages), dtype=np.bool_)
        for token in form:
            here &= _standing(index, token)
        found = found | here
    return found


def _standing(index: Index, token: str) -> NDArray[np.bool_]:
    found = np.zeros(len(index.passages), dtype=np.bool_)
    row = index.row(token)
    if row is not None:
        for field in _HERE:
            found[index.fields[field].documents(row)] = True
    return found


def astray(scores: NDArray[np.float32], held: NDArray[np.bool_]) -> float:
    """How much of the evidence is lost where somebody stands, of 1: 0 if the best passage has it.

    scores: of the allowed passages, by the question without the name. held: where the name stands.
    """
    top = float(scores.max(initial=0.0))
    if top <= 0:
        return 0.0
    return 1.0 - max(0.0, float(scores[held].max(initial=0.0))) / top


def unmet(held: Sequence[NDArray[np.bool_]]) -> float:
    """How much rarer two of the named share a passage than by chance, in nats; the worst pair."""
    worst = 0.0
    for one, other in combinations(held, 2):
        together = int((one & other).sum())
        expected = int(one.sum()) * int(other.sum()) / max(1, len(one))
        worst = max(worst, math.log((expected + 0.5) / (together + 0.5)))
    return worst


def miscounted(index: Index, numbers: Iterable[str], top: NDArray[np.int64]) -> float:
    """1 where a number of the question stands in none of the best passages, else 0."""
    for number in numbers:
        here = np.ones(len(top), dtype=np.bool_)
        for token in [t for t in tokens(number) if len(t) > 1] or [number]:
            here &= index.stands(token, top, around=False)
        if not here.any():
            return 1.0
    return 0.0
