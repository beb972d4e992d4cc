"""A character as a table: what is written is read again, field by field."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from characters.card import (
    CardError,
    Character,
    Earlier,
    Lines,
    Title,
    Words,
    load_cast,
    read_card,
)
from characters.fields import as_table

CAST = load_cast()
SHORT = {
    "id": "xiaobai",
    "language": "zh",
    "name": "小白龙",
    "greeting": "来了！",
    "brief": "西海龙王三太子，性急，护短。",
}


@pytest.mark.parametrize("character", list(CAST), ids=lambda c: c.id)
def test_a_shipped_card_is_the_same_after_writing_and_reading(character):
    assert read_card(as_table(character), "again") == character


def test_one_language_and_one_description_are_a_card():
    card = read_card(SHORT, "short")
    assert card.name["en"] == card.name["zh"] == "小白龙"
    assert card.greeting.either("en") == ("来了！",)
    assert card.names == ("xiaobai", "小白龙")
    assert read_card(as_table(card), "again") == card


def test_what_is_missing_is_named_by_its_key():
    missing = read_card(SHORT, "short").missing
    assert {"name.en", "persona.zh", "persona.en", "style.zh", "lines.zh", "brief.en"} <= {*missing}
    assert not {"name.zh", "brief.zh", "greeting.zh"} & {*missing}
    assert CAST["wukong"].missing == ()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": ""}, "x: name.zh: is missing"),
        ({"greeting": []}, "x: greeting.zh: is missing"),
        ({"greeting": [""]}, "x: greeting.zh: is missing or holds"),
        ({"brief": {}}, "x: brief: is missing: one description"),
        ({"language": "fr"}, "x: language: must be zh or en, not 'fr'"),
        ({"language": "en", "name": {"zh": "小白龙"}}, "x: name.en: is missing"),
        ({"categories": "龙"}, "x: categories: must be a list"),
        ({"name": "小：白"}, "x: name: '小：白' must not hold colons"),
    ],
)
def test_a_short_card_that_lacks_what_it_needs_says_which_key(change, says):
    with pytest.raises(CardError, match=says):
        read_card({**SHORT, **change}, "x")


text = st.text(st.characters(codec="utf-8", exclude_characters=":：\n<>"), min_size=1).map(
    str.strip
)
full = text.filter(bool)
words = st.builds(Words, st.one_of(st.just(""), text), st.one_of(st.just(""), text))
lines = st.builds(
    Lines, st.lists(full, max_size=3).map(tuple), st.lists(full, max_size=3).map(tuple)
)


@settings(max_examples=80, deadline=None)
@given(
    st.builds(
        Character,
        id=st.just("one"),
        name=st.one_of(st.builds(Words, full), st.builds(Words, st.just(""), full)),
        aliases=lines,
        brief=st.builds(Words, full, text),
        persona=words,
        style=words,
        greeting=st.builds(
            Lines, st.lists(full, min_size=1).map(tuple), st.lists(full, min_size=1).map(tuple)
        ),
        lines=lines,
        titles=st.lists(
            st.builds(Title, st.builds(Lines, st.tuples(full)), st.frozensets(st.just("people"))),
            max_size=2,
        ).map(tuple),
        refusal=lines,
        talkativeness=st.floats(0, 1),
        temperature=st.floats(0, 2),
        categories=st.lists(full, max_size=3).map(tuple),
    )
)
def test_any_character_is_the_same_after_writing_and_reading(character):
    assert read_card(as_table(character), "again") == character


def test_who_a_character_was_in_earlier_chapters_is_written_too():
    card = read_card(SHORT, "short")
    card = replace(card, earlier=(Earlier(3, Words("小龙"), Words("年幼", "Young")),))
    assert read_card(as_table(card), "again") == card
