"""Relevance lift: how much likelier a reply is after its own talk than after another's.

    judge = EngineSubject.open(Path("qwen2.5-1.5b.gguf"))      a model that is not the subject
    found = await measure(judge, exchanges, step)
    found.share, found.shuffled                                of the replies, and of shuffled ones

Under the judge's likelihoods a reply is scored after its own context and after the contexts of two
others to the same speaker before the same cards, so that neither the voice nor the cards tell. The
share of those others that its own context beats is 1 for a reply that fits nowhere else, 0.5 by
chance. Each reply given to the next context is the floor (shuffled); replies that people wrote
(held-out lessons) are the ceiling. It stands beside the axis *follows*, not in it: it depends on
the model that judges, and a reply that repeats the question has a lift, too.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from characters.card import Cast, Character, Language, UnknownCharacter
from characters.turn import Scene, Turn
from evaluation.error import EvaluationError
from evaluation.progress import Step
from evaluation.score import Score, Value
from evaluation.subject import Answers, Ask, EngineSubject

# Other contexts that each reply is held against.
OTHERS = 2
CHANCE = 0.5
MOST = 60  # exchanges that are scored: a judge reads each context once

LIFT = "likelier after its own talk"
NATS = "relevance lift (nats a character)"
WRITTEN = "… of replies that people wrote"
SHUFFLED = "… of the replies shuffled"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A talk and the reply to it. `group`: what it depends on, for intervals."""

    id: str
    group: str
    scene: Scene
    speaker: Character
    reply: str


@dataclass(frozen=True, slots=True)
class Relevance:
    """Per reply: the share of other contexts that its own beats, and the lift in nats a character;
    `shuffled`: the share for each reply after the next one's context."""

    share: tuple[Value, ...]
    nats: tuple[Value, ...]
    shuffled: tuple[Value, ...]


def exchanges_of(asks: Sequence[Ask], answers: Answers, *, most: int = MOST) -> list[Exchange]:
    """The subject's replies to talks of more than one turn, and to everyday questions."""
    found = [
        Exchange(ask.id, ask.group, ask.scene, ask.speaker, answers[ask.id].text)
        for ask in asks
        if ask.part in ("follows", "everyday", "book") and answers[ask.id].text
    ]
    found.sort(key=lambda one: -min(len(one.scene.turns), 2))  # talks before single questions
    return found[:most]


def read_exchanges(path: Path, cast: Cast, *, most: int = MOST) -> list[Exchange]:
    """Held-out lessons as `mrp lessons` and `mrp synth` write them, evenly spread over the file.

    Raises:
        EvaluationError: the file is missing, or a row is no lesson of this cast.
    """
    try:
        rows = [json.loads(x) for x in path.read_text(encoding="utf-8").splitlines() if x.strip()]
        found = [_exchange(row, cast, f"{path.stem}/{n}") for n, row in enumerate(rows)]
    except (OSError, ValueError, KeyError, TypeError, UnknownCharacter, RecursionError) as problem:
        raise EvaluationError(
            f"{path} holds no lessons of this cast ({problem}); name the held_out.jsonl that "
            "`mrp lessons` wrote"
        ) from None
    talks = [one for one in found if len(one.scene.turns) > 1 and one.reply]
    if not talks:
        raise EvaluationError(f"{path} has no lesson with a talk before its reply")
    return talks[:: max(1, len(talks) // most)][:most]


def _exchange(row: dict[str, object], cast: Cast, name: str) -> Exchange:
    turns = row["turns"]
    assert isinstance(turns, list)
    said = tuple(
        Turn(str(turn["speaker"]), str(turn["text"]), turn["side"])
        for turn in turns
        if turn["side"] != "narration"
    )
    language: Language = "en" if row["language"] == "en" else "zh"
    ids = row["cast"]
    assert isinstance(ids, list)
    scene = Scene(tuple(cast[str(one)] for one in ids), said, language=language)
    return Exchange(name, name, scene, cast[str(row["speaker"])], str(row["reply"]))


async def measure(
    judge: EngineSubject, exchanges: Sequence[Exchange], step: Step, what: str = "relevance"
) -> Relevance:
    """Score all exchanges; one whose speaker and cards no two others share is left out."""
    share: list[Value] = []
    nats: list[Value] = []
    shuffled: list[Value] = []
    done = 0
    for same in _alike(exchanges):
        # table[c][r]: the log-probability of the reply of r after the talk of c.
        table: list[dict[int, float]] = []
        for place, one in enumerate(same):
            others = [(place + turn) % len(same) for turn in range(OTHERS + 1)]
            replies = [same[other].reply for other in others]
            scores = await judge.scores(one.scene, one.speaker, replies)
            table.append(dict(zip(others, scores, strict=True)))
            done += 1
            step(what, done, len(exchanges))
        for place, one in enumerate(same):
            before = [(place - turn) % len(same) for turn in range(1, OTHERS + 1)]
            own = table[place][place]
            rest = [table[other][place] for other in before]
            share.append(_value(one, sum(own > score for score in rest) / len(rest)))
            mean = sum(rest) / len(rest)
            nats.append(_value(one, (own - mean) / max(1, len(one.reply))))
            shuffled.append(_value(one, float(rest[0] > rest[1])))
    return Relevance(tuple(share), tuple(nats), tuple(shuffled))


def _alike(exchanges: Sequence[Exchange]) -> Iterable[list[Exchange]]:
    """Exchanges of one speaker before the same cards, three or more."""
    groups: dict[tuple[str, str], list[Exchange]] = defaultdict(list)
    for one in exchanges:
        alone = replace(one, scene=_alone(one.scene, one.speaker))
        groups[one.speaker.id, one.scene.language].append(alone)
    return [same for same in groups.values() if len(same) > OTHERS]


def _alone(scene: Scene, speaker: Character) -> Scene:
    """The same talk before the speaker's card only: the others speak as people do."""
    names = {member.id: member.name[scene.language] for member in scene.cast}
    turns = tuple(
        turn
        if turn.side == "human" or turn.speaker == speaker.id
        else Turn(names.get(turn.speaker, turn.speaker), turn.text)
        for turn in scene.turns
    )
    return replace(scene, cast=(speaker,), turns=turns)


def _value(one: Exchange, value: float) -> Value:
    return Value(one.id, one.speaker.id, one.group, value)


def scores_of(found: Relevance, judge: str) -> list[Score]:
    """The subject's scores; who judged is on them, so that other judges' are not set beside."""
    return [
        Score(LIFT, found.share, "high", CHANCE, judge),
        Score(NATS, found.nats, "high", None, judge),
        Score(SHUFFLED, found.shuffled, "", CHANCE, judge),
    ]
