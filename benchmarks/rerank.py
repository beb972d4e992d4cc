"""Whether a model's likelihood of the question, given a passage, ranks passages better.

    python -m benchmarks.rerank --canon DIR --qa FILE --model GGUF [--first N] [--every N]

The search's best 30 passages of each question are read by the model, each before the question, and
ordered by the question's log-probability (`engine.score`), and by the reciprocal ranks of both
orders. Recall@5 before and after is printed after every question, so a run that is cut short has
said what it knows; the last line is JSON (docs/canon.md has the figures).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
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


async def ask_all(args: argparse.Namespace) -> dict[str, Any]:
    """Rerank the candidates of every question; recall@5 of each order and seconds a question."""
    canon = Canon.open(args.canon)
    rows = read_rows(args.qa, ("question", "evidence"))[:: args.every][: args.first]
    engine = LlamaEngine.open(args.model, context=args.context, threads=args.threads)
    found: Counter[str] = Counter()
    began = time.monotonic()
    result: dict[str, Any] = {}
    try:
        for asked, row in enumerate(rows, 1):
            search = canon.search(row["question"], character=row.get("character"), k=args.best)
            hits = search.passages
            scores = await likelihoods(engine, canon.title, hits, row["question"])
            first, by_model = list(range(len(hits))), ordered(scores)
            orders = {
                "before": first,
                "likelihood": by_model,
                "merged": merged([first, by_model]),
                f"any of {args.best}": [],
            }
            for name, order in orders.items():
                among = [hits[place] for place in order[:_SHOWN]] if order else hits
                found[name] += is_hit(among, row["evidence"])
            result = {
                "model": args.model.name,
                "questions": asked,
                **{name: round(found[name] / asked, 3) for name in orders},
                "seconds": round((time.monotonic() - began) / asked, 1),
            }
            print(json.dumps(result, ensure_ascii=False), flush=True)
    finally:
        await engine.close()
    return result


def main() -> None:
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
    asyncio.run(ask_all(parser.parse_args()))


if __name__ == "__main__":
    main()
