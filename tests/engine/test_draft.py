"""Drafts propose what followed the same words before."""

from __future__ import annotations

from array import array

from hypothesis import given
from hypothesis import strategies as st

from engine.draft import propose


def test_what_followed_last_time_is_proposed() -> None:
    tokens = array("i", [9, 1, 2, 3, 4, 5, 6, 1, 2, 3])
    assert list(propose(tokens, 2)) == [4, 5]
    assert list(propose(tokens, 9)) == [4, 5, 6, 1, 2, 3]


def test_nothing_is_proposed_where_nothing_agrees() -> None:
    assert not propose(array("i", [1, 2, 3, 4, 5]), 4)
    assert not propose(array("i", [1, 2, 3]), 4)
    assert not propose(array("i"), 4)


def test_bytes_across_two_tokens_are_no_match() -> None:
    # 0x00000100 repeated reads the same one byte further, but those are other tokens.
    tokens = array("i", [256, 1, 65536, 256, 1, 65536, 7, 1, 65536, 256])
    assert list(propose(tokens, 1)) == [1]


@given(st.lists(st.integers(0, 3), max_size=60))
def test_a_draft_always_follows_the_last_three(values: list[int]) -> None:
    tokens = array("i", values)
    draft = list(propose(tokens, 5))
    spots = [n for n in range(len(values) - 3) if values[n : n + 3] == values[-3:]]
    assert draft == (values[spots[-1] + 3 :][:5] if spots else [])
