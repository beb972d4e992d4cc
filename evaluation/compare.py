"""`mrp evaluate compare`: reports side by side, with the intervals of their differences.

mrp evaluate compare DIR DIR … -o compare.html --json
mrp evaluate compare DIR DIR … --table FILE.md                     all axes as a Markdown table
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
from evaluation.relevance import LIFT, SHUFFLED
from evaluation.replies import BY_HEART
from evaluation.run import Record, read_record, with_scores
from evaluation.score import Interval, Score, interval, rounded
from evaluation.standing import OVERALL, ahead, standing
from evaluation.table import AXES


def options(verb: argparse.ArgumentParser) -> None:
    """The options of `mrp evaluate compare`."""
    verb.add_argument("reports", type=Path, nargs="+", metavar="DIR")
    verb.add_argument("-o", "--out", type=Path, metavar="FILE", help="a page")
    verb.add_argument("--table", type=Path, metavar="FILE", help="a Markdown table, too")
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
    if args.table:
        try:
            args.table.write_text(table(records, names), encoding="utf-8")
        except OSError as problem:
            raise EvaluationError(f"{args.table} cannot be written: {problem}") from None
        print(f"→ {args.table}")
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


# What stands below the axes in a table: shares and counts that are no axis.
_BESIDE = (
    "refuses the known",
    f"{BY_HEART} characters by heart",
    "prompt (tokens)",
    LIFT,
    SHUFFLED,
)


def table(records: Sequence[Record], names: Sequence[str]) -> str:
    """Axes by reports in Markdown, each with its 95 % interval, and some measures below."""
    stood = [{row.axis: row for row in standing(record.scores)} for record in records]
    lines = ["| axis | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for axis in (*AXES, OVERALL):
        if any(axis in rows for rows in stood):
            cells = [_cell(rows[axis].value, rows[axis].interval) if axis in rows else "–"
                     for rows in stood]  # fmt: skip
            lines.append(f"| {axis} | " + " | ".join(cells) + " |")
    lines += ["", "| measure | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for name in _BESIDE:
        scores = [record.score(name) for record in records]
        if any(score and score.values for score in scores):
            cells = [
                _cell(score.mean, interval(score.values)) if score else "–" for score in scores
            ]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(value: float | None, around: Interval | None) -> str:
    """A figure and its interval: two digits, none for a count of tokens."""
    if value is None:
        return "–"
    digits = 0 if value >= 10 else 2
    told = f"{value:.{digits}f}"
    return f"{told} ({around[0]:.{digits}f} … {around[1]:.{digits}f})" if around else told


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
