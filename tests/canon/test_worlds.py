"""What nobody in a book can know."""

import json
import lzma
import tomllib
from pathlib import Path

import pytest

from canon import Canon, build, read_book, worlds
from canon.lexicon import LEXICON
from canon.names import BOOKS, NameTable, Person, Term, read_table
from canon.traditional import fold_words
from tests.canon.conftest import NOVEL, data

AQING = ("aqing", "阿青")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("阿青，你坐过地铁没有？", ["地铁"]),
        ("加个微信好友，再点个外卖？", ["微信", "外卖"]),
        ("鲁智深来过么？", ["鲁智深"]),
        ("鲁智深與福爾摩斯，你識得麼？", ["鲁智深", "福爾摩斯"]),
        ("你看过《流浪地球》么？", ["流浪地球"]),
        ("阿青会修PPT么？", ["PPT"]),
        ("Have you met Harry Potter?", ["Harry Potter"]),
        ("Aqing, is that Harry Potter’s deer or Shrek's?", ["Harry Potter", "Shrek"]),
        ("did you ever drink coffee by the Pine Creek Bridge", ["coffee"]),
        ("Is Taylor Swift your friend, Aqing?", ["Taylor Swift"]),
        ("阿青，你們有WiFi和KPI么", ["WiFi", "KPI"]),
        # A friend of who talks, a title, a word at the beginning of a sentence.
        ("Aqing, will you pray for Edmund and Uncle Bob?", []),
        ("Yes, Your Majesty, shall I call Mr Zhu? Site or sit, Aqing? Hello!", []),
        ("Hello 阿青, how are you?", []),
        # What the book has, and what anybody knows.
        ("你的铜铃哪里来的？", []),
        ("胡三娘借火做甚么？", []),
        ("今天天气真好，你饿不饿？", []),
        ("Where is the bronze bell?", []),
        ("Are you tired, Aqing? Sit down.", []),
        ("", []),
        ("😀？", []),
    ],
)
def test_what_its_world_does_not_have(canon: Canon, text: str, words: list[str]) -> None:
    assert list(canon.unheard(text, AQING)) == words


def test_who_is_not_in_the_book_may_know_anything(canon: Canon) -> None:
    assert canon.unheard("你有手机么？", ("tony", "托尼")) == ()
    assert canon.unheard("你有手机么？", ("nobody", "小主人")) == ("手机",)


def test_what_comes_later_is_not_heard_of_yet(tmp_path: Path) -> None:
    novel = tmp_path / "n.txt"
    novel.write_text(
        "# 第一回\n阿青在松溪桥打水，道：“好水！”\n# 第二回\n阿青去了铜铃寺，见了大铜铃。\n",
        encoding="utf-8",
    )
    table = NameTable(
        people=(Person("阿青"),), places=(Term("松溪桥"), Term("铜铃寺")), things=(Term("铜铃"),)
    )
    build(read_book(novel), table, tmp_path / "canon")
    book = Canon.open(tmp_path / "canon")
    asked = "阿青，松溪桥远，还是銅鈴寺远？带手机么？"
    assert book.unheard(asked, ("阿青",)) == ("手机",)
    assert book.as_of(1).unheard(asked, ("阿青",)) == ("手机", "銅鈴寺")
    assert book.as_of(2).unheard(asked, ("阿青",)) == ("手机",)
    assert book.as_of(1).unheard(asked, ("小明",)) == ()


def test_a_word_that_stood_before_it_was_a_name_is_heard_of(tmp_path: Path) -> None:
    novel = tmp_path / "n.txt"
    novel.write_text(
        "# 第一回\n明月当空，阿青道：“好月！”\n# 第二回\n来了个童儿，唤作明月，阿青道：“明月！”\n",
        encoding="utf-8",
    )
    build(
        read_book(novel),
        NameTable(people=(Person("阿青"), Person("明月", first=2))),
        tmp_path / "c",
    )
    assert Canon.open(tmp_path / "c").as_of(1).unheard("床前明月光，你会背么？", ("阿青",)) == ()


def test_names_in_a_message() -> None:
    names = ["Ann", "Al", "May", "铁扇", "铁扇公主"]
    assert worlds.named("Announce it to Alice: Al, also 鐵扇公主?", names) == ("鐵扇公主", "Al")
    assert worlds.named("", names) == ()


@pytest.mark.parametrize("laugh", ["哈哈哈哈", "谢谢谢谢", "谢谢哈哈，", "米米米", "多谢多谢"])
def test_laughter_and_thanks_are_no_names(canon: Canon, laugh: str) -> None:
    assert canon.unheard(f"{laugh}阿青你饿么？", AQING) == ()
    assert canon.unheard(f"{laugh}阿青，你认得阿里巴巴么？", AQING) == ("阿里巴巴",)


def test_a_book_has_what_it_names(tmp_path: Path, names: Path) -> None:
    novel = tmp_path / "n.txt"
    novel.write_text(NOVEL + "阿青拾得一部手机，不识是何物。\n", encoding="utf-8")
    build(read_book(novel), read_table(names), tmp_path / "canon")
    book = Canon.open(tmp_path / "canon")
    assert book.unheard("你有手机么？要不要电脑？", AQING) == ("电脑",)


@pytest.mark.parametrize(
    ("said", "unheard"),
    [
        ("阿青坐了地铁，开了电脑，打了电话，又看电视。", ()),
        ("阿青坐了地铁，开了电脑，打了电话。", ("飞机",)),  # 官场现形记 has three, two by chance
    ],
)
def test_a_book_of_today_lacks_nothing(
    tmp_path: Path, names: Path, said: str, unheard: tuple[str, ...]
) -> None:
    novel = tmp_path / "n.txt"
    novel.write_text(f"{NOVEL}{said}\n", encoding="utf-8")
    build(read_book(novel), read_table(names), tmp_path / "canon")
    assert Canon.open(tmp_path / "canon").unheard("你坐过飞机么？", AQING) == unheard


@pytest.mark.parametrize(
    ("names", "known"),
    [
        (("wukong", "孙悟空", "Sun Wukong"), False),
        (("mine", "唐三藏"), False),
        (("tony", "托尼", "Monkey"), True),
        (("monkey", "", "Monkey King"), True),
        ((), True),
    ],
)
def test_without_a_book_the_tables_that_ship_know(names: tuple[str, ...], known: bool) -> None:
    assert worlds.unheard("你有手机么？去过南极么？", names) == (() if known else ("手机",))


def test_what_ships_is_what_the_book_has() -> None:
    """`canon/books/xiyouji.has.txt`: the Chinese words of the lists that stand in the novel."""
    text = fold_words(data("xiyouji.txt").read_text(encoding="utf-8"))
    lists = tomllib.loads((LEXICON / "elsewhere.toml").read_text(encoding="utf-8"))
    words = {*lists["today"].split(), *lists["other_works"].split()}
    shipped = (BOOKS / "xiyouji.has.txt").read_text(encoding="utf-8").split()
    assert sorted(word for word in words if fold_words(word.casefold()) in text) == shipped


def test_no_old_novel_is_of_today() -> None:
    """Of 72 old novels none has four of the marks of today."""
    marks = tomllib.loads((LEXICON / "elsewhere.toml").read_text(encoding="utf-8"))["marks"].split()
    found: dict[str, set[str]] = {}
    with lzma.open(data("classics.jsonl.xz"), "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            has = {mark for mark in marks if mark in row["text"]}
            found.setdefault(row["title"], set()).update(has)
    assert len(found) > 50
    assert max(map(len, found.values())) < worlds._TODAY


def test_the_real_book(xiyouji_canon: Canon) -> None:
    wukong = ("wukong", "孙悟空")
    assert xiyouji_canon.unheard("大圣，你用微信么？", wukong) == ("微信",)
    assert xiyouji_canon.unheard("你去过西凉女国么？你的棒子多重？", wukong) == ()
    assert xiyouji_canon.unheard("Wukong, do you have a smartphone?", wukong) == ("smartphone",)
