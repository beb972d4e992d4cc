"""The budget of restarts refills with time."""

from __future__ import annotations

from engine.restarts import Restarts


def test_the_budget_is_spent_and_refills() -> None:
    budget = Restarts(most=2, window=100)
    assert [budget.allow(now) for now in (0, 10, 20)] == [True, True, False]
    assert not budget.allow(99)
    assert budget.allow(100)  # the first is forgotten
    assert not budget.allow(105)
    assert budget.allow(110)


def test_once_in_a_while_is_allowed_for_ever() -> None:
    budget = Restarts()
    assert all(budget.allow(now * 600.0) for now in range(1000))
