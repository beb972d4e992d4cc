"""Learning the weights of the search's evidence from questions with their passages.

python -m evaluation.ranking --qa FILE … --canon DIR -o canon/ranking.toml

A linear model: the score of a passage is the weighted sum of BM25 scores, one for each field of the
index and each kind of token of a question (`canon.ranking`). The weights make the right passages
likely among the candidates of each question (a softmax over them), pulled towards the weights that
were there before anything was learned. Two sets are learned: with the book's notes and without.
Recall@5 is printed by five-fold cross-validation over chapters, so that no question is counted by a
model that has seen its chapter.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from canon import Canon
from canon.lexicon import KINDS
from canon.ranking import ASKED, RANKING, Ranking, write_ranking
from canon.search import BY_CHAPTER, FIELDS, NOTED, best
from evaluation.search import is_hit, read_rows

HERE = ("", "here")
# Where learning begins, and how strongly it is pulled back there.
_BEFORE = {"passages": 1.0, "notes": 1.0, "chapters": 0.3, "chapter_notes": 0.3, "around": 0.0}
_PULL = 4.0
_CANDIDATES = 250
_FOLDS = 5
_STEPS, _RATE = 300, 0.05

Weight = tuple[str, str]  # a field, and a kind of token


@dataclass(frozen=True)
class Example:
    """One question with its candidates.

    passages: their numbers. right: which of them hold the evidence. evidence: candidate × weight.
    """

    language: str
    chapter: int
    passages: NDArray[np.int64]
    right: NDArray[np.bool_]
    evidence: NDArray[np.float32]


def weights_of(*, noted: bool) -> list[Weight]:
    """Every weight of a model; a question's own words and the character asked."""
    fields = [field for field in FIELDS if noted or field not in NOTED]
    found = [(field, kind) for field in fields for kind in KINDS]
    return [*found, *((f, ASKED) for f in fields if f not in BY_CHAPTER), HERE]


def before(weights: Sequence[Weight]) -> NDArray[np.float64]:
    """The weights that learning begins at."""
    return np.array([_BEFORE[f] if kind in KINDS else 0.0 for f, kind in weights])


def example(canon: Canon, row: Mapping[str, Any], weights: Sequence[Weight]) -> Example | None:
    """A question's candidates with their evidence; None when no passage holds its quotes."""
    store = canon._store
    index = store.index
    name = canon.character(row["character"]) if row.get("character") else None
    tokens = store.lexicon.read(row["question"]).asked_of(name)
    columns = []
    for field, kind in weights:
        if (field, kind) == HERE:
            here = store.people_row(name)
            columns.append(np.zeros(len(index.passages)) if here is None else here)
        else:
            columns.append(index.scores(tokens, Ranking({field: {kind: 1.0}}, 0.0)))
    evidence = np.stack(columns, axis=1).astype(np.float32)
    right = np.array(
        [
            any(section == piece["chapter"] for piece in row["evidence"])
            and is_hit([store.hit(number, 0.0)], row["evidence"])
            for number, section in enumerate(index.passages[:, 0].tolist())
        ]
    )
    if not right.any():
        return None
    first = np.argsort(-(evidence @ before(weights)), kind="stable")[:_CANDIDATES]
    chosen = np.union1d(first, np.flatnonzero(right))
    chapter = int(row["evidence"][0]["chapter"])
    return Example(row.get("lang", "zh"), chapter, chosen, right[chosen], evidence[chosen])


def learn(examples: Sequence[Example], start: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weights that make the right passages likeliest, by Adam on the whole set."""
    weights, first, second = start.copy(), np.zeros_like(start), np.zeros_like(start)
    for step in range(1, _STEPS + 1):
        slope = 2 * _PULL * (weights - start)
        for one in examples:
            scores = one.evidence @ weights
            shares = np.exp(scores - scores.max())
            among = np.where(one.right, shares, 0.0)
            slope += one.evidence.T @ (shares / shares.sum() - among / max(among.sum(), 1e-12))
        first = 0.9 * first + 0.1 * slope
        second = 0.999 * second + 0.001 * slope**2
        step_size = _RATE * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        weights = weights - step_size * first / (np.sqrt(second) + 1e-8)
    return weights


def recall(
    canon: Canon, examples: Sequence[Example], weights: NDArray[np.float64], k: int = 5
) -> dict[str, list[bool]]:
    """Language → whether each question has a right passage among the first k."""
    found: dict[str, list[bool]] = {}
    for one in examples:
        scores = np.full(len(canon._store.index.passages), -np.inf, dtype=np.float32)
        scores[one.passages] = one.evidence @ weights
        allowed = np.isfinite(scores)
        chosen = best(scores, canon._store.index.passages, allowed, k)
        right = set(one.passages[one.right].tolist())
        found.setdefault(one.language, []).append(any(number in right for number in chosen))
    return found


def folds(
    canon: Canon, examples: Sequence[Example], start: NDArray[np.float64]
) -> dict[str, list[bool]]:
    """Recall by five models, each of which has seen four fifths of the chapters."""
    found: dict[str, list[bool]] = {}
    for fold in range(_FOLDS):
        seen = [one for one in examples if one.chapter % _FOLDS != fold]
        unseen = [one for one in examples if one.chapter % _FOLDS == fold]
        for language, hits in recall(canon, unseen, learn(seen, start)).items():
            found.setdefault(language, []).extend(hits)
    return found


def as_ranking(weights: Sequence[Weight], values: NDArray[np.float64]) -> Ranking:
    """A vector of weights as the model that a search uses."""
    fields: dict[str, dict[str, float]] = {}
    here = 0.0
    for (field, kind), value in zip(weights, values.tolist(), strict=True):
        if (field, kind) == HERE:
            here = value
        else:
            fields.setdefault(field, {})[kind] = value
    return Ranking(fields, here)


def main(argv: list[str] | None = None) -> int:
    """Learn both sets of weights and write them."""
    parser = argparse.ArgumentParser(description="learn the weights of the search's evidence")
    parser.add_argument("--qa", type=Path, required=True, nargs="+", metavar="FILE")
    parser.add_argument("--canon", type=Path, required=True, metavar="DIR")
    parser.add_argument("-o", "--output", type=Path, default=RANKING, metavar="FILE")
    args = parser.parse_args(argv)
    canon = Canon.open(args.canon)
    rows = [row for path in args.qa for row in read_rows(path, ("question", "evidence"))]
    sets = {}
    for name, noted in (("noted", True), ("plain", False)):
        weights = weights_of(noted=noted)
        start = before(weights)
        examples = [one for row in rows if (one := example(canon, row, weights)) is not None]
        for what, hits in (
            ("before", recall(canon, examples, start)),
            ("learned, chapters not seen", folds(canon, examples, start)),
        ):
            shares = {lang: f"{np.mean(h):.3f} of {len(h)}" for lang, h in sorted(hits.items())}
            print(f"{name}, {what}: {shares}")
        sets[name] = as_ranking(weights, learn(examples, start))
    files = ", ".join(path.name for path in args.qa)
    comment = f"Learned by `python -m evaluation.ranking` from {len(rows)} questions ({files})."
    write_ranking(sets, args.output, comment=comment)
    return 0


if __name__ == "__main__":
    sys.exit(main())
