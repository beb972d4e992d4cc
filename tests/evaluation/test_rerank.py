from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, cast

import pytest

from benchmarks.rerank import Order, likelihoods, main, merged, ordered
from canon import Canon, Found, Hit
from engine.llama import LlamaEngine
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


def test_an_order_counts_the_first_right_passage() -> None:
    order = Order()
    order.count([3, 1, 0, 2], {0, 2})
    order.count([5, 4, 3, 2, 1, 0], {0})
    assert (order.found, order.gained) == (1, pytest.approx(1 / 3 + 1 / 6))


def test_what_no_order_finds_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The search has the right passage last of two, or not at all; the model puts it first."""
    hits = (Hit(1, 0, 9, "阿青打猎", (), 2.0), Hit(1, 9, 19, "白鹿下棋", (), 1.0))
    asked: list[str] = []

    class Book:
        title = "书"

        def search(self, text: str, **_: object) -> Found:
            return Found(hits, False)

    class Counting(Overlap):
        async def score(self, tokens: list[int], continuations: list[list[int]]) -> list[float]:
            asked.append("".join(map(chr, continuations[0])))
            return await super().score(tokens, continuations)

        async def close(self) -> None:
            asked.append("closed")

    monkeypatch.setattr(Canon, "open", lambda folder: Book())
    monkeypatch.setattr(LlamaEngine, "open", lambda *args, **options: Counting())
    qa = tmp_path / "qa.jsonl"
    rows = [("白鹿棋", "白鹿下棋"), ("谁来了？", "胡三娘")]
    qa.write_text(
        "\n".join(
            json.dumps({"question": q, "evidence": [{"chapter": 1, "quote": quote}]})
            for q, quote in rows
        ),
        encoding="utf-8",
    )
    main(["--canon", "c", "--qa", str(qa), "--model", "m.gguf", "--best", "2"])
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["any of 2"] == 0.5
    assert last["rank"] == {"before": 0.25, "likelihood": 0.5, "merged": 0.25}
    assert asked == ["白鹿棋", "白鹿棋", "closed"]
