"""What a novel's files hold, found out from their bytes: names and texts.

Plain text in UTF-8, UTF-16 and UTF-32 (marked or not), GB18030, Big5 and Windows-1252; EPUB, DOCX,
ODT and HTML, whose headings become Markdown lines; any of these in gz, bz2, xz or zip. Everything
else is named, with what to do.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from canon.error import BookUnreadable
from canon.markup import docx_text, epub_text, html_text, odt_text

_TEXT_ENDINGS = (".txt", ".md", ".text", ".html", ".htm", ".xhtml")
# What unpackers raise; zipfile a ValueError where a directory points before the file's beginning.
_DAMAGED = (
    OSError,
    EOFError,
    ValueError,
    lzma.LZMAError,
    zlib.error,
    zipfile.BadZipFile,
    RuntimeError,
)
_CONVERT = "convert it to EPUB or text first, for example with Calibre's ebook-convert"
# First bytes of what is not read, what it is, and what to do.
_NAMED: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF", "a PDF", "take its text out first, for example: pdftotext -layout FILE.pdf FILE.txt"),
    (b"{\\rtf", "an RTF document", "save it as text (UTF-8) or DOCX first"),
    (b"\xd0\xcf\x11\xe0", "an old Word document (.doc)", "save it as DOCX or text first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first"),
    (b"Rar!", "a RAR archive", "unpack it first"),
    (
        b"AT&TFORM",
        "a DjVu scan",
        "take its text out first, for example: djvutxt FILE.djvu FILE.txt",
    ),
    (b"SQLite format 3", "a database", "export the novel as text first"),
    (b"\x89PNG", "a picture", "this reads text, not pictures of it"),
    (b"\xff\xd8\xff", "a picture", "this reads text, not pictures of it"),
    (b"GGUF", "a model (GGUF)", "name the novel instead"),
)
_MOBI = re.compile(rb"^.{60}(?:BOOKMOBI|TEXtREAd)", re.DOTALL)
_MARKUP = re.compile(
    rb"^[\s\xef\xbb\xbf]*<(?:!doctype html|html|\?xml[^>]*>\s*<(?:!doctype )?html)", re.I
)
_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
# What plain prose is made of, in any script that is told apart here: without these a decoding is
# letters, but no text.
_COMMON = frozenset(
    "的一是不了在人有我他这這个個上们們来來到时時大地为為子中你说說生国國年着著就那和要她出也得里裡"
    "后後自以会會家可下而过過天去能对對小多然于於心学學么麼之都好看起发發当當没沒成只如事把还還用第样樣"
    "道回见見行师師爷爺曰云却卻又无無此便听聽与與其何乃将將"
    "，。、：；！？“”‘’「」『』《》（）—…　\n\r\t abcdefghijklmnopqrstuvwxyz"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789,.;:!?'\"-()"
)
_LEAST_COMMON = 0.35
_LEAST_STRANGE = 16  # bytes that are no ASCII: of fewer nobody can tell what they are
_SAMPLE = 1 << 16  # bytes


def read_texts(path: Path, *, largest_mb: int) -> Iterator[tuple[str, str]]:
    """(file name, text) of a file, of an archive's files, or of a folder's, in natural order.

    largest_mb: of all files together, packed and unpacked.

    Raises:
        BookUnreadable: too large, no text in it, or of a kind that is not read.
    """
    files = _files(path)
    size = sum(file.stat().st_size for file in files)
    if size > largest_mb * 1_000_000:
        raise _too_large(path, size, largest_mb)
    left = largest_mb * 1_000_000
    for file in files:
        for name, data in _unpacked(file.name, file.read_bytes(), left, path, largest_mb):
            left -= len(data)
            yield name, text_of(data, file if name == file.name else file / name)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(
        (p for p in path.iterdir() if p.suffix.lower() in _TEXT_ENDINGS and p.is_file()),
        key=lambda p: natural(p.name),
    )
    if not files:
        raise BookUnreadable(f"the folder {path} holds no .txt or .md file")
    return files


def natural(name: str) -> list[tuple[int, int, str]]:
    """A sorting key by which 2 comes before 10."""
    parts = re.split(r"(\d+)", name)
    return [(0, int(x), "") if x.isdecimal() else (1, 0, x) for x in parts]


def _too_large(path: Path, size: float, largest_mb: int) -> BookUnreadable:
    return BookUnreadable(
        f"{path} has {size / 1e6:.0f} MB, more than {largest_mb} MB: too much for one "
        "novel. Split it, or raise the limit with --largest-mb"
    )


def _unpacked(
    name: str, data: bytes, most: int, path: Path, largest_mb: int
) -> Iterator[tuple[str, bytes]]:
    """The file itself, or what is packed in it; never more than `most` bytes."""
    try:
        for mark, opener in (
            (b"\x1f\x8b", gzip.open),
            (b"BZh", bz2.open),
            (b"\xfd7zXZ", lzma.open),
        ):
            if data.startswith(mark):
                with opener(io.BytesIO(data)) as packed:
                    inside = packed.read(most + 1)
                if len(inside) > most:
                    raise _too_large(path, len(inside), largest_mb)
                yield name, inside
                return
        if data.startswith(b"PK\x03\x04") and not _is_document(data):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                rows = [row for row in archive.infolist() if not row.is_dir()]
                rows = [r for r in rows if r.filename.lower().endswith(_TEXT_ENDINGS)]
                if not rows:
                    raise BookUnreadable(f"{path} is a zip without a .txt or .md file in it")
                if sum(row.file_size for row in rows) > most:
                    raise _too_large(path, sum(row.file_size for row in rows), largest_mb)
                for row in sorted(rows, key=lambda row: natural(row.filename)):
                    yield row.filename, archive.read(row)
            return
    except BookUnreadable:
        raise
    except _DAMAGED as why:
        raise BookUnreadable(f"{path} cannot be unpacked ({why}); pack it again") from None
    yield name, data


def _is_document(data: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return bool({"mimetype", "word/document.xml"} & set(archive.namelist()))
    except (zipfile.BadZipFile, ValueError):
        return False


def text_of(data: bytes, path: Path) -> str:
    """The text of one file. Raises BookUnreadable, saying what the file is."""
    for mark, what, to_do in _NAMED:
        if data.startswith(mark):
            raise BookUnreadable(f"{path} is {what}, which is not read here: {to_do}")
    if _MOBI.match(data):
        raise BookUnreadable(f"{path} is a Kindle book (MOBI), which is not read here: {_CONVERT}")
    if data.startswith(b"PK\x03\x04"):
        return _document(data, path)
    text = _decoded(data, path)
    return html_text(text) if _MARKUP.match(data[:400]) else text


def _document(data: bytes, path: Path) -> str:
    kind = "EPUB"
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
            if "word/document.xml" in names:
                kind = "DOCX"
                return docx_text(archive)
            if "content.xml" in names:
                kind = "ODT"
                return odt_text(archive)
            return epub_text(archive)
    except (OSError, ValueError, KeyError, zlib.error, zipfile.BadZipFile, RuntimeError) as why:
        raise BookUnreadable(
            f"{path} is an {kind} that cannot be read ({why}): {_CONVERT}"
            if kind == "EPUB"
            else f"{path} is a {kind} document that cannot be read ({why}): save it as text first"
        ) from None


def _decoded(data: bytes, path: Path) -> str:
    """The characters, line ends as they are: offsets count what is there."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return data[len(mark) :].decode(encoding)
            except UnicodeDecodeError as problem:
                raise BookUnreadable(
                    f"{path} says that it is {encoding.upper()}, but byte {problem.start} is none "
                    "of it: save it as UTF-8"
                ) from None
    zeros = data[:_SAMPLE].count(0)
    if not zeros:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as problem:
            failed = problem
            first, wrong = problem.start, data[problem.start]
    else:
        failed, first, wrong = None, data.index(0), 0
    wide = ["utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be"]
    other = wide if zeros else [*wide[2:], "gb18030", "big5hkscs", "cp1252"]
    strange = sum(byte > 127 or not byte for byte in data[:_SAMPLE])
    best, encoding = max((_readable(data, name), name) for name in other)
    if best >= _LEAST_COMMON and strange >= _LEAST_STRANGE:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as problem:
            failed = problem
            raise BookUnreadable(
                f"{path} looks like {encoding.upper()}, but byte {problem.start} is none of it: "
                f"repair it, for example: iconv -c -f {encoding.upper()} -t UTF-8"
            ) from None
    raise BookUnreadable(
        f"{path} is not UTF-8: byte {first} is 0x{wrong:02x}, and it reads as no other encoding of "
        "Chinese or English text either. Convert it first, for example: iconv -f ENCODING -t UTF-8"
    ) from failed


def _readable(data: bytes, encoding: str) -> float:
    """The share of a sample's characters that prose is made of; 0 where it cannot be decoded."""
    sample = data[:_SAMPLE]
    try:
        # The sample may end within a character.
        text = sample.decode(encoding, "strict" if len(data) <= _SAMPLE else "ignore")
    except UnicodeDecodeError:
        return 0.0
    return sum(char in _COMMON for char in text) / len(text) if text else 0.0
