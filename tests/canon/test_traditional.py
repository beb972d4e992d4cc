"""A traditional edition is read by the rules and tables that are written in simplified letters."""

from __future__ import annotations

from pathlib import Path

import pytest

from canon import Canon, attribute, build, read_book, table_of
from canon.names import read_table
from canon.traditional import fold_text, fold_words, is_traditional

NOVEL = """第一回　阿青入山
卻說白石村有個獵戶，名喚阿青，與老僕石伯同住。石伯扯住阿青道：「小主人，山裏有鹿精，去不得！」
阿青笑道：「石伯休怕，我有一張硬弓。」石伯大怒道：「你這孩子，不聽老人說話！」阿青道：「我去也。」
第二回　銅鈴
話說阿青與鹿先生下棋。鹿先生笑道：「你輸了，把腰間銅鈴與我。」阿青慌了道：「這銅鈴是我娘留下的。」
石伯道：「給不得！」阿青道：「聽見麼？」
"""
NAMES = """
title = "白鹿"
detect = ["阿青", "铜铃"]
[[person]]
name = "阿青"
id = "aqing"
aliases = ["小主人"]
[[person]]
name = "鹿先生"
id = "deer"
[[thing]]
name = "铜铃"
"""


def test_letters_are_folded_one_to_one_and_simplified_text_stays() -> None:
    assert fold_text(NOVEL).startswith("第一回　阿青入山\n却说白石村有个猎户")
    assert len(fold_text(NOVEL)) == len(NOVEL)
    plain = "乾坤未定，著书立说，於菟之后，师徒四众上了路。" * 20
    assert not is_traditional(plain)
    assert fold_text(plain) == plain
    assert fold_words("孫悟空怎麼說") == "孙悟空怎么说".replace("么", "麼")
    assert fold_words("乾坤") == "乾坤"


def test_a_table_in_simplified_letters_serves_the_traditional_edition(tmp_path: Path) -> None:
    novel, names = tmp_path / "novel.txt", tmp_path / "names.toml"
    novel.write_text(NOVEL, encoding="utf-8")
    names.write_text(NAMES, encoding="utf-8")
    book, table = read_book(novel), read_table(names)
    quotes = attribute(book, table)
    said = [quote.speaker for quote in quotes]
    assert said == ["石伯", "阿青", "石伯", "阿青", "鹿先生", "阿青", "石伯", "阿青"]
    assert quotes[0].text == "小主人，山裏有鹿精，去不得！"
    assert quotes[0].addressee == "阿青"
    build(book, table, tmp_path / "canon")
    canon = Canon.open(tmp_path / "canon")
    for question in ("銅鈴是誰的？", "铜铃是谁的？"):
        hits = canon.search(question, character="aqing", k=1).passages
        assert "這銅鈴是我娘留下的" in hits[0].text, question
    assert "铜铃" in canon.chapters()[1].first


def test_names_that_a_traditional_book_gives_away_are_as_it_prints_them(tmp_path: Path) -> None:
    novel = tmp_path / "novel.txt"
    lines = "\n".join(f"張遠笑道：「第{n}句話。」馬鳳答道：「聽見了。」" for n in range(12))
    novel.write_text(f"第一回 說\n{lines}\n第二回 聽\n{lines}\n", encoding="utf-8")
    book = read_book(novel)
    table = table_of(book)
    assert {person.name for person in table.people} == {"張遠", "馬鳳"}
    assert {quote.speaker for quote in attribute(book, table)} == {"張遠", "馬鳳"}


@pytest.mark.parametrize("name", ["孫悟空", "孙悟空", "wukong", "Monkey King", "孫悟空 "])
def test_a_person_is_found_in_either_script(name: str) -> None:
    from canon.names import BOOKS

    person = read_table(BOOKS / "xiyouji.toml").person(name)
    assert person is not None
    assert person.id == "wukong"
