"""`mrp evaluate compare`: reports side by side, with the intervals of their differences.

mrp evaluate compare DIR DIR … -o compare.html --json
mrp evaluate compare DIR DIR … --judge URL --judge-model NAME      a judge ranks the replies, too
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from characters.card import CAST_FOLDER, load_cast
from evaluation import page
from evaluation.error import EvaluationError
from evaluation.run import Record, read_record, with_scores
from evaluation.score import Score, rounded
from evaluation.standing import ahead


def options(verb: argparse.ArgumentParser) -> None:
    """The options of `mrp evaluate compare`."""
    verb.add_argument("reports", type=Path, nargs="+", metavar="DIR")
    verb.add_argument("-o", "--out", type=Path, metavar="FILE", help="a page")
    verb.add_argument("--judge", metavar="URL", help="let a judge rank the replies, too")
    verb.add_argument("--judge-model", default="", metavar="NAME")
    verb.add_argument("--judge-most", type=int, default=60, metavar="N", help="questions")
    verb.add_argument("--cast", type=Path, default=CAST_FOLDER)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Compare, print and write. Raises EvaluationError."""
    if len(args.reports) < 2:
        raise EvaluationError("there is nothing to compare; name two reports or more")
    records = [read_record(path) for path in args.reports]
    names = page.unique_names(records)
    if args.judge:
        if not args.judge_model:
            raise EvaluationError("a judge needs --judge-model: its name stands beside every score")
        ranked = asyncio.run(_rank(args, records, names))
        records = [
            with_scores(record, [ranked[name]] if name in ranked else [])
            for name, record in zip(names, records, strict=True)
        ]
    told: Mapping[str, Any] = {
        name: {
            row.axis: {"by": round(row.value, 4), "interval": rounded(row.interval)}
            for row in ahead(records[0].scores, record.scores)
        }
        for name, record in zip(names[1:], records[1:], strict=True)
    }
    for name, rows in told.items():
        print(f"{names[0]} over {name}:")
        for axis, row in rows.items():
            pair = page.between(tuple(row["interval"]) if row["interval"] else None)
            print(f"  {axis:<12} {row['by']:+.3f}   {pair}")
    if len({record.about.get("exam") for record in records}) > 1:
        print("not the same questions in all of these; only common ones are compared")
    if args.out:
        page.write_comparison(args.out, records)
        print(f"→ {args.out}")
    standings = {
        name: record.to_json()["standing"] for name, record in zip(names, records, strict=True)
    }
    judged = {
        name: {
            score.name: {"mean": score.mean, "judge": score.judge, "unparsed": score.unparsed}
            for score in record.scores
            if score.judge
        }
        for name, record in zip(names, records, strict=True)
    }
    return {"first": names[0], "ahead_of": told, "standing": standings, "judged": judged}


async def _rank(
    args: argparse.Namespace, records: Sequence[Record], names: Sequence[str]
) -> dict[str, Score]:
    # Needs openai, which only those have who let a judge judge.
    from evaluation.endpoint import Chat
    from evaluation.judges import panel

    judge = Chat(args.judge, model=args.judge_model)
    try:
        cast = tuple(load_cast(args.cast))
        return await panel.rank(judge, records, names, cast, most=args.judge_most)
    finally:
        await judge.close()
