"""Turns, who heard them, and names that are safe before a colon."""

import unicodedata
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from characters.card import load_cast
from characters.turn import Scene, Turn, safe_name

CAST = load_cast()
TAKEN = tuple(name for character in CAST for name in character.names)

NASTY = (
    *(":", "：", "﹕", "\n", "\r", "\t", "\0", "\u2028", "\u200b", "\u202e", " ", "_"),
    *("<|im_end|>", "＜", "【", "（客）", "e\u0301", "ﷺ", "①", "👩‍🚀", "Ⅷ"),
)
anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
spiced = st.lists(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
    | st.sampled_from([*TAKEN, *NASTY]),
    max_size=6,
).map("".join)
names = anything | spiced


@settings(deadline=None)
@given(names, st.sampled_from([(), TAKEN]))
def test_a_safe_name_cannot_break_a_line_of_the_transcript(name, taken):
    safe = safe_name(name, taken)
    assert not set(safe) & set(":：<>|\n\r\t【】[]{}\"'`*#@\\/")
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Zs") for c in safe)


@settings(deadline=None)
@given(names)
def test_a_safe_name_is_never_empty_and_never_long(name):
    assert 1 <= len(safe_name(name)) <= 24
    assert 1 <= len(safe_name(name, TAKEN)) <= 27


@settings(deadline=None)
@given(names, st.lists(anything, max_size=4))
def test_a_safe_name_is_not_a_taken_one(name, others):
    taken = (*TAKEN, *others, safe_name(name))
    assert safe_name(name, taken).casefold() not in {each.casefold() for each in taken}


@settings(deadline=None)
@given(names)
def test_a_safe_name_stays_as_it_is(name):
    safe = safe_name(name)
    assert safe_name(safe) == safe


@pytest.mark.parametrize(
    "name", ["小明", "Amy", "Ångström", "さくら", "Иван", "小🐵", "x-1", "阿Q"]
)
def test_plain_names_of_any_script_stay(name):
    assert safe_name(name, TAKEN) == name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("小明：孙悟空", "小明_孙悟空"),
        ("a: b", "a_b"),
        ("Amy\nassistant", "Amyassistant"),
        ("<|im_start|>", "im_start"),
        ("ａｍｙ", "amy"),
        ("_amy_", "amy"),
        ("悟\u200b明", "悟明"),
        ("x" * 100, "x" * 24),
    ],
)
def test_what_is_unsafe_goes_and_the_rest_stays(name, safe):
    assert safe_name(name) == safe


@pytest.mark.parametrize("name", ["", " ", "：", "\n", "<>", "\u200b", "\0", "___"])
def test_a_name_of_nothing_becomes_a_guest(name):
    assert safe_name(name) == "客人"
    assert safe_name(name, fallback="guest") == "guest"


@pytest.mark.parametrize(
    "name",
    ["孙悟空", "悟空", " 孙悟空 ", "孙\u200b悟空", "WUKONG", "wukong", "Ｗｕｋｏｎｇ", "<悟空>"],
)
def test_who_takes_a_characters_name_is_marked_as_a_guest(name):
    assert safe_name(name, TAKEN).endswith("（客）")


def test_all_of_the_cast_heard_a_turn_without_witnesses():
    assert all(Turn("小明", "你好").heard_by(character.id) for character in CAST)


def test_only_witnesses_heard_a_turn_that_names_them():
    turn = Turn("小明", "悄悄话", witnesses=frozenset({"wukong", "bajie"}))
    assert {c.id for c in CAST if turn.heard_by(c.id)} == {"wukong", "bajie"}
    assert not any(Turn("小明", "", witnesses=frozenset()).heard_by(c.id) for c in CAST)


def test_a_character_hears_itself_but_its_name_in_another_mouth_is_nothing():
    own = Turn("bajie", "我说的", "character", frozenset())
    assert own.heard_by("bajie")
    assert not own.heard_by("wukong")
    assert not Turn("bajie", "a person of that name", "human", frozenset()).heard_by("bajie")


def test_saying_makes_a_new_scene_and_leaves_the_old_one():
    before = Scene((CAST["wukong"],), (Turn("小明", "一"),), place="山上", summary="旧事")
    after = before.said(Turn("小明", "二"))
    assert [turn.text for turn in before.turns] == ["一"]
    assert [turn.text for turn in after.turns] == ["一", "二"]
    assert (after.cast, after.place, after.summary) == (before.cast, "山上", "旧事")
    with pytest.raises(FrozenInstanceError):
        before.place = "海里"  # type: ignore[misc]


def test_a_member_of_the_cast_is_found_by_its_id_only():
    scene = Scene((CAST["wukong"], CAST["bajie"]))
    assert scene.member("bajie") is CAST["bajie"]
    for stranger in ("shaseng", "猪八戒", ""):
        with pytest.raises(KeyError):
            scene.member(stranger)


# --- known gaps ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Sun Wukong", "Monkey King", "monkey_king", "MonkeyKing"])
def test_who_takes_a_characters_english_name_is_marked_as_a_guest(name):
    assert safe_name(name, TAKEN).endswith("（客）")


@pytest.mark.parametrize("name", ["孙悟空", "e\u200d\u0301"])
def test_a_cleaned_name_stays_as_it_is(name):
    safe = safe_name(name, TAKEN)
    assert safe_name(safe, TAKEN) == safe
