"""Expands the macros of imported cards ({{char}}, {{random:a,b}}, {{roll:2d6}}, …) in a text.

expand("{{char}} greets {{user}}", char="孙悟空", user="小明")      ->  孙悟空 greets 小明
expand("{{random:tea,wine}}", char="…", seed="wukong/7")            the same for the same seed

Only what a card's author wrote is expanded, never what people say. Innermost macros go first, in a
bounded number of passes, and a name that is put in is not looked at again: who calls themselves
`{{roll:6}}` is called so. A macro that nobody here knows stays as it was written.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

DEEPEST = 8  # macros within macros
LONGEST = 40_000  # characters of an expanded text; what is longer is cut
_MOST_DICE, _MOST_SIDES = 100, 1_000_000

# What {{user}} means where many people read along, as in a prompt that all of them share.
ANYBODY = {"zh": "来客", "en": "the visitor"}

# Stand for values and kept braces while passes go on; no text holds them (`expand` sees to it).
_CHAR, _USER, _OPEN, _CLOSE, _TRIM = "\x01", "\x02", "\x03", "\x04", "\x05"
_OURS = re.compile(f"[{_CHAR}{_USER}{_OPEN}{_CLOSE}{_TRIM}]")
_INNERMOST = re.compile(r"\{\{([^{}]*)\}\}")
_TAGS = re.compile(r"<(user|char|bot)>", re.IGNORECASE)
_DICE = re.compile(r"(\d{0,4})d(\d{1,8})(?:([+-])(\d{1,6}))?", re.IGNORECASE)
_EMPTY = {"noop", "original", "hidden_key", "comment", "setvar", "addvar", "setglobalvar", "banned"}


def expand(text: str, *, char: str, user: str = "", seed: str = "", language: str = "en") -> str:
    """The text with its macros replaced; at most `LONGEST` characters.

    `user` is whom the character talks with, "" for anybody (said in `language`). The same `seed`
    makes the same choices.
    """
    if "{{" not in text and "<" not in text:
        return text
    text = _OURS.sub("", text)
    text = _TAGS.sub(lambda found: _USER if found[1].lower() == "user" else _CHAR, text)
    count = 0

    def value(found: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return _value(found[1], f"{seed}/{count}")

    for _ in range(DEEPEST):
        replaced = _INNERMOST.sub(value, text)[:LONGEST]
        if replaced == text:
            break
        text = replaced
    text = re.sub(rf"\s*{_TRIM}\s*", "", text)
    names = {_CHAR: char, _USER: user or ANYBODY.get(language, ANYBODY["en"])}
    names |= {_OPEN: "{{", _CLOSE: "}}"}
    return _OURS.sub(lambda found: names[found[0]], text)[:LONGEST]


def _value(body: str, seed: str) -> str:
    """What one macro stands for; `body` is what is between its braces."""
    plain = body.strip()
    if plain.startswith("//"):
        return ""
    word, mark, argument = _parted(plain)
    known = _BY_NAME.get(word)
    if known and not mark:
        return known
    if word in _EMPTY:
        return ""
    if word == "trim":
        return _TRIM
    maker = _WITH_ARGUMENT.get(word)
    if maker and mark:
        return maker(argument, f"{seed}/{plain}" if word != "pick" else plain)
    return f"{_OPEN}{body}{_CLOSE}"


def _parted(plain: str) -> tuple[str, str, str]:
    """Name, the mark after it ("" when there is none), argument."""
    found = re.match(r"([A-Za-z_]+)(\s*::?|\s+)?(.*)", plain, re.DOTALL)
    if found is None:
        return "", "", plain
    return found[1].lower(), found[2] or "", found[3]


def _choices(argument: str) -> list[str]:
    """`a,b,c` or `a::b::c`; a comma with a backslash is none."""
    if "::" in argument:
        return argument.split("::")
    return [part.replace("\\,", ",").strip() for part in re.split(r"(?<!\\),", argument)]


def _pick(argument: str, seed: str) -> str:
    choices = _choices(argument)
    return choices[_number(seed, len(choices))]


def _roll(argument: str, seed: str) -> str:
    written = argument.strip()
    found = _DICE.fullmatch(written if not written.isdecimal() else f"1d{written[:8]}")
    dice, sides = (int(found[1] or 1), int(found[2])) if found else (0, 0)
    if not found or not 1 <= dice <= _MOST_DICE or not 1 <= sides <= _MOST_SIDES:
        return ""
    total = sum(1 + _number(f"{seed}/{die}", sides) for die in range(dice))
    if found[3]:
        total += int(found[4]) if found[3] == "+" else -int(found[4])
    return str(total)


def _number(seed: str, below: int) -> int:
    digest = hashlib.blake2b(seed.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % below


_BY_NAME = {"char": _CHAR, "user": _USER, "bot": _CHAR, "newline": "\n"}
_BY_NAME |= {"charifnotgroup": _CHAR, "group": _CHAR}
_WITH_ARGUMENT: dict[str, Callable[[str, str], str]] = {
    "random": _pick,
    "pick": _pick,
    "roll": _roll,
    "reverse": lambda argument, seed: argument[::-1],
}
