"""What of a request fits into a batch, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from engine.prefix_tree import as_tokens
from engine.request import Request, check
from engine.sequence import BadRequest, PromptTooLong, Sampling


def request(text: bytes, **options: Any) -> Request:
    sampling = Sampling(max_tokens=options.pop("most", 8))
    where: Any = (None, "", "", True, None, 0.0)
    return Request(as_tokens(text), len(text), sampling, *where, **options)


def test_a_prompt_needs_the_logits_of_its_last_token_only() -> None:
    one = request(b"0123456789")
    assert one.outputs(6, 4) == (6, 0)
    assert one.outputs(10, 4) == (10, 1)
    assert one.outputs(10, 0) == (0, 0)
    assert (one.left, one.limit, one.reusable, one.reserve) == (10, 10, 9, 8)


def test_a_scored_text_needs_one_for_each_of_its_tokens() -> None:
    one = request(b"0123456789", scored=4)
    assert one.outputs(9, 64) == (9, 6)
    assert one.outputs(9, 2) == (5, 2)
    assert (one.left, one.reusable, one.reserve, one.writes) == (9, 3, 0, False)


def test_checkpoints_bound_a_share() -> None:
    one = request(b"0123456789", checkpoints=[4, 7])
    assert one.limit == 4
    one.done = 4
    assert one.limit == 3


def test_what_the_model_cannot_read_is_refused() -> None:
    check(request(b"abc"), vocabulary=128, context=11)
    with pytest.raises(PromptTooLong):
        check(request(b"abc"), vocabulary=128, context=10)
    for one in (request(b""), request(b"abc", scored=0), request(b"\xff")):
        with pytest.raises(BadRequest):
            check(one, vocabulary=128, context=99)
