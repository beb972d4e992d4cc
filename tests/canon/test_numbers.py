from __future__ import annotations

import pytest

from canon.numbers import in_chinese, numbers


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("压了五百年", ("五百",)),
        ("压了500年，重13,500斤", ("五百", "一万三千五百")),
        ("pinned for five hundred years by thirty-six hands", ("五百", "三十六")),
        ("three thousand six hundred and five", ("三千六百零五",)),
        ("two hundred thousand and seven", ("二十万零七",)),
        ("in 1,000,000 years", ("一百万",)),
        # Vague, small, of another word, or no number that a book would write.
        ("一个人，两三天，十几个，千万别忘，有一点", ()),
        ("one of two, a hundred, and many", ()),
        ("999999999999 hours", ()),
        ("weightless tend fortune", ()),
        ("", ()),
    ],
)
def test_stated_numbers_are_written_as_the_book_writes_them(
    text: str, found: tuple[str, ...]
) -> None:
    assert numbers(text) == found


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "零"),
        (10, "十"),
        (15, "十五"),
        (105, "一百零五"),
        (110, "一百一十"),
        (1005, "一千零五"),
        (20030, "二万零三十"),
        (108000, "十万八千"),
        (99999999, "九千九百九十九万九千九百九十九"),
    ],
)
def test_chinese_figures(value: int, written: str) -> None:
    assert in_chinese(value) == written
