"""Nearness to the book's line."""

from __future__ import annotations

import math

import pytest

from evaluation.measures.likeness import likeness, tfidf


def test_the_book_itself_is_nearest_to_its_own_lines() -> None:
    lines = [
        ("a", "老孙一棒打死你"),
        ("b", "老猪肚里饥了"),
        ("a", "师父莫慌"),
        ("b", "散伙回高老庄"),
    ]
    embed = tfidf(text for _, text in lines)
    found = likeness([(who, text, text) for who, text in lines], embed)
    assert all(one.own == pytest.approx(1, abs=1e-5) and one.nearer == 1 for one in found)
    assert all(one.shuffled < 0.5 and one.other < 0.5 for one in found)


def test_nothing_is_like_nothing() -> None:
    embed = tfidf(["老孙", "老猪"])
    found = likeness([("a", "", "老孙"), ("b", "", "老猪")], embed)
    assert [one.own for one in found] == [0, 0]
    assert [one.nearer for one in found] == [0.5, 0.5]
    assert likeness([], embed) == []


def test_alone_there_is_nobody_to_be_compared_with() -> None:
    (only,) = likeness([("a", "老孙", "老孙")], tfidf(["老孙"]))
    assert math.isnan(only.shuffled)
    assert math.isnan(only.other)
    assert math.isnan(only.nearer)
