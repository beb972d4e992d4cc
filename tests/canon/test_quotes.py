from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canon.grammar import Grammar
from canon.quotes import Span, find_quotes, without_layout

GRAMMAR = Grammar(["阿青", "石伯"])


def words(text: str) -> list[str]:
    return [text[span.first : span.last] for span in find_quotes(text, GRAMMAR.narrates)]


def test_a_quote_keeps_its_marks_outside_its_words() -> None:
    text = "阿青道：“我去打猎。”石伯笑了。"
    (span,) = find_quotes(text, GRAMMAR.narrates)
    assert span == Span(4, 11, 5, 10)
    assert text[span.start] == "“"
    assert text[span.end - 1] == "”"


def test_a_lost_closing_mark_does_not_swallow_narration() -> None:
    text = "阿青道：“我去打猎。阿青提了弓，踏雪入山。石伯赶来叫道：“小主人！”"
    assert words(text) == ["我去打猎。", "小主人！"]


def test_a_lost_closing_mark_does_not_cut_a_story_told_in_speech() -> None:
    text = "阿青道：“我昨日入山。阿青这名字是我娘取的。我见了石伯，他说道：“回去！”我便回来。”"
    assert len(words(text)) == 1


def test_an_opening_mark_typed_for_a_closing_one_closes() -> None:
    text = "阿青道：“我去打猎。“石伯扯住他，又说道：“去不得！”"
    assert words(text) == ["我去打猎。", "去不得！"]


def test_a_lost_opening_mark_is_found_after_the_tag() -> None:
    assert words("阿青道：我去打猎。”石伯道：“去不得！”") == ["我去打猎。", "去不得！"]


def test_a_mark_too_many_inside_a_speech_does_not_split_it() -> None:
    (spoken,) = words("阿青道：“且莫哭，”我问你，他往那里去了？”石伯不语。")
    assert spoken.endswith("他往那里去了？")


def test_a_quote_within_a_quote_stays_inside() -> None:
    assert words("阿青道：“他旗上写着“大王”二字。”") == ["他旗上写着“大王”二字。"]
    assert words("阿青道：“他说：‘去罢。’我便来了。”") == ["他说：‘去罢。’我便来了。"]


@pytest.mark.parametrize("marks", ["“”", "「」", "『』", '""'])
def test_every_style_of_marks_is_read(marks: str) -> None:
    text = f"阿青道：{marks[0]}我去。{marks[1]}石伯道：{marks[0]}去不得。{marks[1]}"
    assert words(text) == ["我去。", "去不得。"]


def test_a_lost_straight_mark_harms_one_paragraph_only() -> None:
    assert words('阿青道："我去。\n石伯道："去不得。"阿青道："我去。"') == [
        "我去。",
        "去不得。",
        "我去。",
    ]


def test_mixed_styles_are_each_closed_by_their_own_mark() -> None:
    assert words("阿青道：“我去。”石伯道：「去不得『山』。」") == ["我去。", "去不得『山』。"]


@given(st.text("阿青石伯道我你。，！：“”「」‘’\n", max_size=120))
def test_quotes_are_in_order_apart_and_inside_the_text_whatever_is_broken(text: str) -> None:
    end = 0
    for span in find_quotes(text, GRAMMAR.narrates):
        assert end <= span.start <= span.first < span.last <= span.end <= len(text)
        assert text[span.first : span.last].strip()
        if span.repaired in ("", "mistyped", "unclosed"):
            assert text[span.start] in "“「『"
        if span.repaired == "":
            assert text[span.end - 1] in "”」』"
        end = span.end


def test_layout_goes_and_blanks_between_latin_words_stay() -> None:
    assert without_layout("我\n去　　也。") == "我去也。"
    assert without_layout("Where\nare  you?") == "Where are you?"
    assert without_layout("他说 OK 了") == "他说OK了"
