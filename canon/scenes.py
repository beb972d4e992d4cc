"""Scenes: turns that belong together, with the narration between them.

A scene ends with its chapter, at a long stretch of narration, or where the cast changes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from canon.book import Book, Section
from canon.english.grammar import tag_behind
from canon.english.grammar import words as english_words
from canon.english.marks import is_english
from canon.grammar import words
from canon.names import NameTable, alternation
from canon.quotes import without_layout
from canon.speakers import UNDECIDED, Quote

# About half a page without a spoken word: the story has moved on.
LONG_NARRATION = 260
# An English word takes as much space as four characters of Chinese with its share of the blanks.
_LETTERS = 4
# Enough words for people to leave and others to come; and how many quotes show who is there.
_MOVE, _CAST = 40, 6
_SHORT_TAG = 14
_CLOSERS = "”」』〞’"


@dataclass(frozen=True)
class BookTurn:
    """One thing said, thought or told in a scene.

    speaker: canonical name; several joined with 、; "?" undecided; "" for narration.
    addressee: canonical name or "". text: `section.text[start:end]` without its quotation
    marks, line breaks and layout blanks. kind: "speech", "thought" or "narration".
    """

    speaker: str
    addressee: str
    text: str
    kind: str
    confidence: float
    start: int
    end: int


@dataclass(frozen=True)
class BookScene:
    """A run of turns of one chapter; id is "chapter-number", both three digits.

    participants: canonical names of the speakers and addressees, by first appearance.
    start, end: offsets in the section's text, of the first and after the last turn.
    """

    id: str
    chapter: int
    place: str
    start: int
    end: int
    participants: tuple[str, ...]
    turns: tuple[BookTurn, ...]


def find_scenes(
    book: Book, quotes: Sequence[Quote], table: NameTable, *, long_narration: int = LONG_NARRATION
) -> list[BookScene]:
    """All scenes of a book in order. Texts (inscriptions, cited verse) stay in the narration.

    `long_narration` counts characters of Chinese; in an English book four times as many letters.
    """
    letters = _LETTERS if is_english(book) else 1
    by_section: dict[int, list[Quote]] = {}
    for quote in quotes:
        if quote.kind != "text" and quote.text:
            by_section.setdefault(quote.section, []).append(quote)
    places = [name for term in table.places for name in (term.name, *term.aliases)]
    place_pattern = re.compile(alternation(places)) if places else None
    meaning = {name: term.name for term in table.places for name in (term.name, *term.aliases)}
    scenes: list[BookScene] = []
    for section in book.sections:
        groups = _groups(
            section.plain, by_section.get(section.number, []), long_narration * letters, letters
        )
        for number, group in enumerate(groups, 1):
            place = ""
            if place_pattern is not None:
                before = section.plain[max(section.body, group[0].start - 400) : group[0].start]
                named = place_pattern.findall(before)
                place = meaning[named[-1]] if named else ""
            turns = _turns(section, group, letters)
            people: dict[str, None] = {}
            for turn in turns:
                for name in (*turn.speaker.split("、"), *turn.addressee.split("、")):
                    if name and name != UNDECIDED:
                        people.setdefault(name)
            scenes.append(
                BookScene(
                    f"{section.number:03}-{number:03}",
                    section.number,
                    place,
                    turns[0].start,
                    turns[-1].end,
                    tuple(people),
                    tuple(turns),
                )
            )
    return scenes


def write_scenes(scenes: Iterable[BookScene], path: Path) -> None:
    """One JSON object a line, the same keys and types on each: `datasets` reads it as it is."""
    with path.open("w", encoding="utf-8") as file:
        for scene in scenes:
            row = {**vars(scene), "turns": [vars(turn) for turn in scene.turns]}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def read_scenes(path: Path) -> Iterator[BookScene]:
    """The scenes that `write_scenes` wrote, in order."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            turns = tuple(BookTurn(**turn) for turn in row.pop("turns"))
            yield BookScene(**{**row, "participants": tuple(row["participants"]), "turns": turns})


def _groups(
    text: str, quotes: Sequence[Quote], long_narration: int, letters: int
) -> list[list[Quote]]:
    """Quotes that belong together: no long narration, no turning of the story, one cast."""
    turning = _turning() if letters == 1 else _english_turning()
    groups: list[list[Quote]] = []
    for index, quote in enumerate(quotes):
        if groups:
            group = groups[-1]
            told = text[group[-1].end : quote.start]
            before = {name for q in group[-_CAST:] for name in _people(q)}
            after = {name for q in quotes[index : index + _CAST] for name in _people(q)}
            if not (
                len(told) > long_narration
                or (len(told) > _SHORT_TAG * letters and turning.search(told))
                or (len(told) > _MOVE * letters and _cast_changes(before, after))
            ):
                group.append(quote)
                continue
        groups.append([quote])
    return groups


def _cast_changes(before: set[str], after: set[str]) -> bool:
    """Whether fewer than half of the smaller cast stay."""
    return len(before & after) * 2 < min(len(before), len(after))


@cache
def _turning() -> re.Pattern[str]:
    return re.compile(alternation(words()["scene_breaks"]))


@cache
def _english_turning() -> re.Pattern[str]:
    """Where an English story turns: * * *, next morning, an hour later."""
    phrases = "|".join(sorted(english_words("scene_breaks"))).replace("_", r"\s+")
    return re.compile(rf"\*\s*\*\s*\*|\b(?:{phrases})\b", re.IGNORECASE)


def _people(quote: Quote) -> set[str]:
    return {
        name
        for name in (*quote.speaker.split("、"), *quote.addressee.split("、"))
        if name and name != UNDECIDED
    }


def _turns(section: Section, quotes: Sequence[Quote], letters: int) -> list[BookTurn]:
    turns: list[BookTurn] = []
    at = -1
    for quote in quotes:
        begin = at if at >= 0 else max(quote.lead, quote.start - LONG_NARRATION * letters)
        told = _told(section.text, begin, quote.start, english=letters > 1)
        if told is not None:
            turns.append(_narration(section.text, *told))
        turns.append(
            BookTurn(
                quote.speaker or UNDECIDED,
                quote.addressee,
                quote.text,
                quote.kind,
                quote.confidence if quote.speaker else 0.0,
                quote.start,
                quote.end,
            )
        )
        at = quote.end
    return turns


def _narration(text: str, start: int, end: int) -> BookTurn:
    return BookTurn("", "", without_layout(text[start:end]), "narration", 1.0, start, end)


def _told(text: str, begin: int, end: int, *, english: bool) -> tuple[int, int] | None:
    """What the narrator tells between two quotes, without a bare 行者道： or said Martha; None if
    nothing."""
    if english:
        return _told_in_english(text, begin, end)
    while begin < end and (text[begin].isspace() or text[begin] in _CLOSERS + "，。！？、；："):
        begin += 1
    stop = end
    while stop > begin and (text[stop - 1].isspace() or text[stop - 1] in "：:；，"):
        stop -= 1
    cut = max(text.rfind(mark, begin, stop) for mark in "。！？；\n”") + 1
    tag = max(cut, begin)
    if stop - tag <= _SHORT_TAG and "，" not in text[tag:stop]:
        stop = tag
        while stop > begin and text[stop - 1].isspace():
            stop -= 1
    return (begin, stop) if stop - begin > 3 else None


_ENGLISH_EDGES = " \n\t,;:.—–-”’\"'"


def _told_in_english(text: str, begin: int, end: int) -> tuple[int, int] | None:
    """What stands between two quotes in whole sentences; a tag alone (said Martha, he added) is not
    told."""
    first = re.match(r"[^.!?]*[.!?]?[\s”’\"']*", text[begin:end])
    if first and tag_behind(text[begin:end][:240]):
        begin += first.end()
    while begin < end and text[begin] in _ENGLISH_EDGES:
        begin += 1
    stop = end
    while stop > begin and text[stop - 1] in " \n\t,:—–-":
        stop -= 1
    return (begin, stop) if stop - begin > 3 else None
