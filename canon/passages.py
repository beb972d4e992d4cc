"""Passages: windows of a section that a search returns."""

from __future__ import annotations

import re
from dataclasses import dataclass

from canon.book import Book, Section

# At most 400 characters are returned; windows overlap by two thirds, so that what stands
# together in the book stands together in at least one passage.
LONGEST = 400
STEP = 130

_BREAK = re.compile(r"[。！？!?；;…”」』\n]+")


@dataclass(frozen=True)
class Passage:
    """Characters start..end of a section's text; never longer than LONGEST."""

    section: int
    start: int
    end: int


def cut_passages(book: Book, *, longest: int = LONGEST, step: int = STEP) -> list[Passage]:
    """Overlapping windows over every section, beginning and ending at sentence ends."""
    return [
        passage
        for section in book.sections
        for passage in _windows(section, longest=longest, step=step)
    ]


def _windows(section: Section, *, longest: int, step: int) -> list[Passage]:
    text = section.text
    breaks = [match.end() for match in _BREAK.finditer(text, section.body)]
    starts = [section.body]
    for at in breaks:
        if at - starts[-1] >= step and at < len(text):
            starts.append(at)
    windows = []
    ends = [*breaks, len(text)]
    last = 0
    for start in starts:
        limit = start + longest
        fitting = [end for end in ends if start < end <= limit]
        end = fitting[-1] if fitting and fitting[-1] - start > step else min(limit, len(text))
        while start < end and text[start].isspace():
            start += 1
        while end > start and text[end - 1].isspace():
            end -= 1
        if end > max(start, last):
            windows.append(Passage(section.number, start, end))
            last = end
    return windows
