"""Figures of a running bot, a point a minute, and their plots as SVG.

figures = Figures(engine, stats)
figures.look(time.monotonic())                   # a point
for plot in figures.plots(): plot.svg            # drawn here: no script, no style in it
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from engine.stats import Stats

MINUTE = 60.0
KEPT = 24 * 60  # points: a day
WIDE, HIGH = 320, 90  # of a plot, in units of its own


@dataclass(frozen=True, slots=True)
class Point:
    """Counts since the start, at a time (seconds of a clock that never goes back)."""

    at: float
    heard: int
    said: int
    generated: int = 0
    reused: int = 0
    read: int = 0  # prompt tokens, reused ones included
    queued: int = 0
    first_token: float = 0.0


@dataclass(frozen=True, slots=True)
class Plot:
    """A curve, with its newest and its greatest value as text. `key` is one of the words."""

    key: str
    newest: str
    most: str
    svg: Markup


class Figures:
    """The points of a process."""

    def __init__(self, engine: object, stats: Mapping[str, int]) -> None:
        self._engine = engine
        self._stats = stats
        self._points: deque[Point] = deque(maxlen=KEPT)

    def look(self, now: float | None = None) -> None:
        """Note how it is."""
        stats: Any = getattr(self._engine, "stats", None)
        engine = stats() if callable(stats) else Stats()
        self._points.append(
            Point(
                time.monotonic() if now is None else now,
                self._stats.get("heard", 0),
                self._stats.get("said", 0),
                engine.generated,
                engine.reused + engine.restored,
                engine.evaluated + engine.reused + engine.restored,
                engine.queued,
                engine.first_token.quantile(0.5),
            )
        )

    @property
    def minutes(self) -> int:
        """What the curves span."""
        points = self._points
        return round((points[-1].at - points[0].at) / 60) if points else 0

    def plots(self) -> list[Plot]:
        """The curves; none before there are two points."""
        points = list(self._points)
        if len(points) < 2:
            return []
        steps = list(pairwise(points))
        spans = [max(b.at - a.at, 1e-6) for a, b in steps]
        pairs = list(zip(steps, spans, strict=True))
        curves = {
            "messages": [60 * (b.heard - a.heard) / s for (a, b), s in pairs],
            "replies": [60 * (b.said - a.said) / s for (a, b), s in pairs],
            "tokens": [(b.generated - a.generated) / s for (a, b), s in pairs],
            "reuse": [100 * (b.reused - a.reused) / max(b.read - a.read, 1) for a, b in steps],
            "queue": [float(b.queued) for _, b in steps],
            "first token": [b.first_token for _, b in steps],
        }
        return [
            Plot(key, _shown(values[-1]), _shown(max(values)), curve(values))
            for key, values in curves.items()
        ]


@dataclass(frozen=True, slots=True)
class Share:
    """A bar of a character: how many lines, of all of them in percent."""

    id: str
    lines: int
    percent: float
    svg: Markup


def shares(spoken: Mapping[str, int], most: int = 12) -> list[Share]:
    """The characters who said most, the longest bar first."""
    total = sum(spoken.values())
    rows = sorted(((n, who) for who, n in spoken.items() if n > 0), key=lambda r: (-r[0], r[1]))
    return [
        Share(who, lines, 100 * lines / total, bar(lines / rows[0][0]))
        for lines, who in rows[:most]
    ]


def bar(part: float) -> Markup:
    """A bar that is full at 1."""
    return Markup(
        '<svg viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-hidden="true">'
        '<rect width="100" height="6" fill="currentColor" fill-opacity=".12"/>'
        '<rect width="{w}" height="6" fill="currentColor"/></svg>'
    ).format(w=f"{100 * min(max(part, 0.0), 1.0):.1f}")


def _shown(value: float) -> str:
    return f"{value:.0f}" if value >= 10 or value == round(value) else f"{value:.2g}"


def _seen(values: Sequence[float], most: int = 2 * WIDE) -> Sequence[float]:
    """At most so many values: where there are more, the means of neighbours."""
    beside = -(-len(values) // most)
    if beside <= 1:
        return values
    groups = [values[at : at + beside] for at in range(0, len(values), beside)]
    return [sum(group) / len(group) for group in groups]


def curve(values: Sequence[float], least: float = 0.0) -> Markup:
    """A curve from left to right, with the ground under it; colours are those of the page. `least`
    is the value at the bottom."""
    values = [value - least for value in _seen(values)]
    most = max([*values, 1e-9])
    across = WIDE / max(len(values) - 1, 1)
    dots = [
        f"{number * across:.1f},{HIGH - 4 - (HIGH - 12) * max(value, 0) / most:.1f}"
        for number, value in enumerate(values)
    ]
    if len(dots) == 1:
        dots.append(f"{WIDE},{dots[0].partition(',')[2]}")
    line = " ".join(dots)
    return Markup(
        '<svg viewBox="0 0 {w} {h}" role="img" aria-hidden="true">'
        '<polygon points="0,{h} {line} {w},{h}" fill="currentColor" fill-opacity=".12"/>'
        '<line x1="0" y1="8" x2="{w}" y2="8" stroke="currentColor" stroke-opacity=".25" '
        'stroke-dasharray="2 5"/>'
        '<polyline points="{line}" fill="none" stroke="currentColor" stroke-width="2" '
        'stroke-linejoin="round"/></svg>'
    ).format(w=WIDE, h=HIGH, line=line)
