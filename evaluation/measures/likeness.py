"""How near a reply is to what the book has its speaker say at that point.

ChatHaruhi (arXiv 2308.09597) takes the cosine of two sentence vectors. A cosine means nothing by
itself, so each reply is also held against another line of the same character (shuffled) and against
another character's: the gaps count.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.measures.diversity import ngrams

Embed = Callable[[Sequence[str]], NDArray[np.float32]]  # texts -> unit vectors (texts, d)


@dataclass(frozen=True, slots=True)
class Likeness:
    """Cosines of a reply with the book's line, another line of its speaker, and another's line."""

    own: float
    shuffled: float
    other: float

    @property
    def ahead(self) -> float:
        """How much nearer than to another line of the same character; nan where there is none."""
        return self.own - self.shuffled

    @property
    def apart(self) -> float:
        """How much nearer than to another character's line; nan where there is none."""
        return self.own - self.other

    @property
    def nearer(self) -> float:
        """1 where it is nearer to its own line than to another's, 0.5 where neither is."""
        return math.nan if math.isnan(self.apart) else 0.5 + 0.5 * float(np.sign(self.apart))


def tfidf(corpus: Iterable[str], *, most: int = 20_000) -> Embed:
    """A stand-in for an embedding model: tf-idf of character 1- and 2-grams of a corpus."""
    frequency: Counter[str] = Counter()
    total = 0
    for text in corpus:
        total += 1
        frequency.update({gram for n in (1, 2) for gram in ngrams(text, n)})
    kept = sorted(frequency, key=lambda gram: (-frequency[gram], gram))[:most]
    place = {gram: index for index, gram in enumerate(kept)}
    rarity = np.array([math.log((1 + total) / (1 + frequency[g])) + 1 for g in kept], np.float32)

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        rows = np.zeros((len(texts), max(1, len(kept))), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for gram, count in Counter(g for n in (1, 2) for g in ngrams(text, n)).items():
                if gram in place:
                    row[place[gram]] = (1 + math.log(count)) * rarity[place[gram]]
            length = float(np.linalg.norm(row))
            if length:
                row /= length
        return rows

    return embed


def likeness(
    replies: Sequence[tuple[str, str, str]], embed: Embed, *, shift: int = 1
) -> list[Likeness]:
    """For (character, reply, the book's line), in their order.

    The shuffled line is the character's next but `shift` in the list, the other line that of the
    next entry of somebody else; nan where there is none.
    """
    if not replies:
        return []
    said = embed([reply for _, reply, _ in replies])
    lines = embed([line for _, _, line in replies])
    found = []
    for index, (character, _, _) in enumerate(replies):
        around = [(index + step) % len(replies) for step in range(1, len(replies))]
        own = [i for i in around if replies[i][0] == character]
        others = [i for i in around if replies[i][0] != character]
        found.append(
            Likeness(
                float(said[index] @ lines[index]),
                float(said[index] @ lines[own[(shift - 1) % len(own)]]) if own else math.nan,
                float(said[index] @ lines[others[0]]) if others else math.nan,
            )
        )
    return found
