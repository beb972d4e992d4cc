"""The pictures of a report, as SVG text to stand in a page. The only door to matplotlib here.

Letters stay letters (the page's own fonts show them), so names in any script can be drawn; they
are not measured, so labels are kept short.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.standing import Standing

COLOURS = ("#c8502d", "#2b6cb0", "#7a7a7a", "#2f855a", "#805ad5", "#b7791f")

Rows = Mapping[str, Sequence[Standing]]  # who -> axes


def radar(rows: Rows) -> str:
    """All axes of each subject around a circle, 0 (chance) in the middle; below 0 is drawn as 0."""
    figure, pyplot = _figure(5.2, 4.6)
    axes = figure.add_subplot(polar=True)
    names = _axes(rows)
    angles = [2 * math.pi * index / len(names) for index in range(len(names))]
    for colour, (who, standings) in zip(_colours(len(rows)), rows.items(), strict=True):
        value = {row.axis: max(0.0, row.value) for row in standings}
        around = [value.get(name, 0.0) for name in names]
        axes.plot([*angles, angles[0]], [*around, around[0]], color=colour, label=who)
        axes.fill([*angles, angles[0]], [*around, around[0]], color=colour, alpha=0.12)
    axes.set_xticks(angles, names)
    axes.set_ylim(0, 1)
    axes.set_yticks([0.25, 0.5, 0.75, 1.0], ["", "0.5", "", "1"], fontsize=8)
    axes.tick_params(pad=12)
    if len(rows) > 1:
        figure.legend(loc="lower center", ncols=1, frameon=False, fontsize=9)
        figure.subplots_adjust(bottom=0.1 + 0.055 * len(rows), top=0.88)
    return _svg(figure, pyplot, "How the voices stand, axis by axis")


def bars(rows: Rows) -> str:
    """The same with intervals, one group of bars an axis, `overall` last."""
    names = [*_axes(rows), "overall"]
    high = 0.28 * len(names) * max(1, len(rows)) * 0.8 + 1.1
    figure, pyplot = _figure(5.2, max(2.8, high))
    axes = figure.add_subplot()
    thick = 0.8 / len(rows)
    for index, (who, standings) in enumerate(rows.items()):
        found = {row.axis: row for row in standings}
        there = [(place, found[name]) for place, name in enumerate(names) if name in found]
        places = [place + (index - (len(rows) - 1) / 2) * thick for place, _ in there]
        values = [row.value for _, row in there]
        colour = _colours(len(rows))[index]
        axes.barh(places, values, thick * 0.9, color=colour, label=who)
        for place, (_, row) in zip(places, there, strict=True):
            if row.interval:
                axes.plot(row.interval, [place, place], color="black", linewidth=1.2)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlim(min(-0.1, axes.get_xlim()[0]), 1.02)
    axes.set_xlabel("0: chance, 1: perfect; lines: 95 % intervals", fontsize=9)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    return _svg(figure, pyplot, "The same with intervals")


def _axes(rows: Rows) -> list[str]:
    named = (row.axis for standings in rows.values() for row in standings)
    return [name for name in dict.fromkeys(named) if name != "overall"]


def _colours(count: int) -> list[str]:
    return [COLOURS[index % len(COLOURS)] for index in range(count)]


def _figure(width: float, height: float) -> tuple[Any, Any]:
    import matplotlib  # of the evaluate extra, and slow to import

    matplotlib.use("Agg")
    # The same values give the same bytes; and text stays text.
    matplotlib.rcParams.update({"svg.hashsalt": "mrp", "svg.fonttype": "none", "font.size": 10})
    matplotlib.rcParams["font.family"] = ["sans-serif"]
    from matplotlib import pyplot  # after the backend is chosen

    return pyplot.figure(figsize=(width, height)), pyplot


def _svg(figure: Any, pyplot: Any, title: str) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    pyplot.close(figure)
    drawn = text.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    return drawn.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1)
