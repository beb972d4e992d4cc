from __future__ import annotations

import pytest

from canon.lexicon import Lexicon, english, everyday, stem, tokens
from canon.names import NameTable, Person, Scope, Term

LEXICON = Lexicon(
    NameTable(
        people=(
            Person("白鹿", "deer", ("White Deer",), (Scope(("鹿先生",)), Scope(("妖精",), 3, 4))),
        ),
        places=(Term("松溪桥", ("Pine Creek Bridge",), ("溪桥",)),),
    )
)


def test_text_becomes_characters_pairs_and_stems() -> None:
    assert tokens("松溪桥, Bridges") == ["松", "溪", "桥", "松溪", "溪桥", "bridg"]


@pytest.mark.parametrize(
    ("one", "other"),
    [("demons", "demon"), ("stories", "story"), ("robbed", "robbing"), ("threaten", "threatened")],
)
def test_forms_of_an_english_word_meet(one: str, other: str) -> None:
    assert stem(one) == stem(other)


def test_todays_words_become_the_books_words() -> None:
    weights = LEXICON.read("他老婆是谁").weights
    assert "浑家" in weights
    assert "娘子" in weights


def test_people_are_found_under_any_alias_in_both_languages() -> None:
    assert LEXICON.read("鹿先生爱下棋吗").people == ("白鹿",)
    assert LEXICON.read("Does the White Deer's friend play?").people == ("白鹿",)


def test_a_word_for_one_person_in_some_chapters_stays_a_word() -> None:
    assert LEXICON.read("那妖精是谁").people == ()


def test_english_places_become_chinese_ones() -> None:
    assert {"松溪", "溪桥"} <= set(LEXICON.read("Who waits at Pine Creek Bridge?").weights)


def test_english_words_become_chinese_ones() -> None:
    assert "棋" not in LEXICON.read("the king").weights
    assert "国王" in LEXICON.read("the king").weights


def test_words_that_say_nothing_are_dropped() -> None:
    assert LEXICON.read("你到底为什么呢").weights == {}
    assert LEXICON.read("what did you do").weights == {}


def test_things_of_another_world_are_noticed() -> None:
    assert LEXICON.read("你有手机吗").elsewhere == ("手机",)
    assert LEXICON.read("Have you met Gandalf?").elsewhere == ("gandalf",)
    assert LEXICON.read("What did Sai Taisui explain?").elsewhere == ()


def test_the_word_lists_have_no_empty_entries() -> None:
    for words, _ in (everyday(), english()):
        assert all(words.values())


@pytest.mark.parametrize(
    ("form", "word"),
    [("stole", "steal"), ("ate", "eating"), ("wives", "wife"), ("fought", "fight")],
)
def test_forms_that_no_rule_makes_meet_too(form: str, word: str) -> None:
    assert stem(form) == stem(word)


def test_words_on_one_line_of_a_list_stand_for_each_other() -> None:
    english_question = LEXICON.read("Who is the abbess's nephew, a hermit?")
    assert english_question.kinds["reclus"] == "synonym"
    assert english_question.kinds["hermit"] == "english"
    assert LEXICON.read("他怎么溜走的").kinds["逃脱"] == "synonym"


def test_the_end_of_a_question_is_no_phrase() -> None:
    # "do" alone says nothing, though "done" is on a line with "finish".
    assert LEXICON.read("what did they do").weights == {}


def test_names_are_kept_with_all_their_forms() -> None:
    named = LEXICON.read("鹿先生在松溪桥").named
    assert (("@白鹿",),) in named
    assert (("松溪", "溪桥"), ("溪桥",)) in named


def test_the_character_asked_is_a_token_beside_the_others() -> None:
    read = LEXICON.read("鹿先生下棋")
    assert ("@白鹿", "person", 1.2) in read.asked_of("白鹿")
    assert ("@白鹿", "asked", 1.0) in read.asked_of("白鹿")
    assert len(read.asked_of(None)) == len(read.weights)


@pytest.mark.parametrize(
    ("question", "called"),
    [
        ("你认得翠屏庵的静心师太么", ("翠屏庵", "静心师太")),
        ("丁秀才是谁", ("丁秀才",)),
        ("你下棋输给谁了", ()),
        ("Who is King Alaric?", ()),
    ],
)
def test_titles_and_kinds_of_places_stand_behind_names(
    question: str, called: tuple[str, ...]
) -> None:
    assert LEXICON.read(question).called == called


def test_who_seemed_to_speak_once_is_no_name_in_a_question() -> None:
    lexicon = Lexicon(NameTable(), ("后", "和尚", "胡三娘"))
    assert lexicon.read("以后和尚见胡三娘").people == ("胡三娘",)


@pytest.mark.parametrize(
    "question",
    ["Where is the Six-Eared Ape's home?", "where is the six eared ape?", "The SIX-EARED APES"],
)
def test_an_english_name_is_one_with_and_without_hyphens(question: str) -> None:
    table = NameTable(
        people=(Person("六耳", en=("Six-Eared Ape",)),), things=(Term("宝扇", ("palm leaf fan",)),)
    )
    read = Lexicon(table).read(f"{question} And the palm-leaf fan?")
    assert read.people == ("六耳",)
    assert "宝扇" in read.weights
    assert read.strangers == ()
