"""Who is in a chapter, and where a name first stands: what can be known by when."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from canon.book import Book
from canon.names import NameTable, Term, alternation
from canon.speakers import UNDECIDED, Quote


@dataclass(frozen=True)
class Chapter:
    """What is known of one chapter.

    says: canonical name → number of its quotes, most first; who speaks is present.
    named: canonical name → how often it is named by the narrator or by others.
    first: names of people, places and things that stand here for the first time in the book.
    """

    number: int
    heading: str
    says: dict[str, int]
    named: dict[str, int]
    first: tuple[str, ...]

    @property
    def present(self) -> tuple[str, ...]:
        """Who is there for certain: everybody who says something."""
        return tuple(self.says)


@dataclass(frozen=True)
class FirstMention:
    """Where a name stands for the first time: section number and offset in its text."""

    name: str
    section: int
    start: int


def find_chapters(
    book: Book, quotes: Sequence[Quote], table: NameTable, *, least_confidence: float = 0.7
) -> tuple[list[Chapter], list[FirstMention]]:
    """Every chapter's people, and the first mention of every name, in the order of the book."""
    says: dict[int, Counter[str]] = {}
    for quote in quotes:
        if quote.kind == "text" or quote.confidence < least_confidence:
            continue
        for name in quote.speaker.split("、"):
            if name and name != UNDECIDED:
                says.setdefault(quote.section, Counter())[name] += 1
    fixed = {name: term.name for term in (*table.places, *table.things) for name in _forms(term)}
    people = {alias for person in table.people for alias in person.aliases if len(alias) > 1}
    pattern = re.compile(alternation([*fixed, *people]) or "(?!)")
    seen: dict[str, FirstMention] = {}
    chapters = []
    for section in book.sections:
        names = table.in_chapter(section)
        named: Counter[str] = Counter()
        first: list[str] = []
        for match in pattern.finditer(section.plain, section.body):
            surface = match.group()
            name = fixed.get(surface) or names.resolve(surface, match.start())
            if name == surface and surface not in fixed and surface not in names.meaning:
                continue  # a common word that means nobody in this chapter
            for single in name.split("、"):
                named[single] += 1
                if single not in seen:
                    seen[single] = FirstMention(single, section.number, match.start())
                    first.append(single)
        spoken = says.get(section.number, Counter())
        chapters.append(
            Chapter(
                section.number,
                section.heading,
                dict(spoken.most_common()),
                dict(named.most_common()),
                tuple(first),
            )
        )
    return chapters, list(seen.values())


def _forms(term: Term) -> Iterable[str]:
    return (term.name, *term.aliases)
