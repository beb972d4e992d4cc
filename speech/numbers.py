"""Reads numbers as Chinese words, as a person reads them aloud: dates, times, phones, quantities.

read_numbers("1986年花了3.5元，涨了100%")  ->  "一九八六年花了三点五元，涨了百分之一百"
read_numbers("电话 13800138000")          ->  "电话 幺三八零零幺三八零零零"
"""

from __future__ import annotations

import re
from collections.abc import Callable

_DIGITS = "零一二三四五六七八九"
_MOST = 10**16  # what is greater is read digit by digit
# What is counted with 两 in place of 二.
_MEASURES = (
    "个個只隻条條位人年天次种種件座里斤两回下口句头頭匹张張把棵本门門家场場样樣间間层"
    "層步块塊元名遍趟番颗顆双雙对對队隊群杯碗壶壺盏盞国國倍分秒点點岁歲"
)
_UNITS = {
    "km": "公里", "kg": "公斤", "cm": "厘米", "mm": "毫米", "m": "米", "g": "克", "ml": "毫升",
    "℃": "摄氏度", "°C": "摄氏度", "GB": "G B", "MB": "M B", "h": "小时", "min": "分钟", "s": "秒",
}  # fmt: skip
_MONEY = {"¥": "元", "￥": "元", "$": "美元", "€": "欧元", "£": "英镑"}
_SIGNS = {"+": "加", "-": "减", "−": "减", "×": "乘", "*": "乘", "÷": "除以", "=": "等于"}

_N = r"(?<!\d)\d+(?:\.\d+)?"
_UNIT = "|".join(map(re.escape, sorted(_UNITS, key=len, reverse=True)))
_MEASURE = rf"[{_MEASURES}]"


def quantity(number: int, *, counts: bool = False) -> str:
    """A whole number in words. `counts`: something is counted, so that 2 is 两."""
    if number < 0:
        return "负" + quantity(-number, counts=counts)
    if number >= _MOST:
        return digits(str(number))
    if number == 2 and counts:
        return "两"
    if number < 10:
        return _DIGITS[number]
    for power, unit in ((10**8, "亿"), (10**4, "万")):
        if number >= power:
            part, rest = divmod(number, power)
            said = "两" if part == 2 else quantity(part)
            if not rest:
                return said + unit
            return said + unit + ("零" if rest < power // 10 else "") + _full(rest)
    return _full(number).removeprefix("一") if 10 <= number < 20 else _full(number)


def _full(number: int) -> str:
    """In words, with the 一 of 一十: after a greater unit it is said."""
    if number >= 10**4:
        return quantity(number)
    return _below_ten_thousand(number)


def _below_ten_thousand(number: int) -> str:
    words, gap = "", False
    for power, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, number = divmod(number, power)
        if not digit:
            gap = gap or bool(words)
            continue
        said = "两" if digit == 2 and power == 1000 else _DIGITS[digit]
        words += ("零" if gap else "") + said + unit
        gap = False
    return words


def digits(number: str, *, phone: bool = False) -> str:
    """Digit by digit; on a phone 1 is 幺."""
    said = "".join(_DIGITS[int(c)] for c in number if c.isdecimal())
    return said.replace("一", "幺") if phone else said


def decimal(number: str, *, counts: bool = False) -> str:
    """A number with or without a fraction."""
    whole, _, fraction = number.partition(".")
    said = quantity(int(whole), counts=counts and not fraction)
    return f"{said}点{digits(fraction)}" if fraction else said


def _date(found: re.Match[str]) -> str:
    year, month, day = found["year"], int(found["month"]), int(found["day"])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return found[0]
    return f"{digits(year)}年{quantity(month)}月{quantity(day)}日"


def _clock(found: re.Match[str]) -> str:
    hour, minute, second = int(found["hour"]), int(found["minute"]), found["second"]
    if hour > 24 or minute > 59:
        return f"{quantity(hour)}比{quantity(minute)}"
    said = f"{quantity(hour, counts=True)}点"
    if minute or second:
        said += ("零" if 0 < minute < 10 else "") + f"{quantity(minute)}分"
    return said + (f"{quantity(int(second))}秒" if second else "")


def _year(found: re.Match[str]) -> str:
    return digits(found[1]) + "年"


def _fraction(found: re.Match[str]) -> str:
    above, below = int(found[1]), int(found[2])
    if not below:
        return found[0]
    return f"{quantity(below)}分之{quantity(above)}"


def _range(found: re.Match[str]) -> str:
    return f"{decimal(found[1], counts=True)}到{decimal(found[2], counts=True)}"


def _with_unit(found: re.Match[str]) -> str:
    return decimal(found[1], counts=True) + _UNITS[found[2]]


def _money(found: re.Match[str]) -> str:
    return decimal(found[2], counts=True) + _MONEY[found[1]]


def _sum(found: re.Match[str]) -> str:
    return _SIGNS[found[0].strip()]


def _plain(found: re.Match[str]) -> str:
    number = found[0]
    before, after = found.string[: found.start()], found.string[found.end() :]
    whole = number.partition(".")[0]
    called = re.search(r"(?:电话|電話|号码|號碼|手机|拨打?|撥打?|打)[^\d。！？]{0,4}$", before)
    if "." not in number and (called or (len(whole) > 1 and whole[0] == "0")):
        return digits(number, phone=bool(called) or len(whole) >= 7)
    if (
        "." not in number
        and len(whole) >= 7
        and not re.fullmatch(r"\d{1,4}0{4,}", whole)  # a round number is counted
        and not re.match(rf"\s?(?:{_MEASURE}|万|亿)", after)
    ):
        return digits(number, phone=len(whole) in (7, 8, 11))
    ordinal = before.rstrip().endswith(("第", "初"))
    counts = bool(re.match(rf"\s?{_MEASURE}", after)) and not ordinal
    return decimal(number, counts=counts)


# In this order: what is special before what is plain.
_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = tuple(
    (re.compile(pattern), how)
    for pattern, how in (
        (r"(?<=\d),(?=\d{3}(?!\d))", lambda found: ""),  # 1,234,567
        (
            r"(?<!\d)(?P<year>\d{4})(?P<s>[-/.])(?P<month>\d{1,2})(?P=s)(?P<day>\d{1,2})(?!\d)",
            _date,
        ),
        (
            r"(?<![\d:])(?P<hour>\d{1,2})[:：](?P<minute>\d{2})(?:[:：](?P<second>\d{2}))?(?![\d:])",
            _clock,
        ),
        (r"(?<!\d)(\d{4}|[5-9]\d)\s?年(?![前后後来來间間以之])", _year),
        (
            r"(?<![\d-])(?:\+?86[- ])?"
            r"(1[3-9]\d[- ]\d{4}[- ]\d{4}|0\d{2,3}-\d{7,8}|400-\d{3}-\d{4})(?!\d)",
            lambda found: digits(found[0].removeprefix("+"), phone=True),
        ),
        (rf"(?<![\w.%)-])[-−](?={_N})", lambda found: "负"),
        (rf"({_N})\s?[%％]", lambda found: "百分之" + decimal(found[1])),
        (rf"({_N})\s?‰", lambda found: "千分之" + decimal(found[1])),
        (rf"([{''.join(_MONEY)}])\s?({_N})", _money),
        (rf"({_N})\s?({_UNIT})(?![A-Za-z])", _with_unit),
        (r"(?<![\d/])(\d{1,4})/(\d{1,4})(?![\d/])", _fraction),
        (rf"(?<![\d.-])({_N})\s?[-–~～至]\s?({_N})(?=\s?{_MEASURE})", _range),
        (r"(?<=\d)\s?[+×÷*=−]\s?(?=\d)|(?<=\d)\s-\s(?=\d)", _sum),
        (r"(?<=\d)[:：](?=\d)", lambda found: "比"),
        (r"(?<!\d)\d+(?:\.\d+){2,}", lambda f: "点".join(digits(part) for part in f[0].split("."))),
        (_N, _plain),
    )
)


def read_numbers(text: str) -> str:
    """The text with every number in words."""
    for pattern, how in _RULES:
        text = pattern.sub(how, text)
    return text
