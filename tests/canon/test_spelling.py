"""Pinyin as English names: in a table, and in a search of a book that was built with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from canon import Canon
from canon.cli import main
from canon.names import NameTable, Person
from canon.spelling import spelled, spellings
from mrp import spell

SAID = {"阿青": "a qing", "鹿先生": "lu xian sheng", "石伯": "shi bo", "胡三娘": "hu san niang"}


def by_heart(text: str) -> list[str]:
    return SAID.get(text, "").split()


@pytest.mark.parametrize(
    ("syllables", "names"),
    [
        ("cao cao", ("Cao Cao", "Caocao")),
        ("zhu ge liang", ("Zhu Geliang", "Zhuge Liang", "Zhugeliang")),
        ("si ma zhong da", ("Si Mazhongda", "Sima Zhongda", "Simazhongda")),
        ("lv bu", ("Lü Bu", "Lübu", "Lu Bu", "Lubu")),
        ("chang e", ("Chang E", "Chang'e")),
        ("he man", ("Heman",)),  # he and man are English words
        ("cao", ()),
        ("", ()),
    ],
)
def test_a_name_is_written_with_its_family_name_apart(
    syllables: str, names: tuple[str, ...]
) -> None:
    assert spellings(syllables.split()) == names


def test_who_has_an_english_name_keeps_it() -> None:
    people = (
        Person("石伯"),
        Person("阿青", en=("Aqing the hunter",)),
        Person("一个不知名的人"),  # a sentence, no name
        Person("Ned"),
        Person("青"),
    )
    found = spelled(NameTable(people=people), lambda text: ["shi", "bo"]).people
    assert [person.en for person in found] == [
        ("Shi Bo", "Shibo"),
        ("Aqing the hunter",),
        (),
        (),
        (),
    ]
    assert [person.name for person in found] == [person.name for person in people]


def test_a_book_without_a_table_knows_its_people_by_their_pinyin(
    tmp_path: Path, novel: Path
) -> None:
    question = "What did Shi Bo say when he saw the deer?"
    for name, speller in (("with", by_heart), ("without", None)):
        assert main(["build", str(novel), "-o", str(tmp_path / name)], spell=speller) == 0
    # What it was built without is not there: the name is a stranger's, and leads nowhere.
    known, unknown = Canon.open(tmp_path / "with"), Canon.open(tmp_path / "without")
    assert "Shi Bo" in (tmp_path / "with" / "names.toml").read_text(encoding="utf-8")
    assert known.names.person("Shi Bo") is not None
    assert unknown.names.person("Shi Bo") is None
    hits = known.search(question).passages
    assert hits
    assert all("石伯" in hit.text or "石伯" in hit.speakers for hit in hits)
    assert not unknown.search("Shi Bo?").passages


def test_the_shipped_tables_names_are_the_translators(
    tmp_path: Path, novel: Path, names: Path
) -> None:
    """A table that knows its book is left as it is."""
    words = ["build", str(novel), "-o", str(tmp_path / "c"), "--names", str(names)]
    assert main(words, spell=lambda text: pytest.fail(text)) == 0


def test_pinyin_comes_without_tones() -> None:
    pytest.importorskip("pypinyin")
    assert spell("吕布") == ["lv", "bu"]
    assert spell("诸葛亮") == ["zhu", "ge", "liang"]


def test_without_pypinyin_nobody_is_spelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speech.pinyin.available", lambda: "the Python package pypinyin")
    assert spell("吕布") == []
