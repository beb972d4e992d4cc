from __future__ import annotations

from canon.book import Book, Section
from canon.discovery import discover, draft_table, given_names
from canon.speakers import attribute


def book(*chapters: str) -> Book:
    return Book(
        "mini",
        tuple(Section(n, "回", f"回\n{text}", "mini.txt", 0) for n, text in enumerate(chapters, 1)),
    )


TALK = (
    "宋江道：“一。”吴用笑道：“二。”宋江又道：“三。”吴用道：“四。”"
    "宋江大怒道：“五。”那老者道：“六。”吴用问道：“七。”"
)


def test_who_stands_in_front_of_the_tag_is_a_name() -> None:
    assert set(discover(book(TALK))) == {"宋江", "吴用"}


def test_manners_verbs_and_roles_are_no_names() -> None:
    found = discover(book("又问道：“一。”" * 4 + "厉声高叫道：“二。”" * 4 + "老者道：“三。”" * 4))
    assert not found


def test_a_histories_short_name_belongs_to_the_full_name_of_its_chapter() -> None:
    first = "曹操道：“一。”" * 3 + "操曰：“二。”" * 9
    second = "袁操道：“一。”" * 4 + "操曰：“二。”"
    given = given_names(book(first, second), ["曹操", "袁操"])
    assert given == {"操": {1: "曹操", 2: "袁操"}}


def test_a_book_without_a_table_gets_speakers_from_its_own_tags() -> None:
    text = "曹操道：“一。”" * 3 + "操大怒曰：“二。”" * 9
    novel = book(text)
    table = draft_table(novel)
    assert {quote.speaker for quote in attribute(novel, table)} == {"曹操"}
