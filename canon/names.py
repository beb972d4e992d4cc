"""Who is meant by a name: alias tables, scoped by chapter, read from data.

A table is a TOML file. `canon/books/*.toml` ship with the package; a person may hand in
their own. Nothing in the code is about one book.

    title = "…"
    detect = ["…", "…"]               # the table is used for a book that has all of these
    [[person]]
    name = "孙悟空"                    # the canonical name, as turns show it
    id = "wukong"                     # optional, what `--character` also accepts
    en = ["Wukong", "Monkey King"]    # optional, for questions in English
    aliases = ["行者", "大圣"]         # true in every chapter
    from = 1                          # optional, with `to`: name and aliases only here
    scoped = [{ aliases = ["那怪"], from = 18, to = 19 }]
    calls = { "师父" = "唐僧" }          # how this person addresses others
    [[reading]]                       # a stretch of one chapter in which names mean another
    chapter = 57
    aliases = ["行者"]
    name = "六耳猕猴"
    after = "…"                       # optional: from where these words stand
    before = "…"                      # optional: up to where these words stand
    [[place]] / [[thing]]             # name, en, aliases: for search and first mentions
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from canon.book import Book, Section
from canon.error import BadNameTable
from canon.events import Event, read_events
from canon.traditional import fold_words
from text.toml import read_toml

BOOKS = Path(__file__).parent / "books"
LAST = 10_000  # no book has so many chapters: "to the end"


@dataclass(frozen=True)
class Scope:
    """Aliases that mean a person in chapters first..last (both included)."""

    aliases: tuple[str, ...]
    first: int = 1
    last: int = LAST


@dataclass(frozen=True)
class Person:
    """One character of the book, named so in chapters first..last; `scopes` holds all aliases."""

    name: str
    id: str = ""
    en: tuple[str, ...] = ()
    scopes: tuple[Scope, ...] = ()
    first: int = 1
    last: int = LAST
    calls: Mapping[str, str] = field(default_factory=dict)

    @property
    def aliases(self) -> tuple[str, ...]:
        """Every alias of any chapter, the canonical name first."""
        seen = dict.fromkeys([self.name])
        for scope in self.scopes:
            seen.update(dict.fromkeys(scope.aliases))
        return tuple(seen)


@dataclass(frozen=True)
class Reading:
    """In a stretch of one chapter these aliases mean `name`."""

    chapter: int
    aliases: tuple[str, ...]
    name: str
    after: str = ""
    before: str = ""


@dataclass(frozen=True)
class Term:
    """A place or a thing: its name in the book, in English, and other names."""

    name: str
    en: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class NameTable:
    """Every name a book has a use for. An empty table is legal: names are then discovered."""

    title: str = ""
    detect: tuple[str, ...] = ()
    people: tuple[Person, ...] = ()
    readings: tuple[Reading, ...] = ()
    places: tuple[Term, ...] = ()
    things: tuple[Term, ...] = ()
    events: tuple[Event, ...] = ()

    def person(self, word: str) -> Person | None:
        """The person with this id, canonical name, English name or (else) alias."""
        word = word.strip()
        found = self._person(word)
        return found if found is not None else self._person(fold_words(word))

    def _person(self, word: str) -> Person | None:
        wanted = word.casefold()
        for person in self.people:
            if wanted in (person.id.casefold(), person.name.casefold()):
                return person
        for person in self.people:
            if wanted in (en.casefold() for en in person.en) or word in person.aliases:
                return person
        return None

    def in_chapter(self, section: Section) -> ChapterNames:
        """The names as they are used in one chapter."""
        return ChapterNames(self, section)


class ChapterNames:
    """Alias to person in one chapter, with the stretches in which an alias means another."""

    def __init__(self, table: NameTable, section: Section) -> None:
        number = section.number
        # A narrower scope beats a wider one: "大圣" may be one person in the whole book and
        # another in chapter 60.
        widths: dict[str, int] = {}
        self.meaning: dict[str, str] = {}
        for person in table.people:
            for scope in (Scope((person.name,), person.first, person.last), *person.scopes):
                if not scope.first <= number <= scope.last:
                    continue
                width = scope.last - scope.first
                for alias in scope.aliases:
                    if alias not in widths or width < widths[alias]:
                        widths[alias], self.meaning[alias] = width, person.name
        self._stretches: list[tuple[int, int, frozenset[str], str]] = []
        for reading in table.readings:
            if reading.chapter != number:
                continue
            begin = section.plain.find(reading.after) if reading.after else 0
            end = (
                section.plain.find(reading.before, max(begin, 0) + len(reading.after))
                if reading.before
                else len(section.plain)
            )
            if begin < 0 or end < 0:
                continue  # another edition of the book: the words are not there
            self._stretches.append((begin, end, frozenset(reading.aliases), reading.name))
            for alias in reading.aliases:
                self.meaning.setdefault(alias, alias)

    def resolve(self, alias: str, offset: int) -> str:
        """The canonical name for an alias at an offset of the section, else the alias itself."""
        for begin, end, aliases, name in self._stretches:
            if begin <= offset < end and alias in aliases:
                return name
        return self.meaning.get(alias, alias)


def read_table(path: Path) -> NameTable:
    """Read an alias table. Raises BadNameTable with the key that is wrong."""
    try:
        data = read_toml(path)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise BadNameTable(f"cannot read the name table {path}: {problem}") from None
    where = str(path)
    told = path.with_suffix(".events.tsv")
    _known(data, {"title", "detect", "person", "reading", "place", "thing"}, where)
    people = tuple(_person(row, where) for row in data.get("person", []))
    if len({person.name for person in people}) < len(people):
        raise BadNameTable(f"{where}: two persons have the same name")
    return NameTable(
        data.get("title", path.stem),
        _words(data, "detect", where),
        people,
        tuple(_reading(row, where) for row in data.get("reading", [])),
        _terms(data, "place", where),
        _terms(data, "thing", where),
        read_events(told) if told.exists() else (),
    )


def _person(row: Any, where: str) -> Person:
    _known(row, {"name", "id", "en", "aliases", "scoped", "calls", "from", "to"}, where)
    first = _chapter(row, "from", 1, where)
    last = _chapter(row, "to", LAST, where)
    everywhere = Scope(_words(row, "aliases", where), first, last)
    scopes = [everywhere] if everywhere.aliases else []
    for scope in row.get("scoped", []):
        _known(scope, {"aliases", "from", "to"}, where)
        scopes.append(
            Scope(
                _words(scope, "aliases", where),
                _chapter(scope, "from", 1, where),
                _chapter(scope, "to", LAST, where),
            )
        )
    calls = row.get("calls", {})
    if not isinstance(calls, dict) or not all(isinstance(x, str) for x in calls.values()):
        raise BadNameTable(f"{where}: calls of {row.get('name')} must map words to names")
    english = _words(row, "en", where)
    return Person(_name(row, where), row.get("id", ""), english, tuple(scopes), first, last, calls)


def _reading(row: Any, where: str) -> Reading:
    _known(row, {"chapter", "aliases", "name", "after", "before"}, where)
    return Reading(
        _chapter(row, "chapter", 0, where),
        _words(row, "aliases", where),
        _name(row, where),
        row.get("after", ""),
        row.get("before", ""),
    )


@lru_cache(maxsize=1)
def shipped_tables() -> tuple[NameTable, ...]:
    """The alias tables that come with the package."""
    return tuple(read_table(path) for path in sorted(BOOKS.glob("*.toml")))


def table_for(book: Book) -> NameTable:
    """The shipped table whose `detect` words all stand in the book, else an empty table."""
    for table in shipped_tables():
        if table.detect and all(
            any(word in section.plain for section in book.sections) for word in table.detect
        ):
            return table
    return NameTable(title=book.title)


def alternation(words: Iterable[str]) -> str:
    """A regular expression that matches the longest of the words first."""
    return "|".join(re.escape(word) for word in sorted(set(words), key=lambda w: (-len(w), w)))


def write_table(table: NameTable, path: Path, *, comment: str = "") -> None:
    """Write a table in the format that `read_table` reads; events are not written."""
    lines = [*(f"# {line}" for line in comment.splitlines()), f"title = {_quoted([table.title])}"]
    if table.detect:
        lines.append(f"detect = [{_quoted(table.detect)}]")
    for person in table.people:
        lines += ["", "[[person]]", f"name = {_quoted([person.name])}"]
        if person.id:
            lines.append(f"id = {_quoted([person.id])}")
        if person.en:
            lines.append(f"en = [{_quoted(person.en)}]")
        if (person.first, person.last) != (1, LAST):
            lines += [f"from = {person.first}", f"to = {person.last}"]
        rows = [
            f"  {{ aliases = [{_quoted(scope.aliases)}], "
            f"from = {scope.first}, to = {scope.last} }},"
            for scope in _joined(person.scopes)
        ]
        if rows:
            lines += ["scoped = [", *rows, "]"]
        if person.calls:
            pairs = ", ".join(f"{_quoted([k])} = {_quoted([v])}" for k, v in person.calls.items())
            lines.append(f"calls = {{ {pairs} }}")
    for reading in table.readings:
        lines += ["", "[[reading]]", f"chapter = {reading.chapter}"]
        lines += [f"aliases = [{_quoted(reading.aliases)}]", f"name = {_quoted([reading.name])}"]
        lines += [f"after = {_quoted([reading.after])}"] if reading.after else []
        lines += [f"before = {_quoted([reading.before])}"] if reading.before else []
    for kind, terms in (("place", table.places), ("thing", table.things)):
        for term in terms:
            lines += ["", f"[[{kind}]]", f"name = {_quoted([term.name])}"]
            lines += [f"en = [{_quoted(term.en)}]"] if term.en else []
            lines += [f"aliases = [{_quoted(term.aliases)}]"] if term.aliases else []
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(json.dumps(word, ensure_ascii=False) for word in words)


def _joined(scopes: Iterable[Scope]) -> list[Scope]:
    """Scopes of neighbouring chapters with the same aliases as one."""
    joined: list[Scope] = []
    for scope in sorted(scopes, key=lambda s: (s.aliases, s.first)):
        before = joined[-1] if joined else None
        if not scope.aliases:
            continue
        if before and before.aliases == scope.aliases and before.last + 1 >= scope.first:
            joined[-1] = Scope(scope.aliases, before.first, max(before.last, scope.last))
        else:
            joined.append(scope)
    return joined


def _known(row: Any, keys: set[str], where: str) -> None:
    if not isinstance(row, dict):
        raise BadNameTable(f"{where}: expected a table, found {row!r}")
    for key in row:
        if key not in keys:
            raise BadNameTable(f"{where}: unknown key {key!r}; known are {', '.join(sorted(keys))}")


def _name(row: dict[str, Any], where: str) -> str:
    name = row.get("name")
    if not isinstance(name, str) or not name:
        raise BadNameTable(f"{where}: an entry has no name: {row!r}")
    return name


def _words(row: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    words = row.get(key, [])
    if not isinstance(words, list) or not all(isinstance(x, str) and x for x in words):
        raise BadNameTable(f"{where}: {key} must be a list of words, not {words!r}")
    return tuple(words)


def _chapter(row: dict[str, Any], key: str, default: int, where: str) -> int:
    value = row.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise BadNameTable(f"{where}: {key} must be a chapter number, not {value!r}")
    return value


def _terms(data: dict[str, Any], key: str, where: str) -> tuple[Term, ...]:
    terms = []
    for row in data.get(key, []):
        _known(row, {"name", "en", "aliases"}, where)
        terms.append(
            Term(_name(row, where), _words(row, "en", where), _words(row, "aliases", where))
        )
    return tuple(terms)
