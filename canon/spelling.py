"""English names for the people of a Chinese book that nobody has translated: their pinyin.

Who asks in English writes Cao Cao or Zhuge Liang. A table that was drafted from the book's own
speech tags has the Chinese names alone, so these would be strangers. What a name sounds like comes
from outside, since this package knows no other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from canon.lexicon import english, stem
from canon.names import NameTable, Person

# The pinyin of a text, syllable by syllable, without tones and with ü as v; [] where there is none.
Spell = Callable[[str], Sequence[str]]

_LONGEST = 4  # characters of a name
_HAN = re.compile("[\u3400-\u9fff]{2,}")


def spelled(table: NameTable, spell: Spell) -> NameTable:
    """The table with pinyin as the English names of people who have none."""
    people = tuple(
        person if person.en else replace(person, en=_spelled(person, spell))
        for person in table.people
    )
    return replace(table, people=people)


def _spelled(person: Person, spell: Spell) -> tuple[str, ...]:
    names = [n for n in person.aliases if len(n) <= _LONGEST and _HAN.fullmatch(n)]
    return tuple(dict.fromkeys(form for name in names for form in spellings(spell(name))))


def spellings(syllables: Sequence[str]) -> tuple[str, ...]:
    """The ways to write a name of some syllables, with the family name apart: zhu ge liang is
    Zhu Geliang, Zhuge Liang or Zhugeliang, lv bu is Lü Bu or Lu Bu.

    What is nothing but English words (He Man) is left out.
    """
    if len(syllables) < 2:
        return ()
    cuts = [at for at in (1, 2) if at < len(syllables)]
    found = [f"{_word(syllables[:at])} {_word(syllables[at:])}" for at in cuts]
    found += [_word(syllables)]
    found += [form.replace("ü", "u").replace("Ü", "U") for form in found]
    return tuple(form for form in dict.fromkeys(found) if not _is_english(form))


def _word(syllables: Sequence[str]) -> str:
    """Syllables as one word: chang, e is Chang'e."""
    word = syllables[0] + "".join(f"'{s}" if s[0] in "aeo" else s for s in syllables[1:])
    return word.replace("v", "ü").capitalize()


def _is_english(form: str) -> bool:
    mapped, dropped = english()
    return all(stem(word) in dropped or stem(word) in mapped for word in form.casefold().split())
