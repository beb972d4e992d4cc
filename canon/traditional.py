"""Traditional Chinese read as simplified, letter for letter, so that offsets stay what they are.

The rules, word lists and shipped tables of this package are written in simplified letters. A
traditional edition is folded for them; what is quoted and shown keeps the letters of the file.
"""

from __future__ import annotations

from functools import lru_cache

from text.folding import simplifications

# Letters that simplified text has, too (乾坤, 著名, 於是 in older print): no sign of a traditional
# edition, and folded in one only.
_BOTH = frozenset("乾著於瞭藉徵覆麼餘鍾摺祕嚮菴噹夥菸塵佇吒拚捱搧")
_SHARE = 0.04  # of a traditional text about a quarter of the letters differ
_SAMPLE = 20_000  # characters


@lru_cache(maxsize=1)
def _tables() -> tuple[dict[int, str], dict[int, str]]:
    """(all letters, those that no simplified text has), for str.translate."""
    every = simplifications() | {ord("著"): "着"}
    return every, {code: char for code, char in every.items() if chr(code) not in _BOTH}


def is_traditional(text: str) -> bool:
    """Whether a text is in traditional letters, by the first 20,000 characters."""
    sample = text[:_SAMPLE]
    _, sure = _tables()
    han = sum("\u4e00" <= char <= "\u9fff" for char in sample)
    return sum(ord(char) in sure for char in sample) > _SHARE * max(han, 1)


def fold_text(text: str) -> str:
    """A chapter as the rules read it: simplified if it is traditional, of the same length."""
    return text.translate(_tables()[0]) if is_traditional(text) else text


def fold_words(text: str) -> str:
    """A name or a question in simplified letters; what simplified text has, too, stays."""
    return text.translate(_tables()[1])
