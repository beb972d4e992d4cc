"""What is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from characters.card import Language, load_cast
from evaluation import exam
from evaluation.error import EvaluationError
from evaluation.subject import Ask, leads

CAST = load_cast()
LEADS = leads(CAST, ["wukong", "tangseng", "bajie", "shaseng"])


@pytest.fixture(scope="module")
def asks() -> list[Ask]:
    return exam.build(LEADS, exam.read_questions(), size=exam.QUICK)


def test_ids_are_unique_and_the_same_for_everybody(asks: list[Ask]) -> None:
    again = exam.build(LEADS, exam.read_questions(), size=exam.QUICK)
    assert [ask.id for ask in asks] == [ask.id for ask in again]
    assert len({ask.id for ask in asks}) == len(asks)
    assert {ask.part for ask in asks} == {
        "self",
        "everyday",
        "facts",
        "unknown",
        "memory",
        "follows",
    }


def test_the_fact_stands_as_far_back_as_promised(asks: list[Ask]) -> None:
    for ask in asks:
        if ask.part == "memory":
            assert len(ask.scene.turns) == ask.expect.distance + 2
            told, between = ask.scene.turns[0].text, ask.scene.turns[1:]
            assert any(key in told for key in ask.expect.keys)
            assert not any(key in turn.text for turn in between for key in ask.expect.keys)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_question_gives_its_answer_away(language: Language) -> None:
    whole = exam.build(LEADS, exam.read_questions(), language=language)
    assert len(whole) > 100
    for ask in whole:
        if ask.part == "facts":
            assert not any(key in ask.question for key in ask.expect.keys), ask.question
            assert any(key in ask.expect.choices[0] for key in ask.expect.keys)
            for wrong in ask.expect.choices[1:]:
                assert not any(key in wrong for key in ask.expect.keys), ask.question


def test_a_folder_without_questions_says_what_belongs_there(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"everyday\.toml"):
        exam.read_questions(tmp_path)
    (tmp_path / "facts.toml").write_text('[[fact]]\ncharacter = "wukong"\n')
    with pytest.raises(EvaluationError, match="number 1 has no question"):
        exam.read_questions(tmp_path)
