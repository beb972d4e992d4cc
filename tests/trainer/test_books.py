"""Books as the trainer reads them: chapters, what is held out, no layout."""

import json
import lzma
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.books import BookError, chapters, plain, split, titled


def test_each_chapter_runs_from_its_heading_to_the_next(novel):
    found = chapters(novel)
    assert len(found) == 6
    text = novel.read_text(encoding="utf-8")
    assert "".join(found) == text
    for number, chapter in zip("一二三四五六", found, strict=True):
        assert chapter.lstrip().startswith(f"第{number}回")
        assert len(re.findall("第.回", chapter)) == 1


@pytest.mark.parametrize(
    "heading",
    [
        "第一回 灵根育孕",
        "第一百回",
        "第三章 出海",
        "# 第二十回 黄风岭",
        "第〇一回",
        "第12回",
        "  第二回 x",
    ],
)
def test_headings_are_known_in_all_their_forms(heading, tmp_path):
    file = tmp_path / "novel.txt"
    file.write_text(f"书名\n{heading}\n话说从前。\n", encoding="utf-8")
    (chapter,) = chapters(file)
    assert chapter.strip().startswith(heading.strip())
    assert "书名" not in chapter


def test_a_chapter_that_is_only_spoken_of_is_no_heading(tmp_path):
    file = tmp_path / "novel.txt"
    file.write_text("第一回 甲\n且听第二回分解。\n第二回 乙\n完\n", encoding="utf-8")
    assert len(chapters(file)) == 2


def test_held_out_chapters_are_measured_and_all_others_learned(novel):
    learn, measure = split(novel, (2, 5))
    assert [text[:3] for text in learn] == ["第一回", "第三回", "第四回", "第六回"]
    assert [text[:3] for text in measure] == ["第二回", "第五回"]
    assert learn[1] == plain(chapters(novel)[2])


def test_nothing_held_out_leaves_nothing_to_measure(novel):
    learn, measure = split(novel, ())
    assert (len(learn), measure) == (6, [])


def test_a_book_that_is_missing_is_named(tmp_path):
    with pytest.raises(BookError) as told:
        chapters(tmp_path / "none.txt")
    assert str(tmp_path / "none.txt") in str(told.value)
    with pytest.raises(BookError) as told:
        titled(tmp_path / "none.jsonl", ["甲"])
    assert str(tmp_path / "none.jsonl") in str(told.value)
    assert told.value.for_user


def test_a_book_that_is_not_utf8_is_named(tmp_path):
    file = tmp_path / "novel.txt"
    file.write_bytes("第一回 甲\n话说".encode("gb18030"))
    with pytest.raises(BookError) as told:
        chapters(file)
    assert str(file) in str(told.value)


def test_a_book_without_chapters_is_named_and_shown_what_is_missing(tmp_path):
    file = tmp_path / "novel.txt"
    file.write_text("话说从前有座山。\n", encoding="utf-8")
    with pytest.raises(BookError, match="第一回") as told:
        chapters(file)
    assert str(file) in str(told.value)


ROWS = [
    {"title": "乙", "text": "乙一"},
    {"title": "甲", "text": "　　甲一\n\n\n甲二"},
    {"title": "丙", "text": "丙一"},
    {"title": "乙", "text": "乙二"},
]


@pytest.mark.parametrize("name", ["books.jsonl", "books.jsonl.xz"])
def test_sections_come_by_title_in_the_order_asked_for(name, tmp_path):
    file = tmp_path / name
    data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS).encode()
    file.write_bytes(lzma.compress(data) if name.endswith(".xz") else data)
    found = titled(file, ["甲", "不在", "乙"])
    assert list(found.items()) == [("甲", ["甲一\n甲二"]), ("乙", ["乙一", "乙二"])]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("books.jsonl", b'{"title": "x", "text":\n'),
        ("books.jsonl", '{"title": "回"}'.encode("gb18030")),
        ("books.jsonl.xz", b"this is not xz"),
    ],
)
def test_broken_lines_name_the_file(name, data, tmp_path):
    file = tmp_path / name
    file.write_bytes(data)
    with pytest.raises(BookError) as told:
        titled(file, ["x"])
    assert str(file) in str(told.value)


@pytest.mark.parametrize("row", ['{"text": "no title"}', '{"title": "x"}', "[1]", "3"])
def test_a_row_of_another_shape_names_the_file(row, tmp_path):
    file = tmp_path / "books.jsonl"
    file.write_text(row + "\n")
    with pytest.raises(BookError) as told:
        titled(file, ["x"])
    assert str(file) in str(told.value)


def test_plain_text_has_no_layout():
    assert plain("　　一 \u00a0 二\r\n\r\n\t三　\n\n\n四\n") == "一 二\n三\n四"
    assert plain("") == ""


@settings(deadline=None)
@given(st.text("甲乙ab \t\n\r\u3000\xa0。"))
def test_plain_text_stays_as_it_is_and_keeps_every_letter(text):
    once = plain(text)
    assert plain(once) == once
    assert "\n\n" not in once
    assert "  " not in once
    assert "\u3000" not in once
    assert [c for c in once if not c.isspace()] == [c for c in text if not c.isspace()]
