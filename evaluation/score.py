"""A measure's outcome: values, their mean, and how sure that is.

Intervals are percentile bootstraps over groups (Davison and Hinkley 1997, 5.3): replies to one
question are no independent evidence, so questions are drawn again, not replies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Better = Literal["high", "low", ""]

DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Value:
    """One observation. `id` is the ask or the bag it comes from, `group` what it depends on."""

    id: str
    character: str
    group: str
    value: float


@dataclass(frozen=True, slots=True)
class Score:
    """All observations of one measure.

    `better`: which direction is good, "" where neither is. `chance`: what one gets who knows
    nothing, where that is known. `judge`: who judged, and the hash of the prompt; scores of
    different judges are never compared.
    """

    name: str
    values: tuple[Value, ...]
    better: Better = "high"
    chance: float | None = None
    judge: str = ""
    unparsed: int = 0

    @property
    def mean(self) -> float | None:
        """None without a value."""
        return float(np.mean([v.value for v in self.values])) if self.values else None

    def of(self, character: str) -> Score:
        """The observations of one character."""
        mine = tuple(v for v in self.values if v.character == character)
        return Score(self.name, mine, self.better, self.chance, self.judge)


Interval = tuple[float, float]


def interval(values: Sequence[Value]) -> Interval | None:
    """Of the mean, 95 %. None for fewer than two groups: nothing can be drawn again."""
    return interval_of(draws(values))


def difference(
    first: Sequence[Value], second: Sequence[Value]
) -> tuple[float, Interval | None] | None:
    """Mean of the first minus mean of the second, and its interval.

    Groups that both have are drawn together (paired); when none is shared, both are drawn apart.
    None where one of them has no values.
    """
    first, second = common(first, second)
    if not first or not second:
        return None
    paired = {v.group for v in first} == {v.group for v in second}
    gaps = draws(first) - draws(second, seed=1 if paired else 2)
    gap = float(np.mean([v.value for v in first]) - np.mean([v.value for v in second]))
    return gap, interval_of(gaps)


def common(
    first: Sequence[Value], second: Sequence[Value]
) -> tuple[Sequence[Value], Sequence[Value]]:
    """Only the groups that both have; both as they are where no group is shared."""
    shared = {v.group for v in first} & {v.group for v in second}
    if not shared:
        return first, second
    return [v for v in first if v.group in shared], [v for v in second if v.group in shared]


def draws(values: Sequence[Value], *, seed: int = 1) -> NDArray[np.float64]:
    """Means of `DRAWS` samples of the groups, drawn with replacement; nan below two groups.

    The same seed and the same groups give the same samples, so that differences are paired.
    """
    groups = sorted({v.group for v in values})
    if len(groups) < 2:
        return np.full(DRAWS, np.nan)
    place = {group: index for index, group in enumerate(groups)}
    sums, counts = np.zeros(len(groups)), np.zeros(len(groups))
    for v in values:
        sums[place[v.group]] += v.value
        counts[place[v.group]] += 1
    picks = np.random.default_rng(seed).integers(0, len(groups), (DRAWS, len(groups)))
    return np.asarray(sums[picks].sum(axis=1) / counts[picks].sum(axis=1))


def interval_of(means: NDArray[np.float64], level: float = 0.95) -> Interval | None:
    """The percentiles of drawn means; None where nothing could be drawn."""
    if np.isnan(means).any():
        return None
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def to_json(score: Score) -> dict[str, Any]:
    """Mean, interval, by character, and the values themselves (so that reports can be compared)."""
    characters = sorted({v.character for v in score.values})
    return {
        "mean": _rounded(score.mean),
        "interval": rounded(interval(score.values)),
        "n": len(score.values),
        "better": score.better,
        "chance": score.chance,
        "judge": score.judge,
        "unparsed": score.unparsed,
        "characters": {
            name: {
                "mean": _rounded(score.of(name).mean),
                "interval": rounded(interval(score.of(name).values)),
                "n": len(score.of(name).values),
            }
            for name in characters
        },
        "values": [[v.id, v.character, v.group, round(v.value, 5)] for v in score.values],
    }


def from_json(name: str, row: Mapping[str, Any]) -> Score:
    """The score that `to_json` wrote. Raises KeyError, TypeError or ValueError otherwise."""
    values = tuple(Value(str(i), str(c), str(g), float(x)) for i, c, g, x in row["values"])
    return Score(name, values, row["better"], row["chance"], row["judge"], row["unparsed"])


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 4)


def rounded(found: Interval | None) -> list[float] | None:
    """An interval for JSON: four digits."""
    return None if found is None else [round(found[0], 4), round(found[1], 4)]
