"""Who does this sound like? Character n-grams of a book's own speech, small enough to ship.

    mrp evaluate voices --canon build/canon -o evaluation/voices/xiyouji.json

`evaluation/voices/xiyouji.json` was made so from the novel: the weights of some thousand 1- to
3-grams for each voice, no sentence of the book. One reply is too short to tell (a held-out line of
the novel: see docs/evaluation.md), five together are enough, so replies are judged in bags of five.

The same quotes also tell which words belong to one voice alone (`markers`): 老孙 is said by 孙悟空
in 98 % of its uses. Whoever else says it about themselves has lost the role.
"""

from __future__ import annotations

import json
import math
import os
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation.error import EvaluationError

BAG = 5

# A marker is used that often in the book, and in that share of the uses by its owner.
MARKER_USES, MARKER_SHARE = 40, 0.82
# A gram that stands in a longer one most of the time is a part of that one.
_PART = 0.8
_BAGS, _DECAY = 1000, 1e-3
_SCALE = 4  # weights are stored as whole quarters
_BREAKS = frozenset("，。！？；：、“”‘’（）…—《》 　\n,.!?;:\"'()")


@dataclass(frozen=True, slots=True)
class Marker:
    """Words of one voice: `own` of all `uses` in the book are its owner's."""

    words: str
    owner: str
    own: int
    uses: int


@dataclass(frozen=True, slots=True)
class Voices:
    """The voices of a book. `weights`: gram -> one for each of `speakers`, in their order."""

    book: str
    speakers: tuple[str, ...]
    weights: Mapping[str, tuple[float, ...]]
    markers: tuple[Marker, ...]

    def pick(self, texts: Iterable[str]) -> str:
        """Whose these texts are most likely, taken together; the first speaker's if nobody's.

        Every speaker is as likely as another beforehand: an exam asks each as often.
        """
        totals = self.scores(texts)
        return self.speakers[max(range(len(totals)), key=totals.__getitem__)]

    def scores(self, texts: Iterable[str]) -> list[float]:
        """One for each speaker; only their order means something."""
        totals = [0.0] * len(self.speakers)
        for gram, count in _counted(texts).items():
            for index, weight in enumerate(self.weights.get(gram, ())):
                totals[index] += weight * _weight(count)
        return totals

    def foreign(self, text: str, speaker: str) -> list[Marker]:
        """The markers of other voices in a reply of `speaker`."""
        return [m for m in self.markers if m.owner != speaker and m.words in text]


def grams(text: str) -> list[str]:
    """All 1- to 3-grams of characters that no punctuation breaks."""
    found = (text[i : i + n] for n in (1, 2, 3) for i in range(len(text) - n + 1))
    return [gram for gram in found if _BREAKS.isdisjoint(gram)]


def learn(
    quotes: Iterable[tuple[str, str]],
    speakers: Sequence[str],
    *,
    book: str = "",
    keep: int = 5000,
    steps: int = 200,
) -> Voices:
    """Voices from (speaker, text) pairs; other speakers' quotes count for the markers only.

    Softmax regression on the tf-idf of the `keep` grams in most lines, taught with as many random
    bags of one to five lines of each speaker as of any other: what it is asked is a bag, too.
    (Naive Bayes on the same grams told 79 % of held-out bags, this 89 %.)

    Raises:
        EvaluationError: a speaker has nothing to learn from.
    """
    lines: dict[str, list[str]] = {speaker: [] for speaker in speakers}
    uses: Counter[str] = Counter()
    users: dict[str, Counter[str]] = defaultdict(Counter)
    frequency: Counter[str] = Counter()
    for speaker, text in quotes:
        found = set(grams(text))
        uses.update(found)
        for gram in found:
            users[gram][speaker] += 1
        if speaker in lines:
            lines[speaker].append(text)
            frequency.update(found)
    for speaker in speakers:
        if not lines[speaker]:
            raise EvaluationError(
                f"the book has no line of {speaker} that is sure; a voice needs some dozens"
            )
    vocabulary = sorted(frequency, key=lambda gram: (-frequency[gram], gram))[:keep]
    total = sum(map(len, lines.values()))
    rarity = np.array([math.log(total / frequency[gram]) for gram in vocabulary], np.float32)
    place = {gram: index for index, gram in enumerate(vocabulary)}
    dice = random.Random(1)
    rows, targets = [], []
    for index, speaker in enumerate(speakers):
        for _ in range(_BAGS):
            texts = dice.choices(lines[speaker], k=dice.randint(1, BAG))
            row = np.zeros(len(vocabulary), np.float32)
            for gram, count in _counted(texts).items():
                if gram in place:
                    row[place[gram]] = _weight(count)
            row *= rarity
            rows.append(row / max(float(np.linalg.norm(row)), 1e-6))
            targets.append(index)
    fitted = _fit(np.stack(rows), np.array(targets), len(speakers), steps) * rarity[:, None]
    return Voices(
        book,
        tuple(speakers),
        {gram: tuple(map(float, row)) for gram, row in zip(vocabulary, fitted, strict=True)},
        _markers(uses, users, speakers),
    )


def _fit(
    rows: NDArray[np.float32], targets: NDArray[np.int64], classes: int, steps: int
) -> NDArray[np.float32]:
    """Softmax regression by Adam, from nothing; float32 (grams, classes)."""
    wanted = np.eye(classes, dtype=np.float32)[targets]
    weights = np.zeros((rows.shape[1], classes), np.float32)
    mean, square = weights.copy(), weights.copy()
    for step in range(1, steps + 1):
        scores = rows @ weights
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        gradient = rows.T @ (shares - wanted) / len(rows) + _DECAY * weights
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        weights -= 0.1 * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
    return weights


def _counted(texts: Iterable[str]) -> Counter[str]:
    return Counter(gram for text in texts for gram in grams(text))


def _weight(count: int) -> float:
    """A word that is said over and over is no more evidence each time."""
    return 1 + math.log(count)


def _markers(
    uses: Counter[str], users: Mapping[str, Counter[str]], speakers: Iterable[str]
) -> tuple[Marker, ...]:
    """Words of two or three characters that are nearly always one speaker's."""
    wanted = set(speakers)
    found: dict[str, Marker] = {}
    for gram, count in uses.items():
        if len(gram) < 2 or count < MARKER_USES:
            continue
        owner, own = users[gram].most_common(1)[0]
        if owner in wanted and own / count >= MARKER_SHARE:
            found[gram] = Marker(gram, owner, own, count)
    whole = {
        gram: marker
        for gram, marker in found.items()
        if not any(
            gram in longer and longer != gram and other.uses >= _PART * marker.uses
            for longer, other in found.items()
        )
    }
    shortest = [
        marker
        for gram, marker in whole.items()
        if not any(shorter in gram and shorter != gram for shorter in whole)
    ]
    return tuple(sorted(shortest, key=lambda m: (m.owner, -m.uses, m.words)))


def recall(voices: Voices, quotes: Iterable[tuple[str, str]]) -> dict[str, float]:
    """How often a line, and a bag of five in their order, is given to who said it (shares, 0..1).

    `macro` is the mean over speakers, so that who says most does not decide.
    """
    said: dict[str, list[str]] = defaultdict(list)
    for speaker, text in quotes:
        if speaker in voices.speakers:
            said[speaker].append(text)
    lines = [float(voices.pick([text]) == who) for who, texts in said.items() for text in texts]
    bags = {
        who: [
            float(voices.pick(texts[start : start + BAG]) == who)
            for start in range(0, len(texts) - BAG + 1, BAG)
        ]
        for who, texts in said.items()
    }
    each = {who: sum(right) / len(right) for who, right in bags.items() if right}
    all_bags = [right for rights in bags.values() for right in rights]
    return {
        "line": round(sum(lines) / max(1, len(lines)), 4),
        "bag": round(sum(all_bags) / max(1, len(all_bags)), 4),
        "macro": round(sum(each.values()) / max(1, len(each)), 4),
        **{who: round(share, 4) for who, share in each.items()},
    }


def write(voices: Voices, path: Path) -> None:
    """One JSON file, some 100 KB."""
    rows = {
        gram: [round(weight * _SCALE) for weight in weights]
        for gram, weights in sorted(voices.weights.items())
    }
    told = {
        "format": 1,
        "book": voices.book,
        "made_by": "mrp evaluate voices",
        "speakers": list(voices.speakers),
        "markers": [[m.words, m.owner, m.own, m.uses] for m in voices.markers],
        "scale": _SCALE,
        "weights": {gram: row for gram, row in rows.items() if any(row)},
    }
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_text(
        json.dumps(told, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8"
    )
    partial.replace(path)


def read(path: Path) -> Voices:
    """Raises EvaluationError when the file is missing or no file of voices."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        scale = float(told["scale"])
        speakers = tuple(str(name) for name in told["speakers"])
        weights = {
            gram: tuple(float(number) / scale for number in row)
            for gram, row in told["weights"].items()
        }
        markers = tuple(Marker(*row) for row in told["markers"])
        if told["format"] != 1 or any(len(row) != len(speakers) for row in weights.values()):
            raise ValueError("another format")
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as problem:
        raise EvaluationError(
            f"{path} holds no voices ({problem}); make one with `mrp evaluate voices --canon DIR`"
        ) from None
    return Voices(str(told["book"]), speakers, weights, markers)
