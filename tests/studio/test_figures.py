"""Points, and the curves through them."""

import re
from collections import Counter
from xml.etree import ElementTree

import pytest

from bot.platforms.studio.figures import KEPT, Figures, bar, curve, shares


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


def test_a_curve_of_many_values_is_drawn_with_as_many_points_as_can_be_seen():
    values = [2.0 + (n % 7) for n in range(20_000)]
    text = str(curve(values))
    assert len(text) < 25_000
    line = text.rpartition("points=")[2]
    ys = [float(y) for _, y in re.findall(r"([\d.]+),([\d.]+)", line)]
    assert 300 < len(ys) <= 640
    assert max(ys) - min(ys) < 6  # the means of neighbours, which are all the same


def test_bars_by_character_the_longest_first():
    found = shares(Counter(wukong=6, bajie=3, shaseng=1, wujing=0), most=2)
    assert [(one.id, one.lines, one.percent) for one in found] == [
        ("wukong", 6, 60.0),
        ("bajie", 3, 30.0),
    ]
    assert 'width="50.0"' in found[1].svg
    assert shares({}) == []
    for part in (-1.0, 0.0, 0.3, 7.0):
        assert ElementTree.fromstring(str(bar(part))).tag.endswith("svg")
