"""Folds names and text so that what people read as the same compares as the same.

fold("孫悟空") == fold("孙悟空")            traditional and simplified
fold("Hong Hai’er") == fold("hong hai'er")  case, apostrophes, spaces, marks around a name
fold("Wukоng") == fold("Wukong")            a Cyrillic о, full width, accents, invisible characters
folded = fold_text("孫悟空，你來")            the same inside a text, with places to come back by
folded.text[0:3], folded.places[0]

Folded text is for comparing only and never shown.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

_TABLE = Path(__file__).with_name("traditional.txt")

# Default-ignorable code points (Unicode's DerivedCoreProperties) and the blank Braille pattern:
# nothing is seen where one stands.
_INVISIBLE = (
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x061C, 0x061C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x2800, 0x2800),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)

# Letters of other scripts that are drawn like a Latin or Chinese one (a small part of Unicode's
# confusables: those that a keyboard or a name generator gives). Both lines of a pair are aligned.
_LOOK_ALIKES = str.maketrans(
    "АВЕЅЗІЈКМНОРСТУХԚԜаевгѕзіјкмнорстухһԁԛԝѵ"
    "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαεικνορτυχϲϳ"
    "ɑɡɩɪʏʀɴʟɢʙʜᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢꜱıꞮſ"
    "ハニミロエカタトチオセヒーへヘ",
    "ABES3IJKMHOPCTYXQWaebrs3ijkmhopctyxhdqwv"
    "ABEZHIKMNOPTYXaeikvoptuxcj"
    "agiiyrnlgbhacdejkmoptuvwzsiis"
    "八二三口工力夕卜千才七匕一入入",
)

# Signs that stand for an apostrophe, or for a hyphen.
_SIGNS = str.maketrans("’‘ʼʹ′`´＇‛‐‑‒–—―−﹣－", "'''''''''---------")


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text; `places[i]` is where its i-th character came from in the original, and the
    last entry the original's length."""

    text: str
    places: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where folded[start:end] stands in the original."""
        if start == end:
            return self.places[start], self.places[start]
        return self.places[start], self.places[end - 1] + 1


@cache
def simplifications() -> dict[int, str]:
    """Traditional characters and the simplified one of each, for `str.translate`."""
    rows = _TABLE.read_text(encoding="utf-8").splitlines()
    return {
        ord(pair[0]): pair[1] for row in rows if not row.startswith("#") for pair in row.split()
    }


def simplified(text: str) -> str:
    """The text in simplified characters, one for one: its length stays.

    Character by character, so a traditional character with two simplified ones gets the commoner.
    """
    return text.translate(simplifications())


def invisible(character: str) -> bool:
    """Whether nothing is seen where this character stands."""
    code = ord(character)
    return any(first <= code <= last for first, last in _INVISIBLE) or (
        unicodedata.category(character) in ("Cc", "Cf", "Cn", "Cs") and character not in "\t\n\r"
    )


@lru_cache(maxsize=16384)
def _read_as(character: str) -> str:
    """What one character is read as, in its case: nothing, or some letters."""
    if invisible(character):
        return ""
    known = character.translate(_SIGNS)
    known = "".join(_unmarked(c) for c in unicodedata.normalize("NFKC", known))
    known = known.translate(_LOOK_ALIKES).translate(_SIGNS)
    return simplified("".join(c for c in known if not invisible(c)))


def _unmarked(character: str) -> str:
    """A letter without its accents. Scripts whose marks are vowels keep them."""
    if "\u0300" <= character <= "\u036f" or "\u20d0" <= character <= "\u20ff":
        return ""
    parts = unicodedata.normalize("NFD", character)
    if len(parts) > 1 and all("\u0300" <= mark <= "\u036f" for mark in parts[1:]):
        return parts[0]
    return character


def fold_text(text: str) -> Folded:
    """A text as it is compared: letters folded in their case, spaces and punctuation kept."""
    letters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for letter in _read_as(character):
            letters.append(letter)
            places.append(place)
    return Folded("".join(letters), (*places, len(text)))


@lru_cache(maxsize=8192)
def fold(name: str) -> str:
    """A name as it is compared: folded, and without spaces, punctuation, emoji and other marks.

    Two names that fold alike are read as the same. A name of marks alone keeps them.
    """
    read = "".join(map(_read_as, name)).casefold()
    plain = "".join(c for c in read if _belongs(c))
    return plain or "".join(read.split())


def _belongs(character: str) -> bool:
    kind = unicodedata.category(character)
    return kind[0] not in "PZC" and kind not in ("So", "Sk")
