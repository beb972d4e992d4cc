"""Names that a book gives away by itself: whoever stands in front of 道：.

Used beside an alias table, and alone where there is none; a build writes what was found as a
table for a person to correct and hand back.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from functools import cache

from canon.after import named_after, tags_after
from canon.book import Book
from canon.grammar import words
from canon.introductions import introduced, joined
from canon.names import NameTable, Person, Scope, alternation

_BREAKS = "，。！？；：“”‘’「」『』\\s\u3000"


@cache
def _tag() -> re.Pattern[str]:
    """The tag right after another quote, or at the start of a sentence.

    The whole clause is name + manner + verb, so the name's end is where manner or verb begins.
    """
    return re.compile(
        "(?:^|[”」。！？\n\u3000])[\\s\u3000]*(?:却说|只见|且说|那|这|慌得|唬得)?"
        f"(?P<name>[^{_BREAKS}]{{1,5}}?)(?:{alternation(words()['manner'])})"
        f"[^{_BREAKS}]{{0,8}}(?<=[道曰说云问叫])[：:；]"
    )


@cache
def _bare_tag() -> re.Pattern[str]:
    """A tag with nothing but a name: trusted once, if the name occurs again elsewhere."""
    return re.compile(
        f"[”」。！？\n][\\s\u3000]*(?:那|这|慌得)?(?P<name>[^{_BREAKS}]{{2,4}}?)(?:又|也|即|便)?"
        f"(?:{alternation(words()['short_manner'])}){{0,2}}[道曰云][：:]"
    )


_LEAST_ELSEWHERE = 1


def discover(book: Book, known: frozenset[str] = frozenset(), least: int = 3) -> Counter[str]:
    """Names of two to four characters that at least `least` speech tags begin with.

    known: names that need no discovery (an alias table's).

    Returns the number of tags for each name. Roles (老者, 国王) are left out: the grammar
    knows them already.
    """
    roles = set(words()["roles"])
    counts: Counter[str] = Counter()
    for section in book.sections:
        for match in _tag().finditer(section.plain, section.body):
            name = match["name"]
            if _may_be_name(name, roles):
                counts[name] += 1
    once: Counter[str] = Counter()
    for section in book.sections:
        for match in _bare_tag().finditer(section.plain, section.body):
            name = match["name"]
            if counts[name] < least and _may_be_name(name, roles):
                once[name] += 1
    for name, count in once.items():
        seen = 0
        for section in book.sections:
            seen += section.plain.count(name)
            if seen >= _LEAST_ELSEWHERE + count:
                counts[name] = max(least, count)
                break
    kept = {name: count for name, count in counts.items() if count >= least}
    # 行者暗 is 行者 and the beginning of a manner (暗笑道).
    heads = {name for name in counts if len(name) >= 2}.union(known)
    return Counter(
        {
            name: count
            for name, count in kept.items()
            if not any(alias in name for alias in known if len(alias) > 1)
            and not any(
                name[:cut] in known or counts[name[:cut]] > 2 * count
                for cut in range(2, len(name))
                if name[:cut] in heads
            )
        }
    )


# 操曰, 瑜大怒曰: histories call a person by the last character of the name.
_GIVEN = re.compile(
    "[”」。！？\n\u3000](?P<name>[\u4e00-\u9fff])(?:大怒|大喜|大惊|大笑|笑|怒|叹|答|谢|泣|急|乃|遂|又|亦)?[曰道][：:]"
)
_NO_GIVEN = frozenset("诗词歌赋颂赞偈便说问叫唱念喝骂哭写制想")
_OFTEN, _LEAST_FULL = 5, 2


def given_names(book: Book, names: Iterable[str]) -> dict[str, dict[int, str]]:
    """One-character names, and whose they are in each chapter: {"操": {1: "曹操", …}}.

    The owner is the discovered name, or family name and character, that stands most often in
    the chapter, or did in the last chapter that has one.
    """
    counts: Counter[str] = Counter()
    for section in book.sections:
        counts.update(match["name"] for match in _GIVEN.finditer(section.plain, section.body))
    no_given = _NO_GIVEN.union(words()["never_first"])
    given = [c for c, n in counts.items() if n >= _OFTEN and c not in no_given]
    if not given:
        return {}
    # Family name and character (司马懿), or a discovered name that ends so.
    full = re.compile(f"(?:{alternation(words()['surnames'])})[{''.join(given)}]")
    known = [name for name in names if 2 <= len(name) <= 3 and name[-1] in given]
    by_chapter: dict[int, Counter[str]] = {}
    for section in book.sections:
        by_chapter[section.number] = Counter(full.findall(section.plain))
        for name in known:
            stands = section.plain.count(name)
            if stands:
                by_chapter[section.number][name] = stands
    often = Counter(dict.fromkeys(known, 0))
    for chapter in by_chapter.values():
        often.update(chapter)
    found: dict[str, dict[int, str]] = {char: {} for char in given}
    owner: dict[str, str] = {}
    for number, chapter in by_chapter.items():
        for name, _ in sorted(chapter.items(), key=lambda item: (item[1], item[0])):
            if often[name] >= _LEAST_FULL:
                owner[name[-1]] = name
        for char, name in owner.items():
            found[char][number] = name
    return {char: chapters for char, chapters in found.items() if chapters}


def draft_table(book: Book) -> NameTable:
    """A name table made from the book alone: a start for a person to correct."""
    names = discover(book)
    if tags_after(book):
        names.update(named_after(book))
    given = given_names(book, names)
    scopes: dict[str, list[Scope]] = {}
    for char, chapters in given.items():
        for number, owner in chapters.items():
            scopes.setdefault(owner, []).append(Scope((char,), number, number))
    every = {**dict.fromkeys(scopes, 0), **names}
    known = joined(introduced(book, every), every)
    others = {other for forms in known.values() for other in forms[1:]}
    people = []
    for name in sorted(every, key=lambda name: (-every[name], name)):
        if name in others:
            continue
        forms = known.get(name, (name,))
        own = [scope for form in forms for scope in scopes.get(form, ())]
        aliases = [Scope(forms[1:])] if forms[1:] else []
        people.append(_as_printed(book, Person(name, scopes=(*aliases, *own))))
    return NameTable(title=book.title, people=tuple(people))


def _as_printed(book: Book, person: Person) -> Person:
    """Under the name as a traditional edition prints it; the rules know it by the folded one."""
    for section in book.sections:
        at = section.plain.find(person.name)
        if at >= 0:
            printed = section.text[at : at + len(person.name)]
            if printed != person.name:
                folded = Scope((person.name,))
                return replace(person, name=printed, scopes=(folded, *person.scopes))
            break
    return person


def _may_be_name(name: str, roles: set[str]) -> bool:
    lists = words()
    return (
        2 <= len(name) <= 4
        and name[0] not in lists["never_first"]
        and name[-1] not in lists["never_last"]
        and not set(name).intersection(lists["never_inside"])
        and name not in lists["never"]
        and name not in roles
    )
