"""From answers to scores."""

from __future__ import annotations

from characters.card import load_cast
from evaluation import exam, grading, table
from evaluation.measures.memorised import Training
from evaluation.subject import Answer, leads

LEADS = leads(load_cast(), ["wukong", "bajie"])
ASKS = exam.build(LEADS, exam.read_questions(), size=exam.QUICK)


def test_a_measure_reads_its_own_parts_only() -> None:
    answers = {ask.id: Answer("老孙来也。") for ask in ASKS}
    scores = {score.name: score for score in grading.grade(ASKS, answers)}
    parts = {ask.id: ask.part for ask in ASKS}
    for measure in table.MEASURES:
        if measure.name in scores and measure.parts:
            read = {parts[v.id] for v in scores[measure.name].values if v.id in parts}
            assert read <= set(measure.parts), measure.name
    assert len(scores["is a reply"].values) == len(ASKS)


def test_what_was_not_asked_or_given_has_no_score() -> None:
    some = [ask for ask in ASKS if ask.part == "self"]
    names = {score.name for score in grading.grade(some, {a.id: Answer("老孙") for a in some})}
    assert "knows itself" in names
    assert not names & {"remembers", "like the book's line", "longest run by heart"}
    training = Training(["老孙来也，看打！"])
    given = grading.grade(some, {a.id: Answer("老孙来也") for a in some}, training=training)
    runs = {score.name: score.mean for score in given}
    assert runs["longest run by heart"] == 4
