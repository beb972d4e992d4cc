"""Axes: zero at chance, one when perfect."""

from __future__ import annotations

from evaluation import standing
from evaluation.score import Score, Value


def values(*rows: tuple[str, float]) -> tuple[Value, ...]:
    return tuple(Value(f"{group}/{i}", "a", group, x) for i, (group, x) in enumerate(rows))


def test_an_axis_is_zero_at_chance_and_one_when_perfect() -> None:
    def stood(mean: float) -> float:
        found = Score("knows (choice)", values(("a", mean), ("b", mean)), "high", 0.25)
        return standing.standing([found])[0].value

    assert stood(0.25) == 0
    assert stood(1) == 1
    assert standing.standing([]) == []


def test_who_refuses_everything_gains_nothing() -> None:
    rejects = Score("rejects the unknown", values(("a", 1), ("b", 1)))
    refuses = Score("refuses the known", values(("a", 1), ("b", 1)), "low")
    assert standing.standing([rejects, refuses])[0].value == 0
    assert standing.standing([refuses]) == []
