"""Whose names an English book has, and which are one person's."""

from __future__ import annotations

from canon.book import Book, Section
from canon.english.cast import cast_of, draft_english
from canon.names import NameTable, Person, Scope


def book(*paragraphs: str) -> Book:
    text = "CHAPTER I\n\n" + "\n\n".join(paragraphs)
    return Book("b", (Section(1, "CHAPTER I", text, "b", 0),))


STORY = (
    "“Sit,” said Mr. Hale. He took his hat.",
    "“Gladly,” said Mrs. Hale.",
    "“I too,” said Ruth Amory, and she sat.",
    "“And tea?” asked Ruth.",
    "“Captain Rudd is late,” said the Captain.",
    "“I am not,” said Captain Rudd. He was wet.",
    "“Lizzy!” cried Elizabeth Dunn. Leaning over, she laughed.",
    "“Leaning is bad,” said Elizabeth. The tower was leaning, and leaning over was forbidden.",
)


def test_forms_of_one_name_are_one_person() -> None:
    cast = cast_of(book(*STORY))
    assert cast.canonical("Ruth Amory") == cast.canonical("Ruth") == "Ruth"
    assert cast.canonical("Mr. Hale") != cast.canonical("Mrs. Hale")
    assert cast.canonical("Captain") == cast.canonical("Captain Rudd") == "Rudd"
    assert cast.canonical("Lizzy") == cast.canonical("Elizabeth Dunn") == "Elizabeth"
    assert not cast.knows("Leaning")


def test_he_or_she_is_known_by_title_name_and_pronouns() -> None:
    cast = cast_of(book(*STORY))
    expected = {"Mr. Hale": "he", "Mrs. Hale": "she", "Ruth": "she", "Rudd": "he"}
    assert {name: cast.pronouns.get(name) for name in expected} == expected


def test_a_table_goes_before_what_is_found() -> None:
    table = NameTable(people=(Person("Amory", scopes=(Scope(("Ruth Amory", "Ruth")),)),))
    assert cast_of(book(*STORY), table).canonical("Ruth") == "Amory"


def test_who_tells_the_book_is_known_by_i_said() -> None:
    told = book("“Who?” I asked.", "“He,” said Ben.", "“Oh,” I said.")
    assert cast_of(told).narrated
    assert not cast_of(book(*STORY)).narrated


def test_the_draft_has_every_form() -> None:
    people = {person.name: person.aliases for person in draft_english(book(*STORY)).people}
    assert {"Ruth", "Ruth Amory"} <= set(people["Ruth"])
