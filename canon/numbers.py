"""Numbers of a question, as an old Chinese novel writes them: 500 and "five hundred" are 五百."""

from __future__ import annotations

import re

_HAN = "零一二三四五六七八九"
_UNITS = ((1000, "千"), (100, "百"), (10, "十"), (1, ""))
_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ENGLISH = {word: number for number, word in enumerate(_SMALL.split())} | {
    word: 10 * number for number, word in enumerate(_TENS.split(), 2)
}
_MULTIPLES = {"hundred": 100, "thousand": 1000}
# What counts nothing: one and two, a pair (一二, 两三个), units alone (千万, 百十).
_VAGUE = re.compile("[一二两零]|[一二两三四五六七八九]{2,}|[十百千万]+")
# The least number that says something, and the first that is no longer read.
_LEAST, _MOST = 3, 10**8


def numbers(text: str) -> tuple[str, ...]:
    """The numbers that a question states, in Chinese figures and in order; vague and small ones
    (一个, 十, 两三, two) are left out. The text is in lower case."""
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    found = re.findall("[一二两三四五六七八九十百千万零]+", text)
    stated = [run for run in found if not _VAGUE.fullmatch(run)]
    values = [int(digits) for digits in re.findall(r"\d+", text) if len(digits) < len(str(_MOST))]
    values += _english(re.findall("[a-z]+", text))
    stated += [in_chinese(value) for value in values if _LEAST <= value < _MOST]
    return tuple(dict.fromkeys(stated))


def in_chinese(value: int) -> str:
    """A number below 10^8 in Chinese figures: 13500 is 一万三千五百."""
    if value >= 10000:
        high, low = divmod(value, 10000)
        between = "零" if 0 < low < 1000 else ""
        return in_chinese(high) + "万" + (between + in_chinese(low) if low else "")
    written, gap = "", False
    for size, unit in _UNITS:
        digit, value = divmod(value, size)
        if digit:
            written += ("零" if gap and written else "") + _HAN[digit] + unit
        gap = not digit
    # 十五, but 一百一十五.
    return written.removeprefix("一") if written.startswith("一十") else written or _HAN[0]


def _english(words: list[str]) -> list[int]:
    """The numbers that English words spell: three thousand six hundred is one number."""
    found: list[int] = []
    total = part = 0
    inside = False
    for at, word in enumerate([*words, ""]):
        if word in _ENGLISH:
            part += _ENGLISH[word]
        elif word in _MULTIPLES and inside:
            part = max(1, part) * _MULTIPLES[word]
            if word == "thousand":
                total, part = total + part, 0
        elif word != "and" or not inside or at + 1 >= len(words) or words[at + 1] not in _ENGLISH:
            if inside:
                found.append(total + part)
            total, part, inside = 0, 0, False
            continue
        inside = True
    return found
