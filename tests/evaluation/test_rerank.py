from __future__ import annotations

import asyncio
from typing import Any, cast

from benchmarks.rerank import likelihoods, merged, ordered
from canon import Hit
from engine.sequence import Engine


class Overlap:
    """Finds a question the likelier the more of its characters stand before it."""

    def encode(self, text: str) -> list[int]:
        return [ord(char) for char in text]

    async def score(self, tokens: list[int], continuations: list[list[int]]) -> list[float]:
        return [-float(sum(t not in tokens for t in one)) for one in continuations]


def test_orders_keep_what_is_equal_and_merge_by_rank() -> None:
    assert ordered([-3.0, -1.0, -1.0]) == [1, 2, 0]
    assert merged([[0, 1, 2], [0, 1, 2]]) == [0, 1, 2]
    assert merged([[0, 1, 2, 3], [2, 0, 3, 1]]) == [0, 2, 1, 3]
    assert merged([[]]) == []


def test_each_passage_is_asked_how_likely_it_makes_the_question() -> None:
    hits = [Hit(1, 0, 9, text, (), 1.0) for text in ("白鹿下棋", "阿青打猎", "")]
    engine = cast("Engine", cast("Any", Overlap()))
    found = asyncio.run(likelihoods(engine, "书", hits, "阿青下棋"))
    assert found == [-2.0, -2.0, -4.0]
