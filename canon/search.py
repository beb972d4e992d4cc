"""Finding the passage that a message is about.

Five kinds of evidence are added up: the words of a passage, the words of the notes that belong
to it, those of the notes around it, the words of its chapter, and the notes of its chapter (all
BM25), each with a weight by the kind of the question's word (`canon.ranking`). Notes are the book's
events in today's words and in English (`canon/books/*.events.tsv`); at build time each is laid
on the passages of its chapter that match it best. A dense index, where there is one, is merged
in by reciprocal rank.

BM25 weights are computed once by bm25s and kept as flat arrays; opening maps them into memory
and reads nothing, and a search touches only the rows of the question's own tokens.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from canon.ranking import Ranking, ranking

Embed = Callable[[Sequence[str]], NDArray[np.float32]]

FIELDS = ("passages", "notes", "around", "chapters", "chapter_notes")
BY_CHAPTER = frozenset({"chapters", "chapter_notes"})
NOTED = frozenset({"notes", "around", "chapter_notes"})
# Reciprocal rank fusion: the usual constant, and how many of each list take part.
_RANK, _DEPTH = 60, 60


def key(token: str) -> int:
    """A token as a 64-bit number; two tokens share one with a chance of 1 in 10^9."""
    return int.from_bytes(hashlib.blake2b(token.encode(), digest_size=8).digest(), "little")


def save_vocabulary(vocabulary: Mapping[str, int], path: Path) -> NDArray[np.int64]:
    """Write the tokens' keys in ascending order, so that a row is found by bisection.

    Returns the row of each token number of the vocabulary.
    """
    keys = np.array([key(token) for token in vocabulary], dtype=np.uint64)
    by_key = np.argsort(keys)
    np.save(path, keys[by_key])
    rows = np.empty(len(keys), dtype=np.int64)
    rows[by_key] = np.arange(len(keys))
    return rows


def save_field(folder: Path, field: str, documents: Sequence[NDArray[np.int64]], rows: int) -> None:
    """BM25 weights of one field as three arrays: weights, documents, and where rows begin.

    documents: the rows of each document's tokens. rows: how many rows the vocabulary has.
    """
    import bm25s  # only building needs it, and it takes longer to import than opening may

    # Chapters are long: the more a word is repeated the more a chapter is about it.
    k1 = 2.0 if field == "chapters" else 1.2
    b = 0.3 if field in NOTED else 0.75
    model = bm25s.BM25(k1=k1, b=b, method="lucene", dtype="float32", int_dtype="int32")
    vocabulary = {str(row): row for row in range(rows)}
    # bm25s cannot average the length of no documents at all.
    if any(len(document) for document in documents):
        model.index(
            ([document.tolist() for document in documents], vocabulary),
            show_progress=False,
            create_empty_token=False,
        )
        weights, found, starts = (model.scores[x] for x in ("data", "indices", "indptr"))
    else:
        weights, found, starts = [], [], [0] * (rows + 1)
    np.save(folder / f"{field}.weights.npy", np.asarray(weights, dtype=np.float32))
    np.save(folder / f"{field}.documents.npy", np.asarray(found, dtype=np.int32))
    np.save(folder / f"{field}.rows.npy", np.asarray(starts, dtype=np.int64))


def mapped(path: Path) -> NDArray[Any]:
    """An array of a file, mapped into memory; a plain one, since slices of numpy's own kind of
    mapped array cost more than what a search does with them."""
    return np.asarray(np.load(path, mmap_mode="r"))


class Field:
    """BM25 weights of one field, mapped into memory."""

    def __init__(self, folder: Path, field: str, documents: int) -> None:
        self._weights = mapped(folder / f"{field}.weights.npy")
        self._documents = mapped(folder / f"{field}.documents.npy")
        self._rows = mapped(folder / f"{field}.rows.npy")
        self._count = documents

    def score(self, rows: Mapping[int, float]) -> NDArray[np.float32]:
        """One score a document: the weighted sum over the question's rows."""
        scores = np.zeros(self._count, dtype=np.float32)
        for row, weight in rows.items():
            if not weight:
                continue
            a, b = int(self._rows[row]), int(self._rows[row + 1])
            # A row names each document once, so this addition loses nothing.
            scores[self._documents[a:b]] += weight * self._weights[a:b]
        return scores

    @property
    def postings(self) -> int:
        """How many pairs of a token and a document there are."""
        return len(self._documents)

    def documents(self, row: int) -> NDArray[np.int32]:
        """The documents in which the token of a row stands."""
        found: NDArray[np.int32] = self._documents[int(self._rows[row]) : int(self._rows[row + 1])]
        return found

    def frequency(self, row: int) -> int:
        """In how many documents the token of a row stands."""
        return int(self._rows[row + 1] - self._rows[row])


@dataclass(frozen=True)
class Index:
    """All arrays of a canon folder that a search needs.

    chapters: the numbers of the book's chapters, in order.
    passages: one row a passage: section, start, end; in the order of the book.
    people: passage × person, 1 where the person acts or is named.
    vectors: one unit vector a passage, when a dense index was built.
    """

    keys: NDArray[np.uint64]
    fields: Mapping[str, Field]
    chapters: NDArray[np.int32]
    passages: NDArray[np.int32]
    people: NDArray[np.uint8]
    vectors: NDArray[np.float32] | None

    def row(self, token: str) -> int | None:
        """The row of a token, or None when the book does not have it."""
        wanted = np.uint64(key(token))
        at = int(np.searchsorted(self.keys, wanted))
        return at if at < len(self.keys) and self.keys[at] == wanted else None

    @cached_property
    def noted(self) -> bool:
        """Whether any passage has a note."""
        return self.fields["notes"].postings > 0

    @cached_property
    def _chapter(self) -> NDArray[np.int64]:
        """The place of each passage's chapter."""
        return np.searchsorted(self.chapters, self.passages[:, 0])

    def stands(
        self, token: str, passages: NDArray[np.int64], *, around: bool = True
    ) -> NDArray[np.bool_]:
        """Whether a token stands in each of these passages, its notes, or the notes around it."""
        row = self.row(token)
        found = np.zeros(len(passages), dtype=np.bool_)
        if row is not None:
            for field in ("passages", "notes", "around")[: 3 if around else 2]:
                found |= np.isin(passages, self.fields[field].documents(row))
        return found

    def rarity(self, token: str) -> float:
        """How much a token tells: the logarithm of the share of passages without it."""
        row = self.row(token)
        seen = 0
        if row is not None:
            seen = max(self.fields[field].frequency(row) for field in ("passages", "notes"))
        return float(np.log1p(len(self.passages) / (1 + seen)))

    def scores(
        self, tokens: Iterable[tuple[str, str, float]], model: Ranking | None = None
    ) -> NDArray[np.float32]:
        """The evidence for every passage, all kinds added up.

        tokens: (token, its kind, its weight). model: by default the shipped weights for a book
        like this one.
        """
        model = model or ranking(noted=self.noted)
        rows = [
            (row, kind, weight)
            for token, kind, weight in tokens
            if (row := self.row(token)) is not None
        ]
        total = np.zeros(len(self.passages), dtype=np.float32)
        for field, weights in model.fields.items():
            asked: dict[int, float] = {}
            for row, kind, weight in rows:
                asked[row] = asked.get(row, 0.0) + weight * weights.get(kind, 0.0)
            scores = self.fields[field].score(asked)
            total += scores[self._chapter] if field in BY_CHAPTER else scores
        return total


def merge_ranks(lists: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Reciprocal rank fusion of several scores for the same passages."""
    merged = np.zeros(len(lists[0]), dtype=np.float32)
    for scores in lists:
        order = np.argsort(-scores, kind="stable")[:_DEPTH]
        merged[order] += 1.0 / (_RANK + 1 + np.arange(len(order), dtype=np.float32))
    return merged


def best(
    scores: NDArray[np.float32], passages: NDArray[np.int32], allowed: NDArray[np.bool_], k: int
) -> list[int]:
    """The k best allowed passages, none of which overlaps another by more than a third."""
    masked = np.where(allowed, scores, -np.inf)
    chosen: list[int] = []
    for index in np.argsort(-masked, kind="stable")[: 40 * k].tolist():
        if masked[index] <= 0 or len(chosen) == k:
            break
        section, start, end = passages[index].tolist()
        if all(
            section != passages[other, 0]
            or min(end, int(passages[other, 2])) - max(start, int(passages[other, 1]))
            <= (end - start) // 3
            for other in chosen
        ):
            chosen.append(index)
    return chosen
