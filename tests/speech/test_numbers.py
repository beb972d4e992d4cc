"""Numbers as a Chinese reader says them."""

from __future__ import annotations

import pytest

from speech.numbers import quantity, read_numbers
from text.numerals import number


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("1986年", "一九八六年"),
        ("500年前", "五百年前"),
        ("1500年前", "一千五百年前"),
        ("98年", "九八年"),
        ("30年", "三十年"),
        ("2年", "两年"),
        ("3.5元", "三点五元"),
        ("0.05", "零点零五"),
        ("100%", "百分之一百"),
        ("-5℃", "负五摄氏度"),
        ("13800138000", "幺三八零零幺三八零零零"),
        ("138-0013-8000", "幺三八零零幺三八零零零"),
        ("拨打110", "拨打幺幺零"),
        ("房号 007", "房号 零零七"),
        ("2024-07-01", "二零二四年七月一日"),
        ("2024/7/1", "二零二四年七月一日"),
        ("2024-13-45", "两千零二十四-十三-四十五"),  # no date
        ("7月1日12:30", "七月一日十二点三十分"),
        ("08:05", "八点零五分"),
        ("2:00", "两点"),
        ("3:2", "三比二"),
        ("1/2", "二分之一"),
        ("3-5个", "三到五个"),
        ("第27回", "第二十七回"),
        ("第2次", "第二次"),
        ("2个人", "两个人"),
        ("12个", "十二个"),
        ("2月2日", "二月二日"),
        ("1,234,567人", "一百二十三万四千五百六十七人"),
        ("$5", "五美元"),
        ("￥20", "二十元"),
        ("5km", "五公里"),
        ("1+1=2", "一加一等于二"),
        ("84000里", "八万四千里"),
        ("v1.2.3", "v一点二点三"),
    ],
)
def test_what_people_write(written: str, said: str):
    assert read_numbers(written) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "零"),
        (10, "十"),
        (14, "十四"),
        (20, "二十"),
        (101, "一百零一"),
        (110, "一百一十"),
        (1001, "一千零一"),
        (1010, "一千零一十"),
        (2222, "两千二百二十二"),
        (10_001, "一万零一"),
        (10_010, "一万零一十"),
        (110_000, "十一万"),
        (105_000, "十万五千"),
        (10**8, "一亿"),
        (2 * 10**8, "两亿"),
        (10**8 + 1, "一亿零一"),
        (1_500_000_000_000, "一万五千亿"),
        (-3, "负三"),
    ],
)
def test_whole_numbers(value: int, said: str):
    assert quantity(value) == said


def test_every_number_is_understood_again():
    for value in [*range(1, 3000, 7), *range(3000, 99_999_999, 777_777)]:
        assert number(quantity(value)) == value, value


def test_nothing_is_left_as_digits_whatever_stands_around():
    for text in ("0", "00", "1.", ".5", "1..2", "9" * 40, "1-2-3", "٣", "１２３", "1/0", "5:99:99"):
        said = read_numbers(text)
        assert not any(c in "123456789" for c in said) or text == "1/0", (text, said)
