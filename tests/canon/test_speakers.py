from __future__ import annotations

from pathlib import Path

import pytest

from canon import read_book
from canon.book import Section
from canon.grammar import Grammar
from canon.names import NameTable, Person, Reading, Scope, read_table
from canon.speakers import ALTERNATION, SUBJECT, Quote, attribute, attribute_section

TABLE = NameTable(
    people=(
        Person("阿青", scopes=(Scope(("小主人",)),), calls={"师父": "白鹿"}),
        Person("白鹿", scopes=(Scope(("鹿先生",)), Scope(("怪",), 1, 1))),
        Person("石伯"),
    ),
)


def quotes(text: str, table: NameTable = TABLE, chapter: int = 1) -> list[Quote]:
    section = Section(chapter, "回", "回\n" + text, "mini.txt", 0)
    names = [alias for person in table.people for alias in person.aliases]
    names += [alias for reading in table.readings for alias in reading.aliases]
    return attribute_section(section, Grammar(names), table)


def speakers(text: str, table: NameTable = TABLE, chapter: int = 1) -> list[str]:
    return [quote.speaker for quote in quotes(text, table, chapter)]


@pytest.mark.parametrize(
    ("text", "speaker"),
    [
        ("阿青笑道：“我去。”", "阿青"),
        ("小主人大怒道：“我去。”", "阿青"),
        ("阿青见了石伯，心中欢喜道：“我去。”", "阿青"),
        ("石伯提着灯，走上前，扯住阿青道：“去不得。”", "石伯"),
        ("石伯把阿青扯住，悄悄的道：“去不得。”", "石伯"),
        ("却说阿青正走，早惊动石伯，叫道：“去不得。”", "石伯"),
        ("慌得石伯跪下道：“饶命！”", "石伯"),
        ("阿青把石伯唬得倒退道：“饶命！”", "石伯"),
        ("石伯即命阿青道：“快去。”", "石伯"),
        ("你看那石伯没精打采，懊恨道：“罢了。”", "石伯"),
        ("阿青的弓断了。石伯道：“罢了。”", "石伯"),
        ("那怪道：“看打！”", "白鹿"),
        ("阿青撇了石伯，上前骂道：“看打！”", "阿青"),
    ],
)
def test_the_person_who_acts_speaks(text: str, speaker: str) -> None:
    assert speakers(text) == [speaker]


@pytest.mark.parametrize(
    ("text", "addressee"),
    [
        ("阿青对石伯道：“我去。”", "石伯"),
        ("石伯扯住阿青道：“去不得。”", "阿青"),
        ("石伯命阿青道：“快去。”", "阿青"),
        ("阿青道：“石伯，你来。”", "石伯"),
        ("阿青道：“师父，你来。”", "白鹿"),
        ("石伯道：“去不得。”阿青道：“我偏去。”", "石伯"),
    ],
)
def test_the_addressee_is_named_called_or_spoke_before(text: str, addressee: str) -> None:
    assert quotes(text)[-1].addressee == addressee


def test_who_is_not_named_again_goes_on_speaking() -> None:
    assert speakers("阿青道：“我去。”又道：“你也去。”") == ["阿青", "阿青"]


def test_he_answers() -> None:
    assert speakers("石伯道：“谁？”阿青道：“我。”他道：“进来。”") == ["石伯", "阿青", "石伯"]


def test_a_bare_run_alternates_only_between_two() -> None:
    two = quotes("石伯道：“谁？”阿青道：“我。”“进来。”")
    assert two[-1].speaker == "石伯"
    assert two[-1].confidence == ALTERNATION
    assert two[0].confidence == SUBJECT


def test_a_stranger_is_not_taken_for_whoever_spoke_last() -> None:
    text = "阿青道：“谁？”只见路旁闪出一个瞽者，走上前扯住阿青的马，道：“还我宝贝！”"
    assert speakers(text)[-1] == "瞽者"
    assert speakers("阿青道：“谁？”那满朝官齐声喝采道：“好！”")[-1] != "阿青"


def test_a_voice_without_a_face_is_undecided() -> None:
    (quote,) = quotes("阿青正走，只听得山后叫道：“救人！”")
    assert (quote.speaker, quote.confidence) == ("?", 0.0)


def test_two_who_speak_together_are_both_named() -> None:
    assert speakers("阿青、石伯齐声道：“好！”") == ["阿青、石伯"]
    assert speakers("石伯提灯，阿青提弓，二人到了门首，叫道：“开门！”") == ["石伯、阿青"]


def test_a_narrower_scope_wins_and_ends_with_its_chapters() -> None:
    assert speakers("那怪道：“看打！”", chapter=1) == ["白鹿"]
    assert speakers("那怪道：“看打！”", chapter=2) == ["怪"]


def test_in_a_stretch_of_a_chapter_a_name_may_mean_another() -> None:
    table = NameTable(
        people=TABLE.people,
        readings=(Reading(1, ("阿青",), "假阿青", after="来了一个", before="真的回来"),),
    )
    text = "阿青道：“一。”来了一个，阿青道：“二。”真的回来，阿青道：“三。”"
    assert speakers(text, table) == ["阿青", "假阿青", "阿青"]


def test_a_text_is_nobodys_turn() -> None:
    first, second = quotes("门上写着“白石村”。阿青道：“到了。”")
    assert (first.kind, first.speaker) == ("text", "")
    assert second.speaker == "阿青"


def test_an_addressee_is_never_the_speaker() -> None:
    for quote in quotes("阿青道：“阿青去也！”又对石伯道：“走！”石伯道：“小主人，走！”"):
        assert quote.speaker not in quote.addressee.split("、")


def test_the_tiny_novel_is_read_as_a_reader_would(novel: Path, names: Path) -> None:
    found = attribute(read_book(novel), read_table(names))
    assert [quote.speaker for quote in found] == [
        *("石伯", "阿青", "石伯", "阿青", "石伯", "白鹿", "阿青", "白鹿", "阿青", "白鹿", "白鹿"),
        *("白鹿", "阿青", "石伯", "阿青", "石伯", ""),
        *("胡三娘", "石伯", "胡三娘", "胡三娘", "阿青", "石伯"),
    ]
    assert [quote.kind for quote in found].count("thought") == 1


def test_quotes_stand_where_they_say(novel: Path, names: Path) -> None:
    book = read_book(novel)
    for quote in attribute(book, read_table(names)):
        text = book.sections[quote.section - 1].text
        assert text[quote.start + 1 : quote.end - 1] == quote.text
