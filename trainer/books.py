"""The books a model reads before its lessons, held-out chapters taken out."""

from __future__ import annotations

import json
import lzma
import re
from collections.abc import Iterator, Sequence
from pathlib import Path


class BookError(ValueError):
    """A book that cannot be read; the message names the file."""

    for_user = True


_HEADING = re.compile(r"^#?\s*第[一二三四五六七八九十百零〇○\d]+[回章].*$", re.MULTILINE)


def chapters(novel: Path) -> list[str]:
    """The chapters of a novel in order, each from its heading line on; element 0 is chapter 1.

    Raises:
        BookError: not there, not UTF-8, or without chapter headings.
    """
    try:
        text = novel.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise BookError(f"{novel}: the novel cannot be read: {problem}") from problem
    starts = [match.start() for match in _HEADING.finditer(text)]
    if not starts:
        raise BookError(f"{novel}: no chapter headings (lines like 第一回 …)")
    return [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]


def split(novel: Path, held_out: Sequence[int]) -> tuple[list[str], list[str]]:
    """Chapters to learn from and chapters to measure on; `held_out` counts from 1."""
    learn: list[str] = []
    measure: list[str] = []
    for number, chapter in enumerate(chapters(novel), start=1):
        (measure if number in held_out else learn).append(plain(chapter))
    return learn, measure


def titled(books: Path, titles: Sequence[str]) -> dict[str, list[str]]:
    """Sections of the named novels, in the order of `titles`; books that are missing are left out.

    `books` is JSON lines (.jsonl, or .jsonl.xz), one object a section: title, text.
    """
    found: dict[str, list[str]] = {title: [] for title in titles}
    for row in _rows(books):
        if row["title"] in found:
            found[row["title"]].append(plain(row["text"]))
    return {title: sections for title, sections in found.items() if sections}


def _rows(books: Path) -> Iterator[dict[str, str]]:
    try:
        with (
            lzma.open(books, "rt", encoding="utf-8")
            if books.suffix == ".xz"
            else books.open(encoding="utf-8") as lines
        ):
            for line in lines:
                row = json.loads(line)
                yield {"title": row["title"] + "", "text": row["text"] + ""}
    except (OSError, ValueError, LookupError, TypeError, lzma.LZMAError) as problem:
        raise BookError(f"{books}: cannot be read as JSON lines: {problem}") from problem


_BLANKS = re.compile(r"[ \t\u3000\xa0]+")
_LINES = re.compile(r"\n{2,}")


def plain(text: str) -> str:
    """The text without layout: no indentation, no runs of blanks, no empty lines."""
    text = _BLANKS.sub(" ", text.replace("\r\n", "\n"))
    text = "\n".join(line.strip() for line in text.split("\n"))
    return _LINES.sub("\n", text).strip()
