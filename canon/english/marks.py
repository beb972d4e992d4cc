"""Where the quotes of an English text are: four kinds of marks, nested ones, apostrophes.

“…” "…" ‘…’ and '…' are told apart by which stands most at the beginnings of words; the other kind
stays inside, and an apostrophe is no mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from canon.book import Book

_LATIN = re.compile("[A-Za-z]")
_HAN = re.compile("[\u3400-\u9fff]")


def is_english(book: Book) -> bool:
    """Whether a book is written in Latin letters, by the first 20,000 characters of it."""
    sample = "".join(section.text[:5000] for section in book.sections[:4])
    return len(_LATIN.findall(sample)) > 5 * len(_HAN.findall(sample))


def styles_of(book: Book) -> tuple[str, str]:
    """The marks that open and close a speech in this book."""
    text = "\n".join(section.text for section in book.sections)
    counts = {
        ("“", "”"): len(re.findall("“(?=\\w)", text)),
        ('"', '"'): len(re.findall(r'(?:^|(?<=[\s(\[—–-]))"(?=\w)', text, re.M)),
        ("‘", "’"): len(re.findall("(?<![A-Za-z])‘(?=[A-Z])", text)),
        ("'", "'"): len(re.findall(r"(?:^|(?<=[\s(\[—–-]))'(?=[A-Z])", text, re.M)),
        ("`", "'"): len(re.findall(r"(?:^|(?<=[\s(\[—–-]))`(?=[A-Z])", text, re.M)),
    }
    return max(counts, key=lambda marks: counts[marks])


def find_english(text: str, marks: tuple[str, str], begin: int) -> Iterator[tuple[int, int, bool]]:
    """(start, end, closed) of each quote with its marks, in order; none crosses a paragraph."""
    for start, end in paragraphs(text, begin):
        yield from quotes_in(text, marks, start, end)


def quotes_in(
    text: str, marks: tuple[str, str], start: int, end: int
) -> Iterator[tuple[int, int, bool]]:
    """(start, end, closed) of each quote of one paragraph with its marks, in order."""
    opening, closing = marks
    at = start
    while (at := text.find(opening, at, end)) >= 0:
        if not _opens(text, at):
            at += 1
            continue
        close = _closing(text, at + 1, end, closing)
        yield at, end if close < 0 else close + 1, close >= 0
        at = end if close < 0 else close + 1


def paragraphs(text: str, begin: int) -> Iterator[tuple[int, int]]:
    """Paragraphs: between blank lines where there are any, else lines."""
    pattern = re.compile(r"\n[ \t\r]*\n" if re.search(r"\n[ \t\r]*\n", text[begin:]) else r"\n")
    at = begin
    for gap in pattern.finditer(text, begin):
        if text[at : gap.start()].strip():
            yield at, gap.start()
        at = gap.end()
    if text[at:].strip():
        yield at, len(text)


def _opens(text: str, at: int) -> bool:
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    return (not before or not before.isalnum()) and bool(after) and not after.isspace()


def _closing(text: str, begin: int, end: int, closing: str) -> int:
    """Where the quote ends; -1 where its closing mark is missing."""
    if closing in ('"', "”"):
        return text.find(closing, begin, end)
    # ’ and ' are apostrophes, too: within a word (don’t) or at its end (the boys’ hats).
    places = [
        match.start()
        for match in re.finditer(re.escape(closing), text[begin:end])
        if not text[begin + match.end() : begin + match.end() + 1].isalnum()
    ]
    sure = [p for p in places if text[begin + p - 1] in '.,!?…—–-;:”"']
    if not places:
        return -1
    nested = text.find("‘" if closing == "’" else " '", begin, begin + (sure or places)[0])
    return begin + (sure[0] if sure and nested < 0 else places[0])
