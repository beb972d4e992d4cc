"""Histograms are right within a bucket; the shares add up."""

import random

from engine.stats import Histogram, Stats


def test_quantiles_are_right_within_a_tenth() -> None:
    histogram, chance = Histogram(), random.Random(1)
    values = sorted(chance.lognormvariate(-2, 1) for _ in range(2000))
    for value in values:
        histogram.add(value)
    for q in (0.5, 0.95, 0.99):
        exact = values[int(q * len(values)) - 1]
        assert exact <= histogram.quantile(q) <= exact * 1.11
    assert histogram.count == 2000
    assert histogram.quantile(1) == histogram.longest
    assert Histogram().quantile(0.5) == 0


def test_shares_of_nothing_are_nothing() -> None:
    assert Stats().python_share == 0
    assert Stats(busy_s=2, model_s=1.5).python_share == 0.25
    assert Stats(steps=2, evaluated=6, generated=4).batch_fill == 5
