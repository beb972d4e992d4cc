"""How a voice stands on each axis of the table of measures: 0 is what chance gets, 1 is perfect.

An axis is the weighted mean of its measures. A score that is missing leaves its weight to the
others; one of negative weight never stands alone (who refuses everything rejects the unknown, too).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.score import DRAWS, Interval, Score, common, draws, interval_of
from evaluation.table import AXES, parts_of_axis

OVERALL = "overall"

Drawn = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Standing:
    """One axis: its value and 95 % interval (None where too little was asked)."""

    axis: str
    value: float
    interval: Interval | None


def standing(scores: Iterable[Score]) -> list[Standing]:
    """All axes that the scores allow, and their mean as `overall`, last."""
    named = {score.name: score for score in scores}
    found = {axis: _axis(parts_of_axis(axis), named) for axis in AXES}
    axes = {axis: part for axis, part in found.items() if part is not None}
    if not axes:
        return []
    rows = [Standing(axis, value, interval_of(drawn)) for axis, (value, drawn) in axes.items()]
    value, drawn = _mean(axes.values())
    return [*rows, Standing(OVERALL, value, interval_of(drawn))]


def ahead(first: Iterable[Score], second: Iterable[Score]) -> list[Standing]:
    """By how much the first leads the second on each axis that both have, and overall.

    Questions that both answered are drawn together, so that their difficulty cancels out.
    """
    ones = {score.name: score for score in first}
    others = {score.name: score for score in second}
    gaps: dict[str, tuple[float, Drawn]] = {}
    for axis in AXES:
        shared = tuple((n, w) for n, w in parts_of_axis(axis) if n in ones and n in others)
        mine, theirs = {}, {}
        for name, _ in shared:
            left, right = common(ones[name].values, others[name].values)
            mine[name] = Score(name, tuple(left), chance=ones[name].chance)
            theirs[name] = Score(name, tuple(right), chance=others[name].chance)
        here, there = _axis(shared, mine), _axis(shared, theirs)
        if here is not None and there is not None:
            gaps[axis] = (here[0] - there[0], here[1] - there[1])
    if not gaps:
        return []
    rows = [Standing(axis, value, interval_of(drawn)) for axis, (value, drawn) in gaps.items()]
    value, drawn = _mean(gaps.values())
    return [*rows, Standing(OVERALL, value, interval_of(drawn))]


def _axis(
    parts: Iterable[tuple[str, float]], named: Mapping[str, Score]
) -> tuple[float, Drawn] | None:
    there = [(named[name], weight) for name, weight in parts if name in named]
    there = [(score, weight) for score, weight in there if score.mean is not None]
    gain = sum(weight for _, weight in there if weight > 0)
    if not gain:
        return None
    value, drawn = 0.0, np.zeros(DRAWS)
    for score, weight in there:
        chance = score.chance or 0.0
        share = weight / gain if weight > 0 else weight
        value += share * ((score.mean or 0.0) - chance) / (1 - chance)
        drawn = drawn + share * (draws(score.values) - chance) / (1 - chance)
    return value, drawn


def _mean(rows: Iterable[tuple[float, Drawn]]) -> tuple[float, Drawn]:
    values, drawn = zip(*rows, strict=True)
    return float(np.mean(values)), np.asarray(np.mean(drawn, axis=0))
