"""Who speaks in each unit of an English chapter: the likeliest run of turns.

Evidence for each person around (`canon.english.evidence`) is added to who speaks after whom: mostly
two by turns. That is a Markov chain over pairs of speakers; forward and backward give each person a
probability, so a bare line is decided by the tags before it and behind it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from canon.english.cast import Cast
from canon.english.evidence import NARRATOR, Mention, Unit
from canon.english.grammar import gender_of_role

UNDECIDED = "?"

# Log-odds; see `canon.english.evidence`.
SAME, TURNS = -2.0, 3.0  # right after one another
SAME_LATER, TURNS_LATER = -0.2, 0.8  # with some narration between
ONE_PARAGRAPH, GOES_ON = -6.0, 12.0
CALLED_ANSWERS = 3.5
RECENT, OFTEN, LATER, FAR = 2.5, 0.4, -1.0, -3.0
NARRATOR_IS_NOT_HE = 12.0
UNKNOWN_SEX = 0.2  # of what speaks against the other sex
STRANGER = -2.5
_NEAR, _MOST, _TALK_ENDS = 14, 10, 3
_SOMEBODY = 3.0  # "the man" alone makes nobody a person of his own
_SUREST, _LEAST = 0.97, 0.5

Scores = NDArray[np.float64]


def decide(
    units: Sequence[Unit], mentions: Sequence[Mention], cast: Cast
) -> list[tuple[str, float]]:
    """(speaker, probability) of each unit; the speaker is UNDECIDED where nobody is likelier."""
    if not units:
        return []
    people = [_around(index, units, mentions) for index in range(len(units))]
    odds = [
        _odds(unit, people[i], cast, units[i - 1] if i else None) for i, unit in enumerate(units)
    ]
    return _chain(units, people, odds)


def _around(index: int, units: Sequence[Unit], mentions: Sequence[Mention]) -> dict[str, float]:
    """Who may speak in a unit, with how present each of them is (log-odds)."""
    unit = units[index]
    close: dict[str, float] = {}
    often: Counter[str] = Counter()
    for mention in mentions:  # those of one section; few enough
        distance = unit.place - mention.place
        if 0 <= distance <= _NEAR or -2 <= distance < 0:
            often[mention.name] += 1
            near = RECENT / (1 + distance) if distance >= 0 else LATER
            close[mention.name] = max(close.get(mention.name, 0.0), near)
    for other in units[max(0, index - 25) : index + 4]:
        if abs(other.place - unit.place) > 2 * _NEAR:
            continue
        for name, score in other.scores.items():
            if score >= _SOMEBODY:
                close.setdefault(name, 0.0)
                often[name] += 1
        if other.called:
            close.setdefault(other.called, 0.0)
    for name in unit.scores:
        if unit.scores[name] > 0:
            close.setdefault(name, FAR)
    present = {name: near + OFTEN * np.log1p(often[name]) for name, near in close.items()}
    best = sorted(present, key=lambda n: -(present[n] + max(unit.scores.get(n, 0.0), 0.0)))[:_MOST]
    return {**{name: float(present[name]) for name in best}, UNDECIDED: STRANGER}


def _odds(unit: Unit, people: Mapping[str, float], cast: Cast, before: Unit | None) -> Scores:
    """Log-odds of each person to speak in a unit, by itself."""
    odds = []
    for name, present in people.items():
        score = present + unit.scores.get(name, 0.0)
        for sex, weight in unit.sexes.items():
            if name == NARRATOR:
                score -= min(weight, NARRATOR_IS_NOT_HE)
            elif name != UNDECIDED:
                known = cast.pronouns.get(name) or _sex_of_role(name)
                score -= (
                    weight if known and known != sex else 0.0 if known else UNKNOWN_SEX * weight
                )
        if before and before.called == name and unit.gap <= 1:
            score += CALLED_ANSWERS / (1 + max(unit.gap, 0))
        odds.append(score)
    return np.array(odds)


def _sex_of_role(name: str) -> str:
    return gender_of_role(name.split()[-1])


def _chain(
    units: Sequence[Unit], people: Sequence[Mapping[str, float]], odds: Sequence[Scores]
) -> list[tuple[str, float]]:
    """Forward and backward over pairs of speakers: (who spoke before, who speaks)."""
    names = [list(one) for one in people]
    ahead = [np.exp(odds[0] - odds[0].max())[None, :]]
    links: list[tuple[Scores, Scores]] = []
    names_before = [UNDECIDED]
    for index in range(1, len(units)):
        last, now = names[index - 1], names[index]
        same, turns = _weights(units[index])
        two_back = names_before if index == 1 else names[index - 2]
        again = np.exp(_equal(last, now) * same)  # last × now
        back = np.exp(_equal(two_back, now) * turns)  # two back × now
        own = np.exp(odds[index] - odds[index].max())
        links.append((again * own, back))
        forward = np.einsum("ij,ik->jk", ahead[-1], back) * again * own
        ahead.append(forward / forward.sum())
    behind = np.ones_like(ahead[-1])
    result: list[tuple[str, float]] = []
    for index in range(len(units) - 1, -1, -1):
        both = (ahead[index] * behind).sum(axis=0)
        both /= both.sum()
        best = int(both.argmax())
        sure = min(_SUREST, float(both[best]))
        result.append((names[index][best] if sure >= _LEAST else UNDECIDED, sure))
        if index:
            own_again, back = links[index - 1]
            behind = np.einsum("ik,jk->ij", back, own_again * behind)
            behind /= behind.max()
    return result[::-1]


def _equal(some: Sequence[str], others: Sequence[str]) -> Scores:
    """1 where two are the same known person."""
    return np.array([[float(a == b and a != UNDECIDED) for b in others] for a in some])


def _weights(unit: Unit) -> tuple[float, float]:
    """Log-odds that who spoke last speaks again, and that the one before does."""
    if unit.goes_on:
        return GOES_ON, 0.0
    if unit.gap < 0:
        return ONE_PARAGRAPH, 0.0
    if unit.gap == 0:
        return SAME, TURNS
    if unit.gap <= _TALK_ENDS:
        return SAME_LATER, TURNS_LATER
    return 0.0, 0.0
