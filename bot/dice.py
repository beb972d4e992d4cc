"""Dice as players write them: parsed, bounded, thrown. Pure but for the random numbers given.

dice = parse("2d6+1")                    also ２Ｄ６＋１, d20, 4d6kh3, 3d%, 两个六面+1
thrown = throw(dice, random.Random(7))
str(thrown)                              ->  "2d6+1 = (3 + 6) + 1 = 10"
"""

from __future__ import annotations

import random
import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from characters.card import Words
from text.numerals import CHINESE, number

MOST_DICE = 100  # thrown at once, all terms together
MOST_SIDES = 1000
MOST_TERMS = 10
MOST_ADDED = 100_000
LONGEST = 100  # characters of an expression

NOT_DICE = Words(
    "看不懂“{}”。骰子写成 2d6+1：个数 d 面数，可以加减，如 /掷骰 d20、/掷骰 4d6kh3。",
    "“{}” is no dice. Write 2d6+1: how many, d, how many sides, and what is added or taken away; "
    "also d20, 4d6kh3.",
)
TOO_MANY_DICE = Words("一次最多掷 {} 个骰子。", "At most {} dice at once.")
SIDES = Words("骰子要有 2 到 {} 面。", "A die has 2 to {} sides.")
TOO_MANY_TERMS = Words("最多加减 {} 项。", "At most {} terms.")
TOO_GREAT = Words("加减的数最多 {}。", "At most {} can be added or taken away.")
KEEPS = Words("“{}”：要留的骰子比掷的多。", "“{}” keeps more dice than are thrown.")

_FACES = {"百分": 100}
_CHINESE_DICE = re.compile(
    rf"([\d{CHINESE}]{{1,8}})\s*[个個颗顆粒枚]\s*(百分|[\d{CHINESE}]{{1,8}})\s*面?(?:的?骰子?)?"
)
_TERM = re.compile(
    r"\s*([+-]?)\s*(?:(?P<count>\d{0,9})d(?P<sides>\d{1,9}|%)(?:k(?P<keep>[hl])(?P<kept>\d{0,9}))?"
    r"|(?P<plain>\d{1,9}))\s*"
)
_SIGNS = str.maketrans({"−": "-", "–": "-", "—": "-", "﹣": "-", "加": "+", "减": "-", "減": "-"})


class DiceError(ValueError):
    """Something that cannot be thrown; `words` says why in both languages."""

    def __init__(self, words: Words, value: object) -> None:
        super().__init__(words.en.format(value))
        self.words = Words(words.zh.format(value), words.en.format(value))


@dataclass(frozen=True, slots=True)
class Term:
    """Dice or a number. `sides` 0: the number is `count`. `keep`: "h" keeps the highest `kept` of
    the dice, "l" the lowest, "" all."""

    sign: Literal[1, -1]
    count: int
    sides: int = 0
    keep: str = ""
    kept: int = 0


@dataclass(frozen=True, slots=True)
class Thrown:
    """What fell: the expression, the eyes of each term (a number's is itself), and the total."""

    dice: str
    terms: tuple[Term, ...]
    eyes: tuple[tuple[int, ...], ...]
    total: int

    def __str__(self) -> str:
        shown = ""
        for term, eyes in zip(self.terms, self.eyes, strict=True):
            sign = "-" if term.sign < 0 else "+"
            shown += f" {sign} " if shown else ("-" if sign == "-" else "")
            text = " + ".join(map(str, eyes))
            if term.keep:
                text += f" | {'↑' if term.keep == 'h' else '↓'}{term.kept}"
            shown += f"({text})" if len(eyes) > 1 else text
        return (
            f"{self.dice} = {self.total}"
            if self._plain
            else f"{self.dice} = {shown} = {self.total}"
        )

    @property
    def _plain(self) -> bool:
        """One die alone, whose eyes are the total."""
        return len(self.terms) == 1 and len(self.eyes[0]) == 1 and self.terms[0].sign > 0


def parse(text: str) -> tuple[Term, ...]:
    """The terms of an expression; "" is one die of six sides.

    Raises:
        DiceError: it is no expression, or asks for more than the limits.
    """
    plain = unicodedata.normalize("NFKC", text[: LONGEST + 1]).translate(_SIGNS).casefold().strip()
    if len(plain) > LONGEST:
        raise DiceError(NOT_DICE, text[:20] + "…")
    plain = _CHINESE_DICE.sub(_in_figures, plain) or "d6"
    terms: list[Term] = []
    at = 0
    while at < len(plain):
        found = _TERM.match(plain, at)
        if found is None or (terms and not found[1]):
            raise DiceError(NOT_DICE, text[:20])
        terms.append(_term(found))
        at = found.end()
    if not any(term.sides for term in terms):
        raise DiceError(NOT_DICE, text[:20])
    if len(terms) > MOST_TERMS:
        raise DiceError(TOO_MANY_TERMS, MOST_TERMS)
    if sum(term.count for term in terms if term.sides) > MOST_DICE:
        raise DiceError(TOO_MANY_DICE, MOST_DICE)
    return tuple(terms)


def throw(terms: tuple[Term, ...], chance: random.Random) -> Thrown:
    """Let the dice of `parse` fall."""
    eyes = tuple(
        tuple(chance.randint(1, term.sides) for _ in range(term.count))
        if term.sides
        else (term.count,)
        for term in terms
    )
    total = sum(term.sign * sum(_kept(term, each)) for term, each in zip(terms, eyes, strict=True))
    return Thrown(_written(terms), terms, eyes, total)


def _term(found: re.Match[str]) -> Term:
    sign: Literal[1, -1] = -1 if found[1] == "-" else 1
    if found["plain"]:
        if int(found["plain"]) > MOST_ADDED:
            raise DiceError(TOO_GREAT, MOST_ADDED)
        return Term(sign, int(found["plain"]))
    count = int(found["count"] or 1)
    sides = 100 if found["sides"] == "%" else int(found["sides"])
    if not 2 <= sides <= MOST_SIDES:
        raise DiceError(SIDES, MOST_SIDES)
    if not 1 <= count <= MOST_DICE:
        raise DiceError(TOO_MANY_DICE if count else NOT_DICE, MOST_DICE if count else found[0])
    keep = found["keep"] or ""
    kept = int(found["kept"] or 1) if keep else 0
    if keep and not 1 <= kept <= count:
        raise DiceError(KEEPS, found[0].strip())
    return Term(sign, count, sides, keep, kept)


def _kept(term: Term, eyes: tuple[int, ...]) -> list[int]:
    if not term.keep:
        return list(eyes)
    return sorted(eyes, reverse=term.keep == "h")[: term.kept]


def _written(terms: tuple[Term, ...]) -> str:
    """The expression in its usual form."""
    shown = ""
    for term in terms:
        sign = "-" if term.sign < 0 else "+" if shown else ""
        keep = f"k{term.keep}{term.kept}" if term.keep else ""
        shown += f"{sign}{term.count}d{term.sides}{keep}" if term.sides else f"{sign}{term.count}"
    return shown


def _in_figures(found: re.Match[str]) -> str:
    count, sides = number(found[1]), _FACES.get(found[2]) or number(found[2])
    return found[0] if count is None or sides is None else f"{count}d{sides}"
