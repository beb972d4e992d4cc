"""Headings of any usual form, numbered by what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from canon import Canon, build, read_book, table_of
from canon.headings import find_headings, number_of, value_of

BODY = "却说阿青提灯过桥，石伯道：“慢些走。”阿青道：“晓得。”\n" * 3


def book(*heads: str, body: str = BODY) -> str:
    return "".join(f"{head}\n\n{body}\n" for head in heads)


def numbers(text: str) -> list[int | None]:
    return [head.number for head in find_headings(text)]


@pytest.mark.parametrize(
    "form",
    [
        "第 {} 章 夜渡",
        "第{}章",
        "【第{}章】夜渡",
        "〔第{}回〕 夜渡",
        "　　第{}话　夜渡",
        "## 第{}章 夜渡",
        "**第{}章 夜渡**",
        "正文 第{}章 夜渡",
        "第一卷 风起 第{}章 夜渡",
        "第{}章 谁在敲门？",
        "第{}章 跑！",
        "第{}章：“影子”",
        "第{}章 一江春水，两岸人家",
        "Chapter {}",
        "CHAPTER {}. THE BRIDGE",
        "chapter {}: the bridge",
        "Chapter {} — The Bridge",
        "Ch. {} The Bridge",
        "00{} 夜渡",
        "{}、夜渡",
        "chapter {} the long way round",
        "Letter {}",
        "Chapter {}: “Who’s There?”",
    ],
)
def test_every_usual_form_is_found_and_counted(form: str) -> None:
    text = book(*(form.format(n) for n in range(1, 8)))
    assert numbers(text) == list(range(1, 8))


def test_the_same_title_marks_in_every_third_heading_lose_no_chapter() -> None:
    titles = ["渡口", "谁在敲门？", "跑！", "“影子”", "旧账（上）", "你、我、他", "……"]
    text = book(*(f"第{n}章 {titles[n % len(titles)]}" for n in range(1, 301)))
    assert numbers(text) == list(range(1, 301))


@pytest.mark.parametrize(
    ("count", "value"),
    [
        ("壹", 1),
        ("十", 10),
        ("廿三", 23),
        ("贰拾叁", 23),
        ("一百零三", 103),
        ("两百", 200),
        ("一千零二十四", 1024),
        ("二〇一", 201),
        ("１２", 12),
        ("1 2", 12),
        ("XIV", 14),
        ("iv", 4),
        ("Twenty-One", 21),
        ("ninety nine", 99),
        ("first", 1),
    ],
)
def test_numbers_are_read(count: str, value: int) -> None:
    assert value_of(count) == value


@pytest.mark.parametrize(
    "line",
    [
        "第二天，他走了。",
        "第三章里他写道：“好。”",
        "第一部分是他写的",
        "第一回合他就输了",
        "第一章的故事，我已经讲过。",
        "Part of the deal was that he left.",
        "chapter one of my life was over.",
        "他翻到第三章。",
    ],
)
def test_a_sentence_is_no_heading(line: str) -> None:
    assert number_of(line) is None
    assert numbers(book("第一章 甲", "第二章 乙") + line + "\n" + BODY) == [1, 2]


def test_a_gap_keeps_the_numbers_and_a_misprint_takes_the_free_one() -> None:
    assert numbers(book(*(f"第{n}章" for n in (1, 2, 3, 5, 6, 7, 8)))) == [1, 2, 3, 5, 6, 7, 8]
    said = (1, 2, 3, 4, 55, 6, 7, 8, 9, 10)
    assert numbers(book(*(f"第{n}章" for n in said))) == list(range(1, 11))


def test_a_repeated_head_and_an_interlude_belong_to_the_chapter_before() -> None:
    text = book("第1章 甲", "第1章 甲", "第2章 乙", "番外 丙", "第3章 丁", "第3章 丁（下）")
    assert numbers(text) == [1, 2, 3]


def test_a_prologue_is_0_and_an_epilogue_follows() -> None:
    assert numbers(book("楔子", "第一章 甲", "第二章 乙", "尾声", "番外一")) == [0, 1, 2, 3, 4]
    assert numbers(book("Prologue", "Chapter One", "Chapter Two", "Epilogue")) == [0, 1, 2, 3]


def test_a_table_of_contents_counts_once() -> None:
    heads = [f"第{n}章 甲{n}" for n in range(1, 21)]
    contents = "目录\n" + "\n".join(heads) + "\n\n作者的话：请多指教。\n\n"
    assert numbers(contents + book(*heads)) == list(range(1, 21))


def test_front_matter_in_markdown_hides_no_chapters() -> None:
    front = "# 内容简介\n\n石猴出世。\n\n# 正文\n\n"
    assert numbers(front + book(*(f"第{n}章 行路" for n in "一二三四五六"))) == [1, 2, 3, 4, 5, 6]


def test_volumes_that_begin_anew_are_counted_through_and_their_names_left_out() -> None:
    text = book("第一卷 风", body="") + book("第一章 甲", "第二章 乙", "第三章 丙")
    text += book("第二卷 雨", body="") + book("第一章 丁", "第二章 戊", "第三章 己")
    assert numbers(text) == [1, 2, 3, 4, 5, 6]


def test_only_volumes_are_chapters() -> None:
    assert numbers(book("卷一 风起", "卷二 云涌", "卷三 雨落")) == [1, 2, 3]


@pytest.mark.parametrize("counts", ["一二三四", ["I", "II", "III", "IV"], ["1", "2", "3", "4"]])
def test_numbers_alone_are_headings_where_nothing_else_is(counts: str | list[str]) -> None:
    assert numbers(book(*counts)) == [1, 2, 3, 4]
    assert numbers(book(*(f"{count}、夜渡" for count in counts))) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "head", ["番外（一）", "番外篇一 旧事", "尾声二", "Epilogue: One Year Later"]
)
def test_what_follows_the_last_chapter_is_story(head: str) -> None:
    assert numbers(book("第一章 甲", "第二章 乙", head)) == [1, 2, 3]


def test_bare_numbers_count_only_in_order() -> None:
    assert numbers("1\n他走了。\n7\n他来了。\n") == []


def test_as_of_a_chapter_means_the_books_own_number(tmp_path: Path) -> None:
    heads = ["楔子", *(f"第{n}章 {'跑！' if n % 2 else '渡口'}" for n in (1, 2, 3, 6, 7, 8, 9))]
    parts = [
        f"{head}\n\n却说阿青道：“这是{head[:3]}的话。”石伯道：“晓得。”阿青取出信物{n}号。\n"
        for n, head in enumerate(heads)
    ]
    novel = tmp_path / "novel.txt"
    novel.write_text("\n".join(parts), encoding="utf-8")
    read = read_book(novel)
    assert [section.number for section in read.sections] == [0, 1, 2, 3, 6, 7, 8, 9]
    assert read.section(6).heading.startswith("第6章")
    build(read, table_of(read), tmp_path / "canon")
    canon = Canon.open(tmp_path / "canon")
    assert canon.last == 9
    view = canon.as_of(7)
    hits = view.search("阿青的信物", k=8).passages
    assert {hit.section for hit in hits} <= {0, 1, 2, 3, 6, 7}
    assert "第7章" in canon.text(7)
    assert [chapter.number for chapter in view.chapters()] == [0, 1, 2, 3, 6, 7]
    assert canon.as_of(5).chapters()[-1].number == 3
    assert all(scene.chapter <= 7 for scene in view.scenes())
