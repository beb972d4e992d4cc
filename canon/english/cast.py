"""Who speaks in an English book: the names that its narration gives away, joined, with he or she.

cast = cast_of(book)                  Mr. Pell and Pell are one; Mr. and Mrs. Pell are two
cast.canonical("Captain Rudd")        "Rudd"
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from canon.book import Book
from canon.english.forms import joined, split_title, titled, titles
from canon.english.grammar import (
    NAME,
    PERSON,
    Subject,
    actor,
    gender_of_role,
    is_person,
    long_names,
    may_be_anybody,
    plain,
    sentences,
    tag_before,
    tag_behind,
    words,
)
from canon.english.marks import find_english, paragraphs, styles_of
from canon.names import NameTable, Person, Scope

# A name that is nowhere tagged must do something so often to be somebody.
_ACTS_OFTEN = 2
_IN_FULL = {"dr": "doctor", "capt": "captain", "col": "colonel", "prof": "professor"}
_SURE = 0.7  # share of the pronouns near a name that have to agree


@dataclass(frozen=True)
class Cast:
    """Who speaks in the book: surface → canonical name, and he or she where that is known.

    narrated: whether somebody tells it who says "I said". ages: "old" or "young" of those who are
    called so (old Mr. Pell), "grown" of those with a title.
    """

    names: Mapping[str, str]
    pronouns: Mapping[str, str]
    pattern: re.Pattern[str] = field(default=re.compile("(?!)"), compare=False)
    narrated: bool = False
    ages: Mapping[str, str] = field(default_factory=dict)

    def knows(self, surface: str) -> bool:
        """Whether this is the name of somebody in the book."""
        return self.canonical(surface) in self._meant

    @cached_property
    def _meant(self) -> frozenset[str]:
        return frozenset(self.names.values())

    @cached_property
    def titled(self) -> dict[str, set[str]]:
        """Title in small letters, in full (doctor) → who has it."""
        found: dict[str, set[str]] = {}
        for surface, name in self.names.items():
            title = split_title(surface)[0].casefold()
            if title:
                found.setdefault(_IN_FULL.get(title, title), set()).add(name)
        return found

    def canonical(self, surface: str) -> str:
        """The name that stands for this person; the surface itself for a stranger."""
        surface = plain(surface)
        if surface in self.names:
            return self.names[surface]
        # Martha Then: the next sentence begins
        parts = surface.split()
        shorter = (" ".join(parts[:n]) for n in range(len(parts) - 1, 0, -1))
        return next((self.names[one] for one in shorter if one in self.names), surface)


def cast_of(book: Book, table: NameTable | None = None) -> Cast:
    """Names that speech tags and narration give away; a table's own aliases go before them."""
    counts, roles, first_person = _counted(book)
    small, great = _words_of(book)
    counts = _only_names(counts, small, great)
    alone = {name: name for name in counts}
    sexes = _pronouns(book, alone, _pattern(alone))
    names = {alias: p.name for p in (table.people if table else ()) for alias in p.aliases}
    for surface, name in joined(counts, sexes).items():
        names.setdefault(surface, names.get(name, name))
    for role, name in roles.items():
        if name in names:
            names.setdefault(role, names[name])
    _called_so(names, great)
    for title in titles() & set(great):
        # "the Captain", where the book has one
        meant = {n for s, n in names.items() if " " in s and split_title(s)[0] == title}
        alone_too = re.compile(rf"\b[Tt]he {title}\b(?! [A-Z])")
        if len(meant) == 1 and any(alone_too.search(s.text) for s in book.sections):
            names[title] = meant.pop()
    pattern = _pattern(names)
    told = first_person >= _ACTS_OFTEN
    return Cast(names, _pronouns(book, names, pattern), pattern, told, _ages(book, names, pattern))


def _ages(book: Book, names: Mapping[str, str], pattern: re.Pattern[str]) -> dict[str, str]:
    """old, young or grown, where the book tells."""
    grown = (words("male_titles") | words("female_titles") | words("other_titles")) - {"Miss"}
    ages = {name: "grown" for surface, name in names.items() if split_title(surface)[0] in grown}
    called: dict[str, Counter[str]] = {}
    said = re.compile(rf"\b(?P<age>[Oo]ld|[Yy]oung|[Ll]ittle)\s+(?P<name>{pattern.pattern})")
    for section in book.sections:
        for match in said.finditer(section.text):
            name = names[plain(match["name"])]
            age = "old" if match["age"].casefold() == "old" else "young"
            called.setdefault(name, Counter())[age] += 1
    return ages | {name: count.most_common(1)[0][0] for name, count in called.items()}


def _called_so(names: dict[str, str], great: Counter[str]) -> None:
    """Add forms that stand only in what is said: the first name of a full one, and Lizzy."""
    first: dict[str, set[str]] = {}
    for surface, name in names.items():
        title, rest = split_title(surface)
        if not title and len(rest) > 1 and great[rest[0]]:
            first.setdefault(rest[0], set()).add(name)
    for word, people in first.items():
        if len(people) == 1:
            names.setdefault(word, people.pop())
    split = {surface: split_title(surface) for surface in names}
    for short, full in long_names().items():
        if full in names and great[short] and not titled(full, split):
            names.setdefault(short, names[full])


def _pattern(names: Mapping[str, str]) -> re.Pattern[str]:
    """Any of the names, the longest first."""
    found = sorted(names, key=lambda name: (-len(name), name))
    return re.compile("|".join(rf"\b{re.escape(n)}(?![a-zA-Z])" for n in found) or "(?!)")


def narration(book: Book) -> Iterator[tuple[str, str, str]]:
    """(in front, behind, "") of each quote, and ("", "", text) of paragraphs without one."""
    marks = styles_of(book)
    for section in book.sections:
        text = section.text.replace("_", " ")
        spans = list(find_english(text, marks, section.body))
        at = 0
        for begin, end in paragraphs(text, section.body):
            own = []
            while at < len(spans) and spans[at][0] < end:
                own.append(spans[at])
                at += 1
            if not own:
                yield "", "", text[begin:end]
            before = begin
            for index, (start, stop, _) in enumerate(own):
                after = own[index + 1][0] if index + 1 < len(own) else end
                yield text[before:start], text[stop:after], ""
                before = stop


_APPOSITION = re.compile(
    rf"(?P<name>{NAME}),?[ \n]+the[ \n]+(?:[a-z]+[ \n]+)?(?P<role>{PERSON})(?=,|\.|[ \n]+[a-z]+)"
)


def _counted(book: Book) -> tuple[Counter[str], dict[str, str], int]:
    """How often each name speaks or acts, roles that stand beside one name only, and "I said"."""
    tagged: Counter[str] = Counter()
    acting: Counter[str] = Counter()
    roles: dict[str, Counter[str]] = {}

    def count(found: Subject | None, into: Counter[str], times: int = 1) -> None:
        for name in (found.name, found.also) if found else ():
            if name:
                into[name] += times
        if found and found.pronoun == "I" and into is tagged:
            into["I"] += 1

    for front, behind, text in narration(book):
        if behind:
            count(tag_behind(behind[:200]), tagged)
        if front.rstrip()[-1:] in (",", ":") or (front.strip() and front.rstrip()[-1:].isalpha()):
            count(tag_before(front[-400:]), tagged)
        for sentence in sentences(front) + sentences(behind) + sentences(text):
            if sentence.lstrip()[:1].isupper():
                count(actor(sentence[:200]), acting)
        for match in _APPOSITION.finditer(front + behind + text):
            role = match["role"]
            if is_person(role) and not may_be_anybody(role):
                roles.setdefault(role, Counter())[plain(match["name"])] += 1
    first_person = tagged.pop("I", 0)
    counts = Counter(tagged)
    for name, times in acting.items():
        known = set(name.split()) & (words("male_names") | words("female_names"))
        titled = name.split()[0].rstrip(".") in titles() and " " in name
        if name in tagged or times >= _ACTS_OFTEN or known or titled:
            counts[name] += times
    named = {r: c.most_common(1)[0][0] for r, c in roles.items() if len(c) == 1}
    for name in list(counts):
        if name.endswith("s") and name[:-1] in counts and " " not in name:
            del counts[name]  # the Wellands
    return counts, {role: name for role, name in named.items() if name in counts}, first_person


def _words_of(book: Book) -> tuple[Counter[str], Counter[str]]:
    """How often each word stands small, and with a capital."""
    small = Counter(w for section in book.sections for w in _SMALL.findall(section.text))
    great = Counter(w for section in book.sections for w in _GREAT.findall(section.text))
    return small, great


_SMALL, _GREAT = re.compile(r"\b[a-z]+\b"), re.compile(r"\b[A-Z][A-Za-z]*\b")


def _only_names(counts: Counter[str], small: Counter[str], great: Counter[str]) -> Counter[str]:
    """Without words that only begin sentences (Leaning over, she …), which stand small, too."""
    given = words("male_names") | words("female_names")

    def is_name(surface: str) -> bool:
        title, rest = split_title(surface)
        return title != "" or any(w in given or 2 * small[w.lower()] < great[w] for w in rest)

    return Counter({name: times for name, times in counts.items() if is_name(name)})


def _pronouns(book: Book, names: Mapping[str, str], pattern: re.Pattern[str]) -> dict[str, str]:
    """he or she for each name: by title, by given name, by the pronouns that follow it closely."""
    seen: dict[str, Counter[str]] = {}
    for surface, name in names.items():
        count = seen.setdefault(name, Counter())
        title, rest = split_title(surface)
        he = title in words("male_titles") or (not title and rest[0] in words("male_names"))
        she = title in words("female_titles") or (not title and rest[0] in words("female_names"))
        role = gender_of_role(surface)
        count["he"] += (40 if title else 8) * he + 8 * (role == "he")
        count["she"] += (40 if title else 8) * she + 8 * (role == "she")
    for front, behind, text in narration(book):
        for stretch in (front, behind, text):
            for match in pattern.finditer(stretch):
                near = stretch[match.end() : match.end() + 120]
                near = pattern.split(near, maxsplit=1)[0]  # up to the next name
                if first := re.search(
                    r"\b(?:([Hh]e|[Hh]is|himself)|([Ss]he|[Hh]er|hers|herself))\b", near
                ):
                    subject = not stretch[: match.start()].strip() or _BEGINS.search(
                        stretch[max(0, match.start() - 24) : match.start()]
                    )
                    votes = 3 if subject else 1
                    seen[names[plain(match.group())]]["he" if first[1] else "she"] += votes
    return {
        name: count.most_common(1)[0][0]
        for name, count in seen.items()
        if count and count.most_common(1)[0][1] > _SURE * max(count.total(), 1)
    }


# Who acts is whom he or she means next: said Martha, taking her hat.
_BEGINS = re.compile(
    r"(?:[.!?;”\"’']\s+|\n\s*|\b(?:said|asked|replied|answered|cried)\s+)(?:But |And |Then )?$"
)


def draft_english(book: Book) -> NameTable:
    """A name table made from the book's own tags: a start for a person to correct."""
    cast = cast_of(book)
    people: dict[str, list[str]] = {}
    for surface, name in cast.names.items():
        people.setdefault(name, []).append(surface)
    return NameTable(
        title=book.title,
        people=tuple(
            Person(name, en=(name,), scopes=(Scope(tuple(sorted({name, *also}))),))
            for name, also in people.items()
        ),
    )
