"""Who a book introduces under several names: 姓刘名备，字玄德.

Old novels tell a person's family name, given name and courtesy name once, and from then on use any
of them. So 刘备, 玄德 and 刘玄德 are one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from functools import cache

from canon.book import Book
from canon.grammar import words

_HAN = "[\u4e00-\u9fff]"
_COURTESY = (
    f"表?字(?P<courtesy>{_HAN}{{2}})(?:，后改(?P<later>{_HAN}{{2}}))?(?=[，。；：！？”\\s者])"
)
# 姓刘名备，字玄德; 复姓诸葛，名亮，字孔明; 姓宋名江，表字公明; 姓关名羽，字长生，后改云长.
_WHOLE = re.compile(f"姓(?P<family>{_HAN}{{1,2}}?)，?名(?P<given>{_HAN}{{1,2}}?)，?{_COURTESY}")
# 北海孔融，字文举; what stands before the name is not told apart from it.
_SHORT = re.compile(f"(?P<name>(?:(?![姓名]){_HAN}){{2,4}})，{_COURTESY}")


def introduced(book: Book, names: Collection[str]) -> list[tuple[str, ...]]:
    """The names of each person whom the book introduces: full, courtesy, and both together.

    names: those that are known already; they tell where a name begins. A courtesy name that two
    people have is nobody's.
    """
    found: dict[str, tuple[str, str]] = {}
    for section in book.sections:
        for match in _WHOLE.finditer(section.plain, section.body):
            found.setdefault(match["family"] + match["given"], (match["family"], _courtesy(match)))
        for match in _SHORT.finditer(section.plain, section.body):
            if split := _split(match["name"], names):
                found.setdefault("".join(split), (split[0], _courtesy(match)))
    owners = Counter(courtesy for _, courtesy in found.values())
    return [
        (full, courtesy, family + courtesy)
        for full, (family, courtesy) in found.items()
        if owners[courtesy] == 1 and courtesy not in found
    ]


def _courtesy(match: re.Match[str]) -> str:
    """The courtesy name, or what it was changed to."""
    return match["later"] or match["courtesy"]


def joined(
    groups: Iterable[tuple[str, ...]], counts: Mapping[str, int]
) -> dict[str, tuple[str, ...]]:
    """Canonical name → all its names, the canonical one first: the one that most tags have.

    counts: how many tags each known name has. A group without a known name is left out.
    """
    people: dict[str, tuple[str, ...]] = {}
    for group in groups:
        known = [name for name in group if name in counts]
        if known:
            name = max(known, key=lambda one: counts[one])
            people[name] = (name, *(other for other in group if other != name))
    return people


def _split(text: str, names: Collection[str]) -> tuple[str, str] | None:
    """Family and given name at the end of a text: a name that is known, else one that begins with
    a family name."""
    one, two = _families()
    ends = [text[-size:] for size in (3, 2) if len(text) >= size]
    for end in sorted(ends, key=lambda end: end not in names):
        if end[:2] in two and len(end) == 3:
            return end[:2], end[2:]
        if end in names and end[0] in one:
            return end[0], end[1:]
    return next(((end[0], end[1:]) for end in reversed(ends) if end[0] in one), None)


@cache
def _families() -> tuple[frozenset[str], frozenset[str]]:
    """Family names of one character, and of two."""
    families = words()["surnames"]
    return (
        frozenset(name for name in families if len(name) == 1),
        frozenset(name for name in families if len(name) == 2),
    )
