"""Reads whole numbers as people write them: 27, ２７, 二十七, 廿七, 贰拾柒, XXVII, twenty-seven.

number("第二十七回".strip("第回")) == 27
"""

from __future__ import annotations

import re
import unicodedata

from text.folding import simplified

_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {
    c: n for n, c in enumerate("〇壹贰叁肆伍陆柒捌玖")
}
_DIGITS |= {"○": 0, "Ｏ": 0, "两": 2, "弌": 1, "弍": 2, "弎": 3, "参": 3, "元": 1, "幺": 1}
_UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000, "万": 10_000}
_TENS = {"廿": 20, "卅": 30, "卌": 40}
# What may stand in a Chinese number, for patterns that look for one.
CHINESE = "".join({*_DIGITS, *_UNITS, *_TENS, "萬", "貳", "參", "陸", "兩"})

_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100, "d": 500, "m": 1000}
_WELL_FORMED = re.compile(
    r"m{0,3}(?:cm|cd|d?c{0,3})(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})", re.IGNORECASE
)
_SMALL = [
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    "nineteen",
]
_DECADES = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ORDINALS = {
    "first": "one",
    "second": "two",
    "third": "three",
    "fifth": "five",
    "eighth": "eight",
    "ninth": "nine",
    "twelfth": "twelve",
}
_LONGEST = 64  # characters; no number of a chapter is longer


def number(text: str) -> int | None:
    """The number that a text is, or None when it is none."""
    plain = unicodedata.normalize("NFKC", text).strip().casefold()
    if not plain or len(plain) > _LONGEST:
        return None
    if plain.isascii() and plain.isdigit():
        return int(plain)
    found = _chinese(simplified(plain))
    if found is None and _WELL_FORMED.fullmatch(plain):
        found = _roman(plain)
    return _english(plain) if found is None else found


def _chinese(text: str) -> int | None:
    if not all(c in _DIGITS or c in _UNITS or c in _TENS or c.isdecimal() for c in text):
        return None
    if all(c in _DIGITS or c.isdecimal() for c in text):  # 二七, 一〇一: digit by digit
        return int("".join(str(_DIGITS[c]) if c in _DIGITS else c for c in text))
    total = section = 0
    unit = 1  # the last one, which a digit right after it shares: 一百二 is 120, 一百零二 is 102
    digit: int | None = None
    for c in text:
        if c in _DIGITS or c.isdecimal():
            value = _DIGITS[c] if c in _DIGITS else int(c)
            unit = 1 if value == 0 or digit is not None or c.isdecimal() else unit
            digit = value if digit is None else digit * 10 + value
        elif c in _TENS:
            section, digit, unit = section + _TENS[c], None, 1
        elif _UNITS[c] == 10_000:
            total, section, digit = (total + section + (digit or 0)) * 10_000, 0, None
            unit = 10_000
        else:
            section, digit = section + (1 if digit is None else digit) * _UNITS[c], None
            unit = _UNITS[c]
    return total + section + (digit or 0) * max(unit // 10, 1)


def _roman(text: str) -> int:
    values = [_ROMAN[c] for c in text]
    after = [*values[1:], 0]
    return sum(-v if v < n else v for v, n in zip(values, after, strict=True))


def _english(text: str) -> int | None:
    words = [w for w in re.split(r"[\s-]+", text) if w not in ("and", "a")]
    total, section, seen = 0, 0, False
    for word in words:
        word = _ORDINALS.get(word, word)
        word = re.sub(r"ieth$", "y", word)
        word = word if word in _SMALL else re.sub(r"th$", "", word)
        seen = True
        if word in _SMALL:
            section += _SMALL.index(word)
        elif word in _DECADES:
            section += 10 * (_DECADES.index(word) + 2)
        elif word == "hundred":
            section = max(section, 1) * 100
        elif word == "thousand":
            total, section = total + max(section, 1) * 1000, 0
        else:
            return None
    return total + section if seen else None
