"""Facts of a cast's own story, each with the words that it is looked up by (`characters.told`).

facts/bajie.toml, beside the cards:

[[facts]]
keys = ["钉耙", "九齿耙", "rake"]        told when a message holds one, whoever is asked
zh = "九齿钉耙是猪八戒的兵器，重五千零四十八斤。"
en = "The nine-toothed rake is Zhu Bajie's weapon; it weighs 5,048 catties."

[[facts]]
asked = ["兵器", "武器", "weapon"]       told when 八戒 himself is asked
zh = "猪八戒的兵器是九齿钉耙。"
chapter = 19                            not so before; left out: always
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from characters.words import LANGUAGES, Language, Words
from text.folding import fold_text
from text.toml import read_toml

FOLDER = "facts"  # beside the cards


class FactError(ValueError):
    """A file of facts that cannot be used; the message names the file and the fact."""

    for_user = True


@dataclass(frozen=True, slots=True)
class Fact:
    """One sentence about a character, `about` by its id.

    It is told when a message holds one of `keys`, whoever is asked; or one of `asked` (兵器,
    weapon) and the character itself is spoken to. Both are folded (`text.folding`): Chinese
    stands anywhere, a Latin word as a whole one. `chapter` is where it comes to be so; 0: it always
    was.
    """

    about: str
    text: Words
    keys: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    chapter: int = 0

    def name(self, language: Language) -> str:
        """What the fact is called: the first word of the language that it is looked up by."""
        words = (*self.keys, *self.asked)
        return next((w for w in words if w.isascii() == (language == "en")), words[0])


def read_facts(folder: Path, ids: Sequence[str]) -> tuple[Fact, ...]:
    """The facts of a folder of cards: `facts/ID.toml` of each character that has one.

    Raises:
        FactError: a file that is no character's, or that breaks the format.
    """
    files = sorted((folder / FOLDER).glob("*.toml"))
    for file in files:
        if file.stem not in ids:
            known = ", ".join(ids)
            raise FactError(f"{file}: facts of {file.stem!r}, who has no card here ({known})")
    return tuple(fact for file in files for fact in _read(file))


def _read(file: Path) -> Iterator[Fact]:
    try:
        raw = read_toml(file)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, OSError) as problem:
        raise FactError(f"{file}: cannot be read as TOML: {problem}") from problem
    rows = raw.pop("facts", [])
    if raw or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise FactError(f"{file}: facts are written as [[facts]] tables, and nothing else")
    for number, row in enumerate(rows, start=1):
        try:
            yield _fact(file.stem, dict(row))
        except ValueError as problem:
            raise FactError(f"{file}: fact {number}: {problem}") from problem


def _fact(about: str, row: dict[str, Any]) -> Fact:
    texts = {language: row.pop(language, "") for language in LANGUAGES}
    keys, asked, chapter = (row.pop(key, None) for key in ("keys", "asked", "chapter"))
    for key in row:
        raise ValueError(f"{key}: unknown key")
    if not all(isinstance(text, str) for text in texts.values()):
        raise ValueError("zh and en are texts")
    if not any(text.strip() for text in texts.values()):
        raise ValueError("says nothing in zh or en")
    if chapter is None:
        chapter = 0
    if isinstance(chapter, bool) or not isinstance(chapter, int) or chapter < 0:
        raise ValueError(f"chapter: {chapter!r} is no number of a chapter")
    if (keys is None) == (asked is None):
        raise ValueError("has either keys or asked")
    words = Words(**{language: " ".join(text.split()) for language, text in texts.items()})
    return Fact(about, words, _words("keys", keys), _words("asked", asked), chapter)


def _words(name: str, found: object) -> tuple[str, ...]:
    if found is None:
        return ()
    if not isinstance(found, list) or not found:
        raise ValueError(f"{name}: a list of words")
    words = tuple(folded(word).strip() if isinstance(word, str) else "" for word in found)
    if not all(words):
        raise ValueError(f"{name}: a list of words, none of them empty")
    return words


def folded(text: str) -> str:
    """Text as keys are looked for in it."""
    return fold_text(text).text.casefold()
