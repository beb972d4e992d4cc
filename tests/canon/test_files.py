"""What the bytes of a novel are is found out, or said."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from pathlib import Path

import pytest

from canon import read_book
from canon.error import BookUnreadable

TEXT = "".join(
    f"第{n}章 夜渡\n\n　　阿青道：“桥还在么？”石伯道：“水大，看不见。”他们在岸上等到天亮。\n\n"
    for n in "一二三"
)
TRADITIONAL = (
    (TEXT.replace("桥", "橋").replace("还", "還").replace("么", "麼").replace("见", "見"))
    .replace("“", "「")
    .replace("”", "」")
    .replace("们", "們")
)
ENGLISH = "".join(f"CHAPTER {n}\n\n“Wait,” said Martha, “it’s late.”\n\n" for n in ("I", "II"))


def headings(path: Path) -> list[int]:
    return [section.number for section in read_book(path).sections]


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be", "gb18030"],
)
def test_chinese_is_read_in_every_usual_encoding(encoding: str, tmp_path: Path) -> None:
    file = tmp_path / "novel.txt"
    file.write_bytes(TEXT.encode(encoding))
    assert headings(file) == [1, 2, 3]
    assert "石伯道：“水大" in read_book(file).sections[2].text


def test_big5_and_windows_letters_are_told_apart(tmp_path: Path) -> None:
    big5, western = tmp_path / "big5.txt", tmp_path / "western.txt"
    big5.write_bytes(TRADITIONAL.encode("big5hkscs"))
    assert "石伯道：「水大，看不見。」" in read_book(big5).sections[0].text
    western.write_bytes((ENGLISH * 8).encode("cp1252"))
    assert "“it’s late.”" in read_book(western).sections[0].text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_english_without_a_mark_is_read(encoding: str, tmp_path: Path) -> None:
    file = tmp_path / "novel.txt"
    file.write_bytes(ENGLISH.encode(encoding))
    assert headings(file) == [1, 2]


@pytest.mark.parametrize(
    ("name", "pack"), [("n.gz", gzip.compress), ("n.bz2", bz2.compress), ("n.xz", lzma.compress)]
)
def test_packed_files_are_unpacked(name: str, pack: object, tmp_path: Path) -> None:
    assert callable(pack)
    (tmp_path / name).write_bytes(pack(TEXT.encode("gb18030")))
    assert headings(tmp_path / name) == [1, 2, 3]


def zipped(files: dict[str, str | bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


def test_a_zip_of_chapters_is_a_folder(tmp_path: Path) -> None:
    parts = TEXT.split("第")[1:]
    files: dict[str, str | bytes] = {f"{n}.txt": f"第{part}" for n, part in enumerate(parts, 1)}
    (tmp_path / "n.zip").write_bytes(zipped(files))
    assert headings(tmp_path / "n.zip") == [1, 2, 3]
    (tmp_path / "e.zip").write_bytes(zipped({"cover.jpg": b"x"}))
    with pytest.raises(BookUnreadable, match=r"zip without a \.txt"):
        read_book(tmp_path / "e.zip")


def test_a_zip_whose_directory_points_before_it_is_damaged(tmp_path: Path) -> None:
    whole = bytearray(zipped({"1.txt": TEXT}))
    whole[whole.rindex(b"PK\x05\x06") + 18] += 1  # 65,536 too far
    (tmp_path / "n.zip").write_bytes(whole)
    with pytest.raises(BookUnreadable, match=r"n\.zip"):
        read_book(tmp_path / "n.zip")


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    (tmp_path / "n.gz").write_bytes(gzip.compress(b"a" * 5_000_000))
    with pytest.raises(BookUnreadable, match="too much"):
        read_book(tmp_path / "n.gz", largest_mb=1)
    (tmp_path / "n.zip").write_bytes(zipped({"a.txt": b"a" * 5_000_000}))
    with pytest.raises(BookUnreadable, match="too much"):
        read_book(tmp_path / "n.zip", largest_mb=1)


@pytest.mark.parametrize(
    ("data", "named", "to_do"),
    [
        (b"%PDF-1.7\n", "a PDF", "pdftotext"),
        (b"{\\rtf1\\ansi", "RTF", "save it"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", r"\.doc", "DOCX"),
        (b"7z\xbc\xaf\x27\x1c", "7z", "unpack"),
        (b"Rar!\x1a\x07", "RAR", "unpack"),
        (b"x" * 60 + b"BOOKMOBI", "Kindle", "ebook-convert"),
        (b"\x89PNG\r\n", "a picture", "text"),
        (b"\x1f\x8b\x08broken", "cannot be unpacked", "pack it again"),
        (b"PK\x03\x04broken", "EPUB|zip|unpacked", ""),
        (bytes(range(256)) * 40, "no other encoding|not UTF-8", "iconv"),
    ],
)
def test_what_is_not_read_is_named_with_what_to_do(
    data: bytes, named: str, to_do: str, tmp_path: Path
) -> None:
    file = tmp_path / "novel.txt"
    file.write_bytes(data)
    with pytest.raises(BookUnreadable, match=named) as refused:
        read_book(file)
    assert to_do in str(refused.value)


def test_a_broken_letter_within_utf16_is_named(tmp_path: Path) -> None:
    file = tmp_path / "novel.txt"
    file.write_bytes(b"\xff\xfe" + TEXT.encode("utf-16-le")[:-1])
    with pytest.raises(BookUnreadable, match="UTF-16-LE, but byte"):
        read_book(file)
