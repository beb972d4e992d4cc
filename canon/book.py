"""A novel as it lies on disk: sections with headings, and offsets into the original text.

Reading changes nothing. A section's text is a slice of the file, so every offset that the
rest of the package hands out leads back to the very characters the file holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from canon.error import BookUnreadable, NoChapters

# A very long Chinese novel has about 3 million characters (9 MB). Ten times that is a
# mistake (a dump, a whole library), and would take minutes and gigabytes.
LARGEST_MB = 32

_NUMBER = "[0-9０-９一二三四五六七八九十百千零〇○两廿卅]"
# Tried in this order; the first that finds two headings wins. A mark in front of the heading
# ("# ") is not part of the section's text.
_HEADINGS = (
    re.compile(r"(?m)^(?P<mark>\ufeff?#{1,3}[ \u3000]+)(?P<heading>\S[^\n]*)$"),
    re.compile(
        r"(?m)^(?P<mark>[ \u3000\ufeff]*)(?P<heading>"
        rf"(?:第{_NUMBER}{{1,9}}[回章节卷部集折幕]|楔子|引子|序章|尾声|附录)"
        r"(?:[ \u3000：:、.．][^\n。！？“”「」]{0,60}|[^\n。！？，“”「」]{0,40})?)[ \u3000\r]*$"
    ),
    re.compile(
        r"(?m)^(?P<mark>[ \t\ufeff]*)(?P<heading>"
        r"(?:chapter|CHAPTER|Chapter|BOOK|Book|PROLOGUE|Prologue|EPILOGUE|Epilogue)"
        r"(?:[ \t]+(?:[0-9]+|[IVXLCDM]+|[A-Z][A-Za-z-]+))?[.:]?[^\n]{0,80})$"
    ),
)


@dataclass(frozen=True)
class Section:
    """One chapter (or appendix) of a book.

    number: 1-based, in reading order.
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


def read_book(path: Path, *, largest_mb: int = LARGEST_MB) -> Book:
    """Read a novel from one file, or from a folder of text files in natural order.

    In a folder, a file without headings is one section, headed by its first line.

    Raises BookUnreadable (missing, too large, empty, or not UTF-8: the message names the
    byte) and NoChapters (a single file without two headings).
    """
    if not path.exists():
        raise BookUnreadable(f"there is no novel at {path}")
    if path.is_dir():
        files = sorted(
            (p for p in path.iterdir() if p.suffix in (".txt", ".md") and p.is_file()),
            key=lambda p: [int(x) if x.isdigit() else x for x in re.split(r"(\d+)", p.name)],
        )
        if not files:
            raise BookUnreadable(f"the folder {path} holds no .txt or .md file")
    else:
        files = [path]
    size = sum(file.stat().st_size for file in files)
    if size > largest_mb * 1_000_000:
        raise BookUnreadable(
            f"{path} has {size / 1e6:.0f} MB, more than {largest_mb} MB: too much for one "
            "novel. Split it, or raise the limit with --largest-mb"
        )
    sections: list[Section] = []
    blank = True
    for file in files:
        text = _decode(file)
        blank = blank and not text.strip("\ufeff \u3000\r\n\t")
        found = split(text)
        if not found and path.is_dir() and text.strip():
            first = text.lstrip("\ufeff \u3000\r\n")
            begin = len(text) - len(first)
            found = [(begin, first.split("\n", 1)[0].strip(), first)]
        sections += [Section(0, heading, body, file.name, start) for start, heading, body in found]
    if blank:
        raise BookUnreadable(f"{path} is empty")
    if not sections:
        raise NoChapters(
            f"{path} has no chapters: no two lines begin with 第…回, 第…章, Chapter … or '# '. "
            "Put a line '# title' before each chapter"
        )
    numbered = tuple(
        Section(n, s.heading, s.text, s.source, s.start) for n, s in enumerate(sections, 1)
    )
    return Book(path.stem, numbered)


def split(text: str) -> list[tuple[int, str, str]]:
    """Cut a text at its chapter headings.

    Returns (start, heading, section text) in order, or nothing when fewer than two headings
    of one kind are found. Text before the first heading (a preface, a licence) is left out.
    """
    for pattern in _HEADINGS:
        heads = list(pattern.finditer(text))
        if len(heads) < 2:
            continue
        ends = [head.start() for head in heads[1:]] + [len(text)]
        pieces = [
            (head.start("heading"), head["heading"].strip(), text[head.start("heading") : end])
            for head, end in zip(heads, ends, strict=True)
        ]
        # A table of contents repeats the headings with nothing between them.
        return [piece for piece in pieces if piece[2].strip() != piece[1]] or pieces
    return []


def _decode(file: Path) -> str:
    """The file's characters, line ends as they are: offsets count what is there."""
    data = file.read_bytes()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise BookUnreadable(
            f"{file} is not UTF-8: byte {problem.start} is 0x{data[problem.start]:02x}. "
            "Convert it first, for example: iconv -f GB18030 -t UTF-8"
        ) from None
