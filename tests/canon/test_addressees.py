"""Whom a quote is said to."""

from __future__ import annotations

import pytest

from canon.addressees import Spoken, addressee, called
from canon.book import Section
from canon.grammar import Grammar
from canon.lead import read_lead
from canon.names import NameTable, Person
from canon.quotes import Span

PEOPLE = ("孙悟空", "唐僧", "猪八戒", "沙僧")
TABLE = NameTable(people=tuple(Person(name) for name in PEOPLE))
GRAMMAR = Grammar(PEOPLE)


def to(lead: str, said: str, speaker: str, *earlier: tuple[int, str, str]) -> str:
    text = f"{lead}：“{said}”"
    start = len(lead) + 1
    span = Span(start, len(text), start + 1, len(text) - 1)
    names = TABLE.in_chapter(Section(1, "", text, "n.txt", 0))
    spoken = Spoken(read_lead(text, 0, span), said, speaker, {"师父": "唐僧"}, earlier)
    return addressee(text, spoken, GRAMMAR, names)


@pytest.mark.parametrize(
    ("lead", "said", "speaker", "expected"),
    [
        ("孙悟空对沙僧道", "你看着马。", "孙悟空", "沙僧"),
        ("孙悟空扯住猪八戒道", "那里走！", "孙悟空", "猪八戒"),
        ("孙悟空道", "猪八戒，莫睡！", "孙悟空", "猪八戒"),
        ("孙悟空道", "师父，前面有山。", "孙悟空", "唐僧"),
        ("孙悟空道", "好大的雨。", "孙悟空", ""),
    ],
)
def test_by_name_by_kin_and_by_what_one_does(
    lead: str, said: str, speaker: str, expected: str
) -> None:
    assert to(lead, said, speaker) == expected


def test_else_whoever_spoke_last() -> None:
    assert to("孙悟空道", "好大的雨。", "孙悟空", (0, "沙僧", "孙悟空")) == "沙僧"


def test_a_call_is_a_name_at_the_very_beginning() -> None:
    names = TABLE.in_chapter(Section(1, "", "", "n.txt", 0))
    assert called("沙僧，走了。", names) == "沙僧"
    assert called("走了，沙僧。", names) == ""
