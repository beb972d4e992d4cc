"""Can the model tell who says a line? Its own likelihood picks among the four leads.

    mrp evaluate speaker --model models/xiyou-mini.gguf --canon build/canon --json
    mrp evaluate speaker --model NAME --voice FILE --most 60      an adapter, a sample of the lines

For each line of a lead in the held-out chapters the scene so far is read, and the line is scored
as said by each of the four: log P(name and line | scene). All four are on stage every time, so
the prompt does not tell. Beside it stand the majority class, the line alone without the scene,
and naive Bayes on character 1- to 3-grams of the training chapters.

After PersonaEval, where a judge picks the speaker of a line among candidates (2025); here
the model's own likelihoods do, so that the same weights are compared with and without an adapter.
"""

from __future__ import annotations

import argparse
import asyncio
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from characters.card import Cast, load_cast
from characters.prompt import encode, lesson, transcript
from characters.script import read_script, sentences_within
from characters.style import Serving
from characters.turn import Scene, Turn
from engine.sequence import Engine
from evaluation.asks import chapters, held_out_option
from evaluation.identity import LEADS
from evaluation.score import Value, interval, rounded
from evaluation.served import model_options, opened_for, show

_CONTEXT = 8  # turns of the scene that are read before the line
_LONGEST = 110  # characters of a line, as in the lessons


@dataclass(frozen=True, slots=True)
class LeadLine:
    """A lead's line with what was said before it in the scene."""

    speaker: str
    text: str
    before: tuple[Turn, ...]


def lines_of(scenes: Path, cast: Cast, chapters: Iterable[int]) -> list[LeadLine]:
    """The leads' lines in these chapters. Raises ScriptError when the canon is missing."""
    found = []
    for stretch in read_script(scenes, cast, frozenset(chapters)):
        turns = [
            Turn(turn.speaker, sentences_within(turn.text, _LONGEST), turn.side)
            for turn in stretch.turns
        ]
        for index, turn in enumerate(turns):
            if turn.side == "character" and turn.speaker in LEADS:
                before = tuple(turns[max(0, index - _CONTEXT) : index])
                found.append(LeadLine(turn.speaker, turn.text, before))
    return found


async def pick(engine: Engine, serving: Serving, cast: Cast, line: LeadLine) -> str:
    """The lead to whom the model gives the line."""
    leads = tuple(cast[name] for name in LEADS)
    # Others of the cast (a demon with a card) speak in the scene as people would.
    before = tuple(
        turn
        if turn.side == "human" or turn.speaker in LEADS
        else Turn(cast[turn.speaker].name.zh, turn.text)
        for turn in line.before
    )
    scene = Scene(leads, before)
    shared = encode(transcript(scene, leads[0], style=serving.style), engine.encode)
    continuations = []
    for character in leads:
        whole = encode(lesson(scene, character, line.text, style=serving.style), engine.encode)
        continuations.append(whole[len(shared) :])
    scores = await engine.score(shared, continuations)
    best = max(range(len(leads)), key=lambda index: scores[index])
    return leads[best].id


class CharacterNgrams:
    """Naive Bayes on character 1- to 3-grams.

    A speaker's counts are smoothed towards everybody's (Dirichlet prior): adding a constant would
    favour who says least.
    """

    def __init__(self, lines: Sequence[LeadLine], *, prior: float = 2000.0) -> None:
        self._counts: dict[str, Counter[str]] = defaultdict(Counter)
        self._lines = Counter(line.speaker for line in lines)
        for line in lines:
            self._counts[line.speaker].update(_grams(line.text))
        self._all: Counter[str] = sum(self._counts.values(), Counter())
        self._prior = prior

    def pick(self, text: str) -> str:
        everything = self._all.total() + 1

        def score(speaker: str) -> float:
            counts = self._counts[speaker]
            total = counts.total() + self._prior
            grams = [gram for gram in _grams(text) if gram in self._all]
            return math.log(self._lines[speaker]) + sum(
                math.log((counts[gram] + self._prior * self._all[gram] / everything) / total)
                for gram in grams
            )

        return max(self._lines, key=score)


def _grams(text: str) -> list[str]:
    return [text[i : i + n] for n in (1, 2, 3) for i in range(len(text) - n + 1)]


async def measure(
    engine: Engine,
    serving: Serving,
    cast: Cast,
    scenes: Path,
    held_out: Sequence[int],
    *,
    most: int = 0,
) -> dict[str, object]:
    """Accuracies in 0..1 over the leads' lines of the held-out chapters, and by speaker; `most` of
    the lines, evenly spread (0: all). `interval`: of the accuracy, 95 %, drawn again by line."""
    test = lines_of(scenes, cast, held_out)
    if most and len(test) > most:
        test = [test[number * len(test) // most] for number in range(most)]
    train = lines_of(scenes, cast, set(range(1, 1000)) - set(held_out))
    ngrams = CharacterNgrams(train)
    right: Counter[str] = Counter()
    mixed: dict[str, Counter[str]] = defaultdict(Counter)
    alone = sum(
        [
            await pick(engine, serving, cast, LeadLine(line.speaker, line.text, ())) == line.speaker
            for line in test
        ]
    )
    found = []
    for number, line in enumerate(test):
        picked = await pick(engine, serving, cast, line)
        found.append(Value(str(number), line.speaker, str(number), float(picked == line.speaker)))
        mixed[line.speaker][picked] += 1
        right["model"] += picked == line.speaker
        right["ngram"] += ngrams.pick(line.text) == line.speaker
    majority = Counter(line.speaker for line in train).most_common(1)[0][0]
    n = len(test)
    return {
        "n": n,
        "accuracy": round(right["model"] / n, 4),
        "interval": rounded(interval(found)),
        "line_alone": round(alone / n, 4),
        "majority": round(sum(line.speaker == majority for line in test) / n, 4),
        "ngram": round(right["ngram"] / n, 4),
        "confusion": {true: dict(picked) for true, picked in mixed.items()},
    }


def options(verb: argparse.ArgumentParser) -> None:
    """The options of `mrp evaluate speaker`."""
    model_options(verb)
    verb.add_argument("--canon", type=Path, default=Path("build/canon"))
    held_out_option(verb)
    verb.add_argument("--most", type=int, default=0, metavar="N", help="lines (default: all)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure and print. Raises ScriptError without a canon, ModelError, StyleError."""
    held_out = chapters(args.held_out)

    async def measured() -> dict[str, object]:
        async with opened_for(args) as (engine, served):
            scenes = args.canon / "scenes.jsonl"
            cast = load_cast(args.cast)
            return await measure(engine, served, cast, scenes, held_out, most=args.most)

    result = asyncio.run(measured())
    show(result)
    return result
