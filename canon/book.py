"""A novel as it lies on disk: sections with headings, and offsets into the original text.

Reading changes nothing. A section's text is a slice of the file's text (of what was read out of it,
where the file is no plain text), so every offset that the rest of the package hands out leads back
to the very characters that are there.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from canon.error import BookUnreadable, NoChapters
from canon.files import read_texts
from canon.headings import Heading, find_headings, number_of, volumes_between
from canon.traditional import fold_text

# A very long Chinese novel has about 3 million characters (9 MB). Ten times that is a
# mistake (a dump, a whole library), and would take minutes and gigabytes.
LARGEST_MB = 32

_BLANK = "\ufeff \u3000\r\n\t"
_LICENCE = re.compile(r"(?m)^\s*\*\*\* ?END OF (?:THE|THIS) PROJECT GUTENBERG.*")


@dataclass(frozen=True)
class Section:
    """One chapter of a book.

    number: the chapter number that its heading says, where the book's numbers rise; else its place
        in reading order. 0 is a prologue; an epilogue or appendix follows the last chapter. No two
        sections of a book have the same number, and numbers rise.
    heading: the heading line without its mark.
    text: from the heading's first character to the next heading's mark. All offsets of
        quotes, scenes and passages count characters in this text.
    source: name of the file it came from.
    start: where `text` begins in that file, in characters; so
        `file[start : start + len(text)] == text`.
    """

    number: int
    heading: str
    text: str
    source: str
    start: int

    @cached_property
    def plain(self) -> str:
        """The text in simplified letters, as the rules read it; offsets are the same."""
        return fold_text(self.text)

    @property
    def body(self) -> int:
        """Offset of the first character after the heading line."""
        end = self.text.find("\n")
        return len(self.text) if end < 0 else end + 1


@dataclass(frozen=True)
class Book:
    """A novel: its title (the file's name) and its sections in reading order."""

    title: str
    sections: tuple[Section, ...]

    @property
    def characters(self) -> int:
        """Length of all sections in characters."""
        return sum(len(section.text) for section in self.sections)

    def section(self, number: int) -> Section:
        """The section of a chapter number. Raises KeyError."""
        for section in self.sections:
            if section.number == number:
                return section
        raise KeyError(number)


def read_book(path: Path, *, largest_mb: int = LARGEST_MB) -> Book:
    """Read a novel from one file, or from a folder of files in natural order.

    In a folder, a file without headings is one section, headed by its first line.

    Raises BookUnreadable (missing, too large, empty, or of a kind that is not read: the message
    says what it is and what to do) and NoChapters (a single file without two headings).
    """
    if not path.exists():
        raise BookUnreadable(f"there is no novel at {path}")
    sections: list[Section] = []
    blank = True
    for name, text in read_texts(path, largest_mb=largest_mb):
        blank = blank and not text.strip(_BLANK)
        found = cut(text)
        if not found and path.is_dir() and text.strip(_BLANK):
            first = text.lstrip(_BLANK)
            begin = len(text) - len(first)
            line = first.split("\n", 1)[0].strip()
            head = Heading(begin, begin, begin + len(line), line, "章", number_of(line))
            found = [(head, len(text))]
        sections += [
            Section(head.number or 0, head.text, text[head.start : end], name, head.start)
            for head, end in found
        ]
    if blank:
        raise BookUnreadable(f"{path} is empty")
    if not sections:
        raise NoChapters(
            f"{path} has no chapters: no two lines begin with 第…回, 第…章, Chapter … or '# '. "
            "Put a line '# title' before each chapter"
        )
    numbers = [section.number for section in sections]
    if any(after <= before for before, after in itertools.pairwise(numbers)):
        sections = [replace(section, number=n) for n, section in enumerate(sections, 1)]
    return Book(path.stem, tuple(sections))


def split(text: str) -> list[tuple[int, str, str]]:
    """Cut a text at its chapter headings.

    Returns (start, heading, section text) in order, or nothing when fewer than two headings
    of one kind are found. Text before the first heading (a preface, a licence) is left out.
    """
    return [(head.start, head.text, text[head.start : end]) for head, end in cut(text)]


def cut(text: str) -> list[tuple[Heading, int]]:
    """The chapters of a text: their headings, each with the offset of its text's end."""
    heads = find_headings(text)
    if not heads:
        return []
    licence = _LICENCE.search(text, heads[-1].end)
    ends = [head.line for head in heads[1:]] + [licence.start() if licence else len(text)]
    return [
        (head, volumes_between(text, head.end, end) if head.unit != "卷" else end)
        for head, end in zip(heads, ends, strict=True)
    ]
