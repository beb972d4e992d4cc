"""What the world of a book does not have: a telephone, Harry Potter.

    World(lexicon, text).unheard("大圣，你用微信么？")        ->  ("微信",)
    unheard("大圣，你用微信么？", ("wukong", "孙悟空"))       the same without the book at hand

By word lists (`lexicon/elsewhere.toml`) and by how names look, less what the book's text has.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable
from functools import cached_property, lru_cache

from canon.lexicon import HAN, LATIN, LEXICON, Lexicon, elsewhere, elsewhere_in, stem
from canon.names import BOOKS, NameTable, read_table
from canon.traditional import fold_words

# A book with so many of the marks of today is of our own days. Of 72 old novels 官场现形记, of
# 1903, has three: a telephone, and two by chance, across the borders of words.
_TODAY = 4
_POSSESSIVE = re.compile(r"['’]s$")
_HONORIFICS = frozenset(
    ("mr", "mrs", "ms", "miss", "dr", "sir", "lady", "lord", "uncle", "aunt", "captain", "master")
)


class World:
    """What a book's text has, to be asked what it does not have."""

    def __init__(self, lexicon: Lexicon, text: str) -> None:
        self._lexicon = lexicon
        self._text = fold_words(text.casefold())

    def unheard(self, text: str) -> tuple[str, ...]:
        """What a message names that nobody in the book can know, as it is written there; nothing
        of a book of our own days."""
        if self.of_today:
            return ()
        return tuple(word for word in beyond(self._lexicon, text) if not self.has(word))

    @cached_property
    def of_today(self) -> bool:
        """Whether the book is set in a world that has telephones."""
        data = tomllib.loads((LEXICON / "elsewhere.toml").read_text(encoding="utf-8"))
        return sum(map(self.has, data["marks"].split())) >= _TODAY

    def has(self, word: str) -> bool:
        """Whether the book's text has a word: a Chinese one as it stands, of an English one all
        parts in some form."""
        word = fold_words(word.casefold())
        if HAN.search(word):
            return word in self._text
        return all(stem(part) in self._stems for part in LATIN.findall(word))

    @cached_property
    def _stems(self) -> frozenset[str]:
        return frozenset(map(stem, LATIN.findall(self._text)))


def unheard(text: str, names: Iterable[str]) -> tuple[str, ...]:
    """What a message names that whoever answers to `names` cannot know, where no book is at hand
    and the table of theirs ships; nothing for others.

    An English name alone does not tell: anybody may be called Monkey."""
    chinese = [name for name in names if HAN.search(name)]
    for table, world in _shipped():
        if any(table.person(name) for name in chinese):
            return world.unheard(text)
    return ()


@lru_cache(maxsize=1)
def _shipped() -> tuple[tuple[NameTable, World], ...]:
    """Tables, and for a text the words of the lists that their books have (`*.has.txt`)."""
    found = []
    for path in sorted(BOOKS.glob("*.has.txt")):
        table = read_table(path.with_name(path.name.removesuffix(".has.txt") + ".toml"))
        found.append((table, World(Lexicon(table), path.read_text(encoding="utf-8"))))
    return tuple(found)


def named(text: str, names: Iterable[str]) -> tuple[str, ...]:
    """Those of a book's names that stand in a message, as they are written there; of one within
    another the longer one."""
    folded = fold_words(text)
    found = []
    for name in sorted(names, key=len, reverse=True):
        pattern = re.escape(name) if HAN.search(name) else rf"\b{re.escape(name)}\b"
        if place := re.search(pattern, folded):
            found.append(text[place.start() : place.end()])
            folded = re.sub(pattern, " " * len(name), folded)
    return tuple(found)


def stands(word: str, texts: Iterable[str]) -> bool:
    """Whether a word stands in one of these texts: 明月 is a moon before it is a boy."""
    word = fold_words(word)
    return any(word in fold_words(text) for text in texts)


def beyond(lexicon: Lexicon, text: str) -> tuple[str, ...]:
    """What a message names that an old novel does not have, and famous names that no list has
    (《titles》, transcribed ones, those of two words, abbreviations), as they are written, each
    once: "Have you met Harry Potter?" -> ("Harry Potter",)."""
    asked = unicodedata.normalize("NFKC", text)
    folded = fold_words(asked.casefold()).replace("’", "'")
    if len(folded) != len(asked):  # a letter whose small form is two
        asked = folded
    places = [(*at, True) for at in elsewhere_in(folded) if _is_listed(folded[slice(*at)])]
    for name in lexicon.strangers(asked):
        at = folded.find(name.casefold())
        places += [(at, at + len(name), False)] if at >= 0 else []
    found: list[tuple[int, int, bool]] = []
    for start, end, listed in sorted(places):
        if found and folded[found[-1][1] : start] in ("", " ", "-"):
            begun, last, known = found.pop()
            found.append((begun, max(end, last), known or listed))
        else:
            found.append((start, end, listed))
    words = ((_POSSESSIVE.sub("", asked[start:end]), listed) for start, end, listed in found)
    return tuple(dict.fromkeys(word for word, listed in words if listed or _is_famous(word)))


def _is_famous(name: str) -> bool:
    """Whether a name that no list has is one that everybody knows today, and not that of a friend
    of who talks: Taylor Swift, PPT; not Edmund, Uncle Bob, Your Majesty."""
    if HAN.search(name):
        return True
    words = [word for word in name.split() if word.casefold() not in _HONORIFICS]
    return len(words) > 1 or (len(words[0]) > 1 and name.isupper() if words else False)


def _is_listed(word: str) -> bool:
    """Whether a word stands in the lists itself, or as the one of its many; a stem may be that of
    another word (site, sit)."""
    chinese, foreign = elsewhere()
    ends = ("", "s", "es", "'s")
    one = any(word.endswith(end) and word[: len(word) - len(end)] in foreign for end in ends)
    return one or bool(chinese.fullmatch(word))
