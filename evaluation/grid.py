"""Ditto's cross-supervision as a table: which student learned what from which teacher.

mrp evaluate report a-from-b.gguf -o grid/a-from-b --label teacher=b --label student=a
mrp evaluate grid grid/* --json

For each student fine-tuned on each teacher's data (`mrp synth ditto`, `mrp train`) one report with
two labels; docs/methods.md has the whole recipe. Ditto (arXiv 2401.12474, section 6) found that
identity is learned even from a weak teacher, while knowledge is bounded by the student.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evaluation.error import EvaluationError
from evaluation.run import Record, read_record
from evaluation.score import Score, interval
from evaluation.table import columns

# What Ditto measures: the judged score; what stands for it where nobody judged says the table.
COLUMNS: dict[str, str] = {
    "consistency": "ditto consistency",
    "knowledge": "ditto knowledge (1..10)",
    "rejection": "ditto rejection",
}


def options(verb: argparse.ArgumentParser) -> None:
    """The options of `mrp evaluate grid`."""
    verb.add_argument("reports", type=Path, nargs="+", metavar="DIR")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Print the table. Raises EvaluationError."""
    rows = grid([read_record(path) for path in args.reports])
    print(table(rows))
    return {"grid": rows}


def grid(records: Sequence[Record]) -> list[dict[str, Any]]:
    """A row for each report: teacher, student, and each column's measure, mean and interval.

    A column has the same measure in all rows: the first that all reports have, by one judge.

    Raises:
        EvaluationError: a report has no labels, two have the same, or a column has no measure.
    """
    seen: set[tuple[str, str]] = set()
    for record in records:
        labels = (record.labels.get("teacher", ""), record.labels.get("student", ""))
        if not all(labels):
            raise EvaluationError(
                f"the report of {record.name} does not say whose teacher and student it is; make "
                "it with --label teacher=NAME --label student=NAME"
            )
        if labels in seen:
            raise EvaluationError(f"two reports have teacher {labels[0]} and student {labels[1]}")
        seen.add(labels)
    chosen = {column: _measure(column, records) for column in COLUMNS}
    rows: list[dict[str, Any]] = []
    for record in sorted(records, key=lambda r: (r.labels["teacher"], r.labels["student"])):
        row: dict[str, Any] = {
            "teacher": record.labels["teacher"],
            "student": record.labels["student"],
        }
        for column, name in chosen.items():
            score = record.score(name)
            assert score is not None
            row[column] = {
                "measure": name,
                "mean": score.mean,
                "interval": interval(score.values),
            }
        rows.append(row)
    return rows


def _measure(column: str, records: Sequence[Record]) -> str:
    names = [COLUMNS[column], *columns(column)]
    for name in names:
        scores = [record.score(name) for record in records]
        there: list[Score] = [score for score in scores if score is not None]
        if len(there) == len(records) and len({score.judge for score in there}) == 1:
            return name
    raise EvaluationError(
        f"no measure of {column} is in all of these reports (by one judge): {', '.join(names)}"
    )


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The grid as a Markdown table: teachers down, students across, three figures a cell."""
    teachers = list(dict.fromkeys(row["teacher"] for row in rows))
    students = list(dict.fromkeys(row["student"] for row in rows))
    cells = {(row["teacher"], row["student"]): row for row in rows}
    lines = [
        f"| teacher ↓ student → | {' | '.join(students)} |",
        f"|---{'|---' * len(students)}|",
    ]
    for teacher in teachers:
        shown = []
        for student in students:
            row = cells.get((teacher, student))
            means = [f"{row[column]['mean']:.3f}" for column in COLUMNS] if row else ["–"]
            shown.append(" / ".join(means))
        lines.append(f"| {teacher} | {' | '.join(shown)} |")
    names = " / ".join(f"{column} ({rows[0][column]['measure']})" for column in COLUMNS)
    return "\n".join([*lines, "", names])
