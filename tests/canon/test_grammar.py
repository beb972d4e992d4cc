"""Which persons a clause mentions, and which of them act."""

from __future__ import annotations

import pytest

from canon.book import Section
from canon.grammar import Grammar, groups, words
from canon.names import NameTable, Person

TABLE = NameTable(people=tuple(Person(name) for name in ("孙悟空", "唐僧", "猪八戒", "沙僧")))
GRAMMAR = Grammar(name for person in TABLE.people for name in person.aliases)


def acting(clause: str) -> dict[str, bool]:
    names = TABLE.in_chapter(Section(1, "第一回", clause, "n.txt", 0))
    found = GRAMMAR.mentions(names, clause, 0, len(clause), last=True)
    return {mention.name: mention.acts for mention in found}


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("孙悟空笑道", {"孙悟空": True}),
        ("孙悟空对唐僧道", {"孙悟空": True, "唐僧": False}),
        ("慌得沙僧叫道", {"沙僧": True}),
        ("扯住猪八戒道", {"猪八戒": False}),
        ("唐僧的马叫道", {}),
        ("猪八戒、沙僧齐声道", {"猪八戒": True, "沙僧": True}),
        ("只见孙悟空道", {"孙悟空": True}),
        ("孙悟空把唐僧唬得叫道", {"孙悟空": False, "唐僧": True}),
    ],
)
def test_who_acts(clause: str, expected: dict[str, bool]) -> None:
    assert acting(clause) == expected


def test_what_only_the_narrator_says() -> None:
    assert GRAMMAR.narrates("却说唐僧上路。")
    assert GRAMMAR.narrates("孙悟空取出铁棒。")
    assert not GRAMMAR.narrates("孙悟空，你来！")
    assert not GRAMMAR.narrates("猪八戒啊，莫睡。")


def test_the_word_lists_are_lists_of_words() -> None:
    assert "道" in words()["speech_verbs"]
    assert all(word.strip() == word and word for row in words().values() for word in row)
    assert groups()["二人"] == 2
