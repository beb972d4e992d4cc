"""Teachers and students."""

from __future__ import annotations

import pytest

from evaluation import grid, run
from evaluation.error import EvaluationError
from evaluation.score import Score, Value


def values(*rows: tuple[str, float]) -> tuple[Value, ...]:
    return tuple(Value(f"{group}/{i}", "a", group, x) for i, (group, x) in enumerate(rows))


def cell(teacher: str, student: str, mean: float, judge: str = "") -> run.Record:
    names = ["knows (choice)", "rejects the unknown", "sounds like itself (bags of 5)"]
    scores = [Score(name, values(("a", mean), ("b", mean))) for name in names]
    if judge:
        scores.append(Score("ditto consistency", values(("a", 1), ("b", 1)), judge=judge))
    labels = {"teacher": teacher, "student": student}
    return run.Record({"name": "m"}, tuple(scores), (), (), labels)


def test_a_grid_has_a_cell_for_each_pair() -> None:
    rows = grid.grid([cell("big", "small", 0.5), cell("small", "big", 0.75)])
    text = grid.table(rows)
    assert "| big | 0.500 / 0.500 / 0.500 | – |" in text
    assert "| small | – | 0.750 / 0.750 / 0.750 |" in text


def test_a_grid_takes_a_judges_word_only_if_it_is_one_judges() -> None:
    same = grid.grid([cell("a", "b", 0.5, "x#1"), cell("b", "a", 0.5, "x#1")])
    assert same[0]["consistency"]["measure"] == "ditto consistency"
    mixed = grid.grid([cell("a", "b", 0.5, "x#1"), cell("b", "a", 0.5, "y#1")])
    assert mixed[0]["consistency"]["measure"] == "sounds like itself (bags of 5)"


def test_a_grid_needs_labels_that_differ() -> None:
    with pytest.raises(EvaluationError, match="--label teacher"):
        grid.grid([run.Record({"name": "m"}, (), ())])
    with pytest.raises(EvaluationError, match="two reports"):
        grid.grid([cell("a", "b", 0.5), cell("a", "b", 0.6)])
