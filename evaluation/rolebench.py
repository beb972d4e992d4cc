"""`mrp evaluate rolebench`: Rouge-L of rows with answers, as RoleBench counts it.

mrp evaluate rolebench rows.jsonl --json      rows: part (CUS, RAW or SPE), answer, and reference
                                              or generated (RoleBench's own list of answers)
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from canon import CanonError
from evaluation.error import EvaluationError
from evaluation.measures import rouge
from evaluation.search import read_rows


def options(verb: argparse.ArgumentParser) -> None:
    """The options of `mrp evaluate rolebench`."""
    verb.add_argument("rows", type=Path, help="JSON lines: part, answer, generated or reference")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Score and print. Raises EvaluationError, naming the row that is wrong."""
    try:
        rows = read_rows(args.rows, ("part", "answer"))
    except CanonError as problem:
        raise EvaluationError(str(problem)) from None
    items = []
    for number, row in enumerate(rows, 1):
        # RoleBench's own rows hold a list; the first is the reference.
        reference = row.get("reference") or next(iter(row.get("generated") or ()), None)
        if not isinstance(reference, str) or not isinstance(row["answer"], str):
            raise EvaluationError(
                f"{args.rows}: row {number} needs an answer, and a reference or generated answers"
            )
        items.append({"part": row["part"], "answer": row["answer"], "reference": reference})
    means = rouge.rolebench(items)
    for part, mean in means.items():
        print(f"{part:<4} {mean:.4f}  {rouge.PARTS.get(part, 'the mean of the parts')}")
    return {"rows": len(items), "tokenizer": "jieba", **means}
