"""Pictures that stand in a page as text."""

from __future__ import annotations

from evaluation.plots import bars, radar
from evaluation.standing import OVERALL, Standing

ROWS = [
    Standing("self", 0.9, (0.8, 1.0)),
    Standing("voice", -0.1, None),
    Standing("follows", 0.5, (0.3, 0.7)),
    Standing(OVERALL, 0.4, (0.3, 0.5)),
]


def test_every_axis_is_named_and_letters_stay_letters() -> None:
    for draw in (radar, bars):
        drawn = draw({"mini": ROWS})
        assert drawn.startswith("<svg role=")
        for axis in ("self", "voice", "follows"):
            assert f">{axis}<" in drawn


def test_the_same_rows_give_the_same_picture() -> None:
    assert bars({"a": ROWS, "b": ROWS[:2]}) == bars({"a": ROWS, "b": ROWS[:2]})
    assert radar({"a": ROWS}) == radar({"a": ROWS})
