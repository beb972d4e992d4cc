"""Points, and the curves through them."""

import re
from collections import Counter
from xml.etree import ElementTree

import pytest

from bot.platforms.studio.figures import KEPT, Figures, curve


def test_a_curve_is_drawn_from_counts():
    stats: Counter[str] = Counter()
    figures = Figures(None, stats)
    assert figures.plots() == []
    for minute in range(4):
        stats["heard"] += 3 * minute
        stats["said"] += 1
        figures.look(60.0 * minute)
    plots = {plot.key: plot for plot in figures.plots()}
    assert (plots["messages"].newest, plots["messages"].most) == ("9", "9")
    assert plots["replies"].newest == "1"
    assert plots["tokens"].newest == "0"
    for minute in range(KEPT + 50):
        figures.look(1000.0 + minute)
    assert len(figures._points) == KEPT


@pytest.mark.parametrize("values", [[0.0], [0.0, 0.0], [1.0, 5.0, 2.5], [1e9] * 3])
def test_a_curve_is_svg_without_style_or_script(values):
    text = str(curve(values))
    root = ElementTree.fromstring(text)
    assert root.tag.endswith("svg")
    assert not re.search(r"style|script|\son\w+=", text)
    for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", text):
        assert 0 <= float(x) <= 320.01
        assert 0 <= float(y) <= 90
