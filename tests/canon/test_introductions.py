"""People whom an old novel introduces under several names."""

from __future__ import annotations

from pathlib import Path

import pytest

from canon import Canon, build, read_book
from canon.book import Book
from canon.discovery import draft_table
from canon.introductions import introduced, joined


def book_of(tmp_path: Path, *paragraphs: str) -> Book:
    path = tmp_path / "book.txt"
    path.write_text("第一回　开场\n" + "\n".join(paragraphs) + "\n", encoding="utf-8")
    return read_book(path)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("那人姓孟名岩，字子石。", ("孟岩", "子石", "孟子石")),
        ("此人复姓司马，名澄，字文清，是本县人。", ("司马澄", "文清", "司马文清")),
        ("小人姓孟名岩，表字子石，排行第三。", ("孟岩", "子石", "孟子石")),
        ("某姓孟，名岩，字子石者也。", ("孟岩", "子石", "孟子石")),
        # What was given up is nobody's name.
        ("吾姓孟名岩，字长生，后改子石，本地人也。", ("孟岩", "子石", "孟子石")),
        ("其弟孟岩，字子石，善骑射。", ("孟岩", "子石", "孟子石")),
        ("又有北海司马澄，字文清，也来了。", ("司马澄", "文清", "司马文清")),
        ("却说邻人孟秀岩，字子石，也来了。", ("孟秀岩", "子石", "孟子石")),
    ],
)
def test_an_introduction_tells_all_names(tmp_path: Path, text: str, names: tuple[str, ...]) -> None:
    assert introduced(book_of(tmp_path, text), ()) == [names]


@pytest.mark.parametrize(
    "text",
    [
        "墙上写着四句，字迹潦草。",
        "他戴一顶万字头巾，手里拿着一字，不肯说。",
        "此人姓孟名岩，排行第三。",
        "孟岩字字清楚，句句分明。",
    ],
)
def test_other_uses_of_the_word_are_none(tmp_path: Path, text: str) -> None:
    assert introduced(book_of(tmp_path, text), ()) == []


def test_a_known_name_tells_where_a_name_begins(tmp_path: Path) -> None:
    """江 is a family name, too: it is the river where nobody is called 江孟岩."""
    book = book_of(tmp_path, "对岸是江孟岩，字子石，也来了。")
    assert introduced(book, ())[0][0] == "孟岩"
    assert introduced(book, ("江孟岩",))[0] == ("江孟岩", "子石", "江子石")


def test_a_courtesy_name_of_two_is_nobodys(tmp_path: Path) -> None:
    book = book_of(tmp_path, "那人姓孟名岩，字子石。", "又一人姓秦名朗，字子石。")
    assert introduced(book, ()) == []


def test_the_name_that_most_tags_have_is_the_persons() -> None:
    groups = [("孟岩", "子石", "孟子石"), ("秦朗", "伯明", "秦伯明")]
    assert joined(groups, {"孟岩": 2, "子石": 7, "老者": 9}) == {"子石": ("子石", "孟岩", "孟子石")}


def test_a_draft_has_one_person_under_all_names(tmp_path: Path) -> None:
    said = [f"子石道：“第{n}句话。”秦朗道：“是。”孟岩笑道：“好。”" for n in "一二三四五"]
    book = book_of(tmp_path, "那人姓孟名岩，字子石。", *said)
    table = draft_table(book)
    person = table.person("孟岩")
    assert person is not None
    assert person is table.person("孟子石")
    assert set(person.aliases) == {"孟岩", "子石", "孟子石"}
    assert [one.name for one in table.people].count(person.name) == 1
    build(book, table, tmp_path / "canon")
    canon = Canon.open(tmp_path / "canon")
    assert canon.character("子石") == canon.character("孟子石") == person.name
    assert set(canon.present(1)) == {person.name, "秦朗"}
