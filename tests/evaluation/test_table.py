"""The table of measures: one row and its function are a measure everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from characters.card import load_cast
from evaluation import exam, grading, page, replies, run, standing, table
from evaluation.score import Score, Value
from evaluation.subject import Answer, FileSubject, leads

DOCS = Path(__file__).parents[2] / "docs" / "evaluation.md"
ASKS = exam.build(leads(load_cast(), ["wukong"]), exam.read_questions(), size=exam.QUICK)


def test_every_row_is_whole() -> None:
    names = [measure.name for measure in table.MEASURES]
    assert len(set(names)) == len(names)
    for measure in table.MEASURES:
        assert measure.meaning, measure.name
        assert (measure.grade is None) != (measure.likelihood is None), measure.name
        assert measure.axis in ("", *table.AXES), measure.name
        assert not (measure.better == "low" and measure.axis and measure.weight > 0), measure.name


def test_every_axis_has_a_measure_and_stands_in_the_docs() -> None:
    told = DOCS.read_text("utf-8")
    for axis in table.AXES:
        weights = [weight for _, weight in table.parts_of_axis(axis)]
        assert any(weight > 0 for weight in weights), axis
        assert f"| {axis} |" in told, axis


async def test_one_row_more_is_graded_stood_shown_and_explained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shouts = table.Measure(
        "shouts",
        "the reply ends with a shout",
        ("self",),
        replies.text(lambda said: said.endswith("！")),
        axis="temper",
        fault=table.Fault(0, 5),
    )
    monkeypatch.setattr(table, "MEASURES", (*table.MEASURES, shouts))
    for module in (run, page):
        monkeypatch.setattr(module, "MEASURES", table.MEASURES)
    monkeypatch.setitem(table.AXES, "temper", "is loud")
    said = {ask.id: Answer("看打！" if index % 2 else "……") for index, ask in enumerate(ASKS)}
    assert any(score.name == "shouts" for score in grading.grade(ASKS, said))
    record, _ = await run.examine(FileSubject(said, name="f"), ASKS)
    assert any(row.axis == "temper" for row in standing.standing(record.scores))
    quiet = [sample for sample in record.samples if "shouts" in sample.faults]
    assert quiet
    assert all(sample.part == "self" and sample.text == "……" for sample in quiet)
    html = page.report(record)
    assert "is loud" in html
    assert "the reply ends with a shout" in html
    assert "not: shouts" in html


def test_a_score_that_the_table_does_not_know_is_kept_aside() -> None:
    foreign = Score("of another version", (Value("a", "w", "g", 1.0), Value("b", "w", "h", 0.0)))
    assert standing.standing([foreign]) == []
    html = page.report(run.Record({"name": "m", "characters": ["w"]}, (foreign,), ()))
    assert "of another version" in html
