"""Numbers are read in every way a heading or a command writes them."""

import pytest

from text.numerals import number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("27", 27), ("２７", 27), ("二十七", 27), ("廿七", 27), ("贰拾柒", 27), ("二七", 27)),
        *(("貳拾柒", 27), ("XXVII", 27), ("twenty-seven", 27), ("Twenty Seventh", 27)),
        *(("十", 10), ("十二", 12), ("一百", 100), ("一百零八", 108), ("一百二", 120)),
        *(("一百二十", 120), ("两百", 200), ("一千零一", 1001), ("三萬", 30_000), ("〇", 0)),
        *(("一〇一", 101), ("one hundred and eight", 108), ("first", 1), ("iv", 4), ("卅", 30)),
        *(("八百", 800), ("七百九十九", 799), ("壹", 1), ("thirtieth", 30), ("twelfth", 12)),
    ],
)
def test_a_number_is_read(text, value):
    assert number(text) == value


@pytest.mark.parametrize(
    "text", ["", " ", "十几", "第", "悟空", "iiii", "one more", "1.5", "一" * 99]
)
def test_what_is_no_number_is_none(text):
    assert number(text) is None


def test_every_number_of_a_long_novel_is_read_back():
    digits = "零一二三四五六七八九"

    def chinese(n: int) -> str:
        hundreds, rest = divmod(n, 100)
        tens, ones = divmod(rest, 10)
        said = digits[hundreds] + "百" if hundreds else ""
        if hundreds and rest and not tens:
            said += "零"
        if tens:
            said += ("" if tens == 1 and not hundreds else digits[tens]) + "十"
        return said + (digits[ones] if ones else "")

    assert all(number(chinese(n)) == n for n in range(1, 1000))
