"""Names and texts compare as people read them."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.casting import answerers
from bot.mentions import mentions
from characters.card import load_cast
from characters.turn import GUEST, Scene, Turn, safe_name
from text.folding import fold, fold_text, simplified

CAST = load_cast()

SAME = [
    ("孫悟空", "孙悟空"),
    ("豬八戒", "猪八戒"),
    ("觀音菩薩", "观音菩萨"),
    ("孙悟空\ufe0f", "孙悟空"),
    ("孙\u034f悟空", "孙悟空"),
    ("孙悟空\u3164", "孙悟空"),
    ("\u115f孙悟空", "孙悟空"),
    ("孙\u17b4悟空", "孙悟空"),
    ("孙\u200b悟\u2060空", "孙悟空"),
    ("孙悟空.", "孙悟空"),
    ("【孙悟空】", "孙悟空"),
    ("孙 悟 空", "孙悟空"),
    ("孙悟空✨", "孙悟空"),
    ("猪ハ戒", "猪八戒"),
    ("Hong Hai’er", "Hong Hai'er"),
    ("HONG HAI`ER", "hong hai'er"),
    ("Sun\u00a0Wukong", "sun wukong"),
    ("Ｓｕｎ Ｗｕｋｏｎｇ", "Sun Wukong"),
    ("Ѕun Wukоng", "Sun Wukong"),
    ("Sun Wǔkōng", "Sun Wukong"),
    ("ᴡᴜᴋᴏɴɢ", "Wukong"),
    ("𝐖𝐮𝐤𝐨𝐧𝐠", "wukong"),
    ("Tang–Sanzang", "Tang Sanzang"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_read_alike_folds_alike(one, other):
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("悟空", "悟净"), ("八戒", "七戒"), ("C++", "C"), ("✨", "🔥"), ("道", "说"), ("が", "ぎ")],
)
def test_different_names_stay_different(one, other):
    assert fold(one) != fold(other)


@given(st.text(max_size=40))
def test_folding_twice_is_folding_once(name):
    assert fold(fold(name)) == fold(name)


@given(st.text(max_size=60))
def test_every_folded_letter_knows_its_place(text):
    folded = fold_text(text)
    assert len(folded.places) == len(folded.text) + 1
    assert list(folded.places) == sorted(folded.places)
    assert all(place <= len(text) for place in folded.places)


@given(st.text(max_size=60))
def test_simplifying_keeps_the_length(text):
    assert len(simplified(text)) == len(text)


def test_a_long_text_folds_quickly():
    started = time.process_time()
    fold_text("你" * 4096 + "x\u200b" * 2048)
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize("name", sorted({name for pair in SAME for name in pair if fold(name)}))
def test_who_is_called_like_a_character_is_marked_as_a_guest(name):
    names = [n for c in CAST for n in c.names]
    if fold(name) in {fold(n) for n in names}:
        assert safe_name(name, names).endswith(GUEST)


@pytest.mark.parametrize("blank", ["\u3164", "\u115f\u1160", "\u2800\u2800", "\ufe0f", "\u200b"])
def test_a_name_of_nothing_visible_gets_a_word(blank):
    assert safe_name(blank, fallback="客人") == "客人"


@pytest.mark.parametrize("name", ["孫悟空", "Hong Hai’er", "豬八戒", "wǔkōng", "觀音"])
def test_a_cast_finds_names_as_people_type_them(name):
    assert CAST.find(name).id in ("wukong", "honghaier", "bajie", "guanyin")


def scene(*ids: str) -> Scene:
    return Scene(tuple(CAST[i] for i in ids))


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("沙師弟，你看如何？", ["shaseng"]),
        ("豬八戒，你餓不餓？", ["bajie"]),
        ("別叫悟空，我問沙僧", ["shaseng"]),
        ("悟\u200b空，快來", ["wukong"]),
        ("ｗｕｋｏｎｇ, come here", ["wukong"]),
        ("師父，請喝茶", ["tangseng"]),
    ],
)
def test_casting_hears_names_in_any_dress(text, who):
    found = answerers(Turn("小明", text), scene("wukong", "tangseng", "bajie", "shaseng"), CAST)
    assert [c.id for c in found] == who


def test_a_mention_stands_where_it_stands_in_what_was_typed():
    text = "\u200b\u200b聽說孫悟空來了"
    (found,) = mentions(text, CAST)
    assert text[found.start : found.end] == "孫悟空"
