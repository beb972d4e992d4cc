from __future__ import annotations

from pathlib import Path

import pytest

from canon.book import Section
from canon.error import BadNameTable
from canon.names import (
    NameTable,
    Person,
    Reading,
    Scope,
    Term,
    read_table,
    shipped_tables,
    write_table,
)

SECTION = Section(5, "回", "回\n甲。乙。丙。", "mini.txt", 0)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "names.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_narrowest_scope_wins() -> None:
    table = NameTable(
        people=(
            Person("甲", scopes=(Scope(("怪",)),)),
            Person("乙", scopes=(Scope(("怪",), 3, 9),)),
            Person("丙", scopes=(Scope(("怪",), 6, 6),)),
        )
    )
    assert table.in_chapter(SECTION).resolve("怪", 0) == "乙"


def test_a_reading_holds_between_its_words_only() -> None:
    table = NameTable(readings=(Reading(5, ("怪",), "甲", after="甲。", before="丙"),))
    names = table.in_chapter(SECTION)
    inside = SECTION.text.index("乙")
    assert names.resolve("怪", inside) == "甲"
    assert names.resolve("怪", SECTION.text.index("丙") + 1) == "怪"


def test_a_reading_of_another_edition_is_left_out() -> None:
    table = NameTable(readings=(Reading(5, ("怪",), "甲", after="not in this edition"),))
    assert table.in_chapter(SECTION).resolve("怪", 0) == "怪"


def test_a_person_is_found_by_id_name_english_name_and_alias() -> None:
    table = NameTable(people=(Person("白鹿", "deer", ("White Deer",), (Scope(("鹿先生",)),)),))
    for word in ("deer", "DEER", "白鹿", "white deer", "鹿先生"):
        found = table.person(word)
        assert found is not None
        assert found.name == "白鹿"
    assert table.person("黑鹿") is None


def test_a_table_that_is_written_reads_back_the_same(tmp_path: Path) -> None:
    table = NameTable(
        "白鹿",
        ("阿青",),
        (
            Person("白鹿", "deer", ('White "Deer"',), (Scope(("鹿",), 2, 3),), calls={"a": "阿青"}),
            Person("阿青", first=2, last=8),
        ),
        (Reading(5, ("怪",), "甲、乙", "从", "到"),),
        (Term("松溪桥", ("Pine Bridge",), ("桥",)),),
        (Term("铜铃"),),
    )
    write_table(table, tmp_path / "names.toml", comment="two\nlines")
    assert read_table(tmp_path / "names.toml") == table


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("persons = 1", "unknown key 'persons'"),
        ('[[person]]\nname = "a"\nage = 3', "unknown key 'age'"),
        ('[[person]]\nid = "a"', "no name"),
        ('[[person]]\nname = "a"\naliases = "b"', "list of words"),
        ('[[person]]\nname = "a"\nscoped = [{ aliases = ["b"], from = 0 }]', "chapter number"),
        ('[[person]]\nname = "a"\n[[person]]\nname = "a"', "same name"),
        ('[[reading]]\nname = "a"\nchapter = "one"', "chapter number"),
        ("= 1", "cannot read"),
    ],
)
def test_a_wrong_table_says_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadNameTable, match=message):
        read_table(written(tmp_path, text))


def test_a_wrong_line_of_events_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, 'title = "a"')
    path.with_suffix(".events.tsv").write_text("1\ta\tb\nsecond\n", encoding="utf-8")
    with pytest.raises(BadNameTable, match="line 2"):
        read_table(path)


def test_the_shipped_tables_are_sound() -> None:
    for table in shipped_tables():
        assert table.detect
        people = {person.name for person in table.people}
        for person in table.people:
            for called in person.calls.values():
                assert people.issuperset(called.split("、"))
        for reading in table.readings:
            assert people.issuperset(reading.name.split("、"))
        english = [en.casefold() for person in table.people for en in person.en]
        assert len(english) == len(set(english))
        assert all(event.told and event.english for event in table.events)
