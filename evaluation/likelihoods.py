"""Measures that ask the subject's own likelihoods; only a GGUF in our engine has them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from evaluation.score import Value
from evaluation.subject import Ask, Subject


@dataclass(frozen=True, slots=True)
class Measured:
    """Values, and what chance gets where that is known."""

    values: tuple[Value, ...]
    chance: float | None = None


Told = Callable[[int, int], object]  # how many are done, of how many
# None from a subject without likelihoods.
Likelihood = Callable[[Subject, Sequence[Ask], Told], Awaitable[Measured | None]]


async def knowledge(subject: Subject, asks: Sequence[Ask], told: Told) -> Measured | None:
    """1 where the question raises the right answer's likelihood more than that of any wrong one.

    (By log-probability a character an untrained model got .46 of four where chance is .25: the
    right names are single tokens in a vocabulary made from the book.)
    """
    first: dict[str, Ask] = {}
    for ask in asks:
        if ask.expect.choices:
            first.setdefault(ask.group, ask)
    values = []
    for ask in first.values():
        scores = await subject.prefer(ask, ask.expect.choices)
        if scores is None:
            return None
        right = all(scores[0] > other for other in scores[1:])
        values.append(Value(ask.id, ask.speaker.id, ask.group, float(right)))
        told(len(values), len(first))
    most = max((len(ask.expect.choices) for ask in asks), default=0)
    return Measured(tuple(values), 1 / most if most else None)


async def turn_taking(subject: Subject, asks: Sequence[Ask], told: Told) -> Measured | None:
    """1 where the book's next speaker is the likeliest of all examined but the last speaker.

    All of them are on stage, so that the cards do not tell.
    """
    everybody = tuple({ask.speaker.id: ask.speaker for ask in asks}.values())
    values, chances = [], []
    book = [ask for ask in asks if ask.part == "book"]
    for number, ask in enumerate(book, 1):
        told(number, len(book))
        among = [each for each in everybody if each.id != ask.scene.turns[-1].speaker]
        if len(among) < 2 or ask.speaker not in among:
            continue
        staged = replace(ask, scene=replace(ask.scene, cast=everybody))
        scores = await subject.opinion(staged, among)
        if scores is None:
            return None
        picked = among[max(range(len(among)), key=scores.__getitem__)]
        values.append(Value(ask.id, ask.speaker.id, ask.group, float(picked == ask.speaker)))
        chances.append(1 / len(among))
    return Measured(tuple(values), sum(chances) / len(chances) if chances else None)
