"""Which language a line is mostly in."""

import pytest

from text.tongue import mostly


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("老孙来也！", "zh"),
        ("Old Sun is here.", "en"),
        ("The gold箍棒 is very heavy.", "en"),
        ("这 iPhone 是甚么法宝？", "zh"),
        ("OK，老孙知道了", "zh"),
        ("……！", None),
        ("😀 233", None),
        ("", None),
    ],
)
def test_a_foreign_word_does_not_change_the_language(text: str, language: str | None) -> None:
    assert mostly(text) == language
