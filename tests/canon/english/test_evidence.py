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
