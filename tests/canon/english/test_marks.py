"""English quotation marks: apostrophes, nested quotes, paragraphs."""

from __future__ import annotations

import pytest

from canon.english.marks import find_english, paragraphs

CURLY, BRITISH, STRAIGHT, BACKTICK = ("“", "”"), ("‘", "’"), ('"', '"'), ("`", "'")


@pytest.mark.parametrize(
    ("marks", "text", "said"),
    [
        (
            BRITISH,
            "‘The boys’ supper isn’t hot,’ said Ann. ‘So?’",
            ["The boys’ supper isn’t hot,", "So?"],
        ),
        (BRITISH, "‘She said “Good,” and slept.’", ["She said “Good,” and slept."]),
        (CURLY, "“I like ‘No.’ It’s short.” He left.", ["I like ‘No.’ It’s short."]),
        (STRAIGHT, "\"Don't,\" said Jo, \"it's 'art'.\"", ["Don't,", "it's 'art'."]),
        (BACKTICK, "`Oh dear!' said she. `I'm late.'", ["Oh dear!", "I'm late."]),
        (CURLY, "5 o’clock and no more", []),
    ],
)
def test_quotes_are_found_and_inner_ones_stay(
    marks: tuple[str, str], text: str, said: list[str]
) -> None:
    found = [text[a + 1 : b - closed] for a, b, closed in find_english(text, marks, 0)]
    assert found == said


def test_a_lost_mark_ends_with_its_paragraph() -> None:
    text = "“First we row.\n\n“Then we walk.”\n\nNobody spoke."
    assert [closed for *_, closed in find_english(text, CURLY, 0)] == [False, True]


def test_paragraphs_stand_between_blank_lines_or_are_lines() -> None:
    assert len(list(paragraphs("a\nb\n\nc", 0))) == 2
    assert len(list(paragraphs("a\nb\nc", 0))) == 3
