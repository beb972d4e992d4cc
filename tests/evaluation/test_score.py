"""Scores: means, intervals, differences."""

from __future__ import annotations

import pytest

from evaluation.score import Value, difference, interval


def values(*rows: tuple[str, float]) -> tuple[Value, ...]:
    return tuple(Value(f"{group}/{i}", "a", group, x) for i, (group, x) in enumerate(rows))


def test_an_interval_holds_the_mean_and_is_none_for_one_group() -> None:
    some = values(*((f"g{n}", float(n % 2)) for n in range(40)))
    low, high = interval(some) or (1, 0)
    assert low < 0.5 < high
    assert 0.2 < high - low < 0.4
    assert interval(values(("g", 1.0), ("g", 0.0))) is None
    assert interval(()) is None
    assert interval(values(("a", 1.0), ("b", 1.0))) == (1.0, 1.0)


def test_replies_to_one_question_are_no_independent_evidence() -> None:
    apart = values(*((f"g{n}", float(n % 2)) for n in range(40)))
    together = values(*((f"g{n % 4}", float(n % 2)) for n in range(40)))
    width = [high - low for low, high in filter(None, map(interval, (apart, together)))]
    assert width[1] > 2 * width[0]


def test_a_difference_is_paired_where_questions_are_shared() -> None:
    hard = values(*((f"g{n}", n / 40) for n in range(40)))
    better = values(*((f"g{n}", n / 40 + 0.1) for n in range(40)))
    gap, pair = difference(better, hard) or (0, None)
    assert gap == pytest.approx(0.1)
    assert pair == (pytest.approx(0.1), pytest.approx(0.1))
    elsewhere = values(*((f"h{n}", n / 40) for n in range(40)))
    _, apart = difference(better, elsewhere) or (0, None)
    assert apart is not None
    assert apart[0] < 0.1 < apart[1]
    assert difference((), hard) is None
