"""Whether a model's likelihood of the question, given a passage, ranks passages better.

    python -m benchmarks.rerank --canon DIR --qa FILE --model GGUF [--best N] [--every N]

The search's best 30 passages of each question are read by the model, each before the question, and
ordered by the question's log-probability (`engine.score`), and by the reciprocal ranks of both
orders. A question with no right passage among them is missed in any order and costs nothing.
Recall@5 and the mean reciprocal rank of the first right passage are printed after every question,
so a run that is cut short has said what it knows; the last line is JSON (docs/canon.md has the
figures).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canon import Canon, Hit
from engine.llama import LlamaEngine
from engine.sequence import Engine
from evaluation.search import is_hit, read_rows

_RANK = 60  # of reciprocal rank fusion, as in `canon.search`
_SHOWN = 5


def ordered(scores: Sequence[float]) -> list[int]:
    """Places by score, the highest first; equal ones in the order that they had."""
    return sorted(range(len(scores)), key=lambda place: -scores[place])


def merged(orders: Sequence[Sequence[int]]) -> list[int]:
    """Reciprocal rank fusion of several orders of the same places."""
    gained = [0.0] * len(orders[0])
    for order in orders:
        for rank, place in enumerate(order):
            gained[place] += 1 / (_RANK + 1 + rank)
    return ordered(gained)


async def likelihoods(
    engine: Engine, title: str, hits: Sequence[Hit], question: str
) -> list[float]:
    """The question's log-probability (nats) after each passage, all asked at once."""
    asked = engine.encode(question)

    async def one(hit: Hit) -> float:
        before = (
            f"《{title}》：{' '.join(hit.text.split())}\n\n这一段能回答的问题 (a question on it): "
        )
        return (await engine.score(engine.encode(before), [asked]))[0]

    return list(await asyncio.gather(*(one(hit) for hit in hits)))


@dataclass
class Order:
    """How well one order of the candidates did: right ones among the first five, and the sum of
    the reciprocal ranks of the first right one."""

    found: int = 0
    gained: float = 0.0

    def count(self, order: Sequence[int], right: Collection[int]) -> None:
        """Count one question; `right` are the places of the passages that answer it."""
        rank = next(rank for rank, place in enumerate(order, 1) if place in right)
        self.found += rank <= _SHOWN
        self.gained += 1 / rank


async def ask_all(args: argparse.Namespace) -> dict[str, Any]:
    """Rerank the candidates of every question; how well each order did, and seconds a question."""
    canon = Canon.open(args.canon)
    rows = read_rows(args.qa, ("question", "evidence"))[:: args.every][: args.first]
    engine = LlamaEngine.open(args.model, context=args.context, threads=args.threads)
    orders = {"before": Order(), "likelihood": Order(), "merged": Order()}
    read = 0
    began = time.monotonic()
    result: dict[str, Any] = {}
    try:
        for asked, row in enumerate(rows, 1):
            search = canon.search(row["question"], character=row.get("character"), k=args.best)
            hits = search.passages
            right = {place for place, hit in enumerate(hits) if is_hit([hit], row["evidence"])}
            if right:
                read += 1
                first = list(range(len(hits)))
                by_model = ordered(await likelihoods(engine, canon.title, hits, row["question"]))
                for order, places in zip(
                    orders.values(), (first, by_model, merged([first, by_model])), strict=True
                ):
                    order.count(places, right)
            result = {
                "model": args.model.name,
                "questions": asked,
                f"any of {args.best}": round(read / asked, 3),
                "recall": {name: round(order.found / asked, 3) for name, order in orders.items()},
                "rank": {name: round(order.gained / asked, 3) for name, order in orders.items()},
                "seconds": round((time.monotonic() - began) / max(read, 1), 1),
            }
            print(json.dumps(result, ensure_ascii=False), flush=True)
    finally:
        await engine.close()
    return result


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and print the figures as JSON on the last line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--canon", type=Path, required=True, metavar="DIR")
    parser.add_argument("--qa", type=Path, required=True, metavar="FILE")
    parser.add_argument("--model", type=Path, required=True, metavar="GGUF")
    parser.add_argument("--best", type=int, default=30, metavar="N", help="candidates")
    parser.add_argument("--first", type=int, default=None, metavar="N", help="only so many")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every so many")
    parser.add_argument("--context", type=int, default=1024)
    parser.add_argument("--threads", type=int, default=None)
    asyncio.run(ask_all(parser.parse_args(argv)))


if __name__ == "__main__":
    main()
