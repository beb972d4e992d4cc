"""What a paragraph tells about who speaks in it."""

from __future__ import annotations

from canon.english.cast import cast_of
from canon.english.evidence import Evidence, Mention, Unit
from canon.english.marks import styles_of
from tests.canon.english.test_cast import book


def units(*paragraphs: str) -> list[Unit]:
    told = book(*paragraphs)
    section = told.sections[0]
    return Evidence(section.text, section.body, styles_of(told), cast_of(told)).units


def likeliest(unit: Unit) -> str:
    return max(unit.scores, key=lambda name: unit.scores[name], default="")


ANN_AND_BEN = ("“Yes,” said Ann. She sat.", "“No,” said Ben. He rose.")


def test_a_paragraph_is_one_speakers_unless_its_tags_name_two() -> None:
    found = units(*ANN_AND_BEN, "“Come!” said Ann. “Now.” Then Ben said, “Later.”")
    assert [likeliest(unit) for unit in found] == ["Ann", "Ben", "Ann", "Ben"]
    assert found[-1].gap == -1


def test_who_is_called_does_not_speak() -> None:
    *_, unit = units(*ANN_AND_BEN, "“Oh, Ben, look!”")
    assert unit.called == "Ben"
    assert unit.scores["Ben"] < 0


def test_who_is_spoken_to_does_not_speak() -> None:
    *_, unit = units(*ANN_AND_BEN, "“Look!” he said to Ann.")
    assert unit.scores["Ann"] < 0
    assert unit.sexes["he"] > 5


def test_who_acts_beside_the_words_and_in_the_narration_before() -> None:
    *_, beside = units(*ANN_AND_BEN, "“Well?” Ben shut the door. “Speak.”")
    assert likeliest(beside) == "Ben"
    *_, before = units(*ANN_AND_BEN, "Ann turned from the window:", "“It is over.”")
    assert likeliest(before) == "Ann"
    assert before.gap == 1


def test_several_speak_together() -> None:
    *_, unit = units(*ANN_AND_BEN, "“Hurrah!” they cried.")
    assert unit.several


def test_a_word_that_is_only_quoted_and_a_thought() -> None:
    found = units(*ANN_AND_BEN, "They called it the “long water” there.", "“Odd,” thought Ann.")
    assert [quote[3] for quote in found[2].quotes] == [True]
    assert [quote[4] for quote in found[3].quotes] == [True]


def test_a_tag_goes_on_to_the_next_piece_of_its_speech() -> None:
    *_, unit = units(*ANN_AND_BEN, "“Well,” said Ann, when Ben had gone, “that was that.”")
    assert likeliest(unit) == "Ann"
    assert unit.clues["Ann", "tagged"] == 2
    assert ("Ben", "tagged") not in unit.clues


def test_speech_that_ends_with_a_quoted_title_is_speech() -> None:
    found = units(*ANN_AND_BEN, "“Yes,” said Ann. She sighed. “I read ‘The Mill.’”")
    assert [quote[3] for quote in found[-1].quotes] == [False, False]


def test_what_is_told_behind_the_last_quote_counts_for_the_next_one() -> None:
    *_, unit = units(*ANN_AND_BEN, "“Well?” asked Ann. Ben only shook his head.", "“I wonder.”")
    assert unit.clues["Ben", "tail"] == 1


def test_who_comes_in_with_an_article_is_somebody_new() -> None:
    told = book(*ANN_AND_BEN, "A tall woman stood on the step.", "“Good day,” she said.")
    section = told.sections[0]
    read = Evidence(section.text, section.body, styles_of(told), cast_of(told))
    assert Mention(2, "woman", acts=True) in read.mentions


def test_who_is_asked_and_whether_it_is_a_question() -> None:
    *_, unit = units(*ANN_AND_BEN, "“Where is it?” he said to Ann.")
    assert unit.told == "Ann"
    assert unit.asks


def test_a_paragraph_that_ends_with_a_tag_is_the_next_ones() -> None:
    for told in ("Ann coolly observed,", "Ann rose, and after a while she looked up, saying:"):
        *_, unit = units(*ANN_AND_BEN, told, "“It is over.”")
        assert unit.tag in ("name", "she"), told
    *_, unit = units(*ANN_AND_BEN, "Ann coolly observed,", "“It is over.”")
    assert unit.clues["Ann", "tagged"] == 1


def test_two_who_are_called_at_once_are_no_answer() -> None:
    *_, unit = units(*ANN_AND_BEN, "“Morning, Ann. Morning, Ben,” said Cat Hale.")
    assert unit.called == ""
    assert unit.clues["Ann", "called"] == unit.clues["Ben", "called"] == 1


def test_the_old_man_is_old_mr_pell_and_not_tom() -> None:
    old = ("“Yes,” said old Mr. Pell. He sat.", "“No,” said little Tom. He rose.")
    *_, unit = units(*old, "“Hm,” said the old man.")
    assert unit.clues["Pell", "age_fits"] == 1
    assert unit.clues["Tom", "age_differs"] == 1
    *_, unit = units(*old, "“Hm,” said the boy.")
    assert unit.clues["Tom", "age_fits"] == 1
    assert unit.clues["Pell", "age_differs"] == 1


def test_the_doctor_is_the_only_dr() -> None:
    *_, unit = units("“Yes,” said Dr. Hale.", "“No,” said Ben.", "“Hm,” said the doctor.")
    assert likeliest(unit) == "Hale"
    three = ("“Yes,” said Dr. Hale.", "“No,” said Dr. Pell.", "“Hm,” said a doctor.")
    assert likeliest(units(*three)[-1]) == "doctor"


def test_who_tells_it_is_called_by_a_name_that_nobody_has() -> None:
    told = ("“Who?” I asked.", "“He,” said Ben.", "“Oh,” I said.", "“Listen, Lacey. Go.”")
    *_, unit = units(*told)
    assert unit.called == "I"
