"""Texts in one language or two: what stands for the one that is missing."""

from characters.words import Lines, Words


def test_the_other_language_stands_for_a_text_that_is_missing():
    assert Words("", "Monkey")["zh"] == "Monkey"
    assert Words("悟空", "")["en"] == "悟空"
    assert Words("悟空", "Monkey")["zh"] == "悟空"
    assert not Words()


def test_lines_of_a_language_are_only_its_own_unless_either_is_asked_for():
    lines = Lines((), ("Ha!",))
    assert lines["zh"] == ()
    assert lines.either("zh") == ("Ha!",)
    assert not Lines()
