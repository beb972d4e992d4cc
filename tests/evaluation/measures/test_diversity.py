"""Variety, on texts whose variety is known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.measures import diversity

TEXTS = st.lists(st.text(alphabet="老孙猪来也去罢，。 a", max_size=12), max_size=6)


def test_distinct_counts_different_ngrams() -> None:
    assert diversity.distinct(["甲乙", "甲丙"], 1) == 3 / 4
    assert diversity.distinct(["甲乙", "甲乙"], 2) == 1 / 2
    assert diversity.distinct([], 1) == diversity.distinct(["", "甲"], 2) == 0


def test_repetition_is_what_was_said_before() -> None:
    assert diversity.repetition("甲乙丙丁") == 0
    assert diversity.repetition("好好好好好好好好") == pytest.approx(4 / 5)
    assert diversity.repetition("") == 0


def test_saying_the_same_again() -> None:
    assert diversity.said_again(["甲", "甲", "甲", "乙"]) == 1 / 2
    assert diversity.said_again(["甲", "乙"]) == diversity.said_again(["", ""]) == 0


def test_overlap_of_the_same_is_one_and_of_strangers_zero() -> None:
    assert diversity.overlap("老孙来也", "老孙来也") == 1
    assert diversity.overlap("老孙来也", "天上地下") == 0
    assert diversity.overlap("", "") == 1
    assert diversity.overlap("", "老孙") == 0


@given(TEXTS)
def test_shares_are_shares(texts: list[str]) -> None:
    for share in (
        diversity.distinct(texts, 2),
        diversity.said_again(texts),
        *map(diversity.repetition, texts),
    ):
        assert 0 <= share <= 1
