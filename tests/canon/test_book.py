from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canon.book import read_book, split
from canon.error import BookUnreadable, NoChapters


def test_a_sections_text_is_a_slice_of_the_file(novel: Path) -> None:
    original = novel.read_text(encoding="utf-8")
    book = read_book(novel)
    assert [section.number for section in book.sections] == [1, 2, 3]
    for section in book.sections:
        assert original[section.start : section.start + len(section.text)] == section.text
        assert section.text.startswith(section.heading)
        assert not section.text.startswith("#")


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), min_size=2, max_size=6)
)
def test_offsets_lead_back_to_the_original_whatever_the_chapters_hold(bodies: list[str]) -> None:
    text = "".join(f"# heading {i}\n{body}\n" for i, body in enumerate(bodies))
    for start, heading, body in split(text):
        assert text[start : start + len(body)] == body
        assert body.startswith(heading)


@pytest.mark.parametrize(
    "heads",
    [
        ("# one", "# two"),
        ("第一回　石头", "第二回　流水"),
        ("第1章 开始", "第12章 结束"),
        ("楔子", "第一章　雪"),
        ("Chapter 1", "Chapter 2. The bridge"),
        ("CHAPTER I", "CHAPTER II"),
    ],
)
def test_chapters_are_found_by_their_headings(heads: tuple[str, str]) -> None:
    text = f"a preface\n{heads[0]}\n{'他走了。' * 20}\n{heads[1]}\n{'他来了。' * 20}\n"
    assert [heading for _, heading, _ in split(text)] == [h.removeprefix("# ") for h in heads]


def test_a_table_of_contents_is_no_chapter() -> None:
    text = "第一回　石头\n第二回　流水\n" + "".join(
        f"第{n}回　{name}\n{'他走了。' * 20}\n" for n, name in (("一", "石头"), ("二", "流水"))
    )
    assert len(split(text)) == 2


def test_a_folder_is_read_in_natural_order(tmp_path: Path) -> None:
    for number in (1, 2, 10):
        (tmp_path / f"{number}.txt").write_text(f"第{number}夜\n他说。\n", encoding="utf-8")
    book = read_book(tmp_path)
    assert [section.heading for section in book.sections] == ["第1夜", "第2夜", "第10夜"]
    assert [section.source for section in book.sections] == ["1.txt", "2.txt", "10.txt"]


def test_a_file_that_is_not_utf8_is_named_with_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "gbk.txt"
    path.write_bytes(b"# a\nabc" + "道".encode("gb18030"))
    with pytest.raises(BookUnreadable, match=r"byte 7 is 0xb5"):
        read_book(path)


def test_a_text_without_chapters_says_what_a_chapter_looks_like(tmp_path: Path) -> None:
    path = tmp_path / "plain.txt"
    path.write_text("他走了。\n他来了。\n", encoding="utf-8")
    with pytest.raises(NoChapters, match="第…回"):
        read_book(path)


@pytest.mark.parametrize("text", ["", " \n\n"])
def test_an_empty_file_is_said_to_be_empty(tmp_path: Path, text: str) -> None:
    path = tmp_path / "empty.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BookUnreadable, match="empty"):
        read_book(path)


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    with pytest.raises(BookUnreadable, match="50 MB"):
        read_book(path)


def test_a_missing_novel_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(BookUnreadable, match="no novel"):
        read_book(tmp_path / "nowhere.txt")


def test_errors_are_for_the_person_who_asked() -> None:
    assert BookUnreadable.for_user
