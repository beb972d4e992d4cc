"""The fields of a character as people type them."""

import pytest

from bot.forms import filled, read_form
from characters.card import CardError, load_cast


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("小墨 | 来了 | 小龙", {"name": "小墨", "greeting": "来了", "brief": "小龙"}),
        ("小墨｜来了｜小龙｜住海底", {"name": "小墨", "persona": "住海底"}),
        ("小墨\n来了\n小龙\n一\n二", {"brief": "小龙", "persona": "一\n二"}),
        ("Name: Inky | short: a dragon", {"name": "Inky", "brief": "a dragon"}),
        ("开场白：来了：看招 | 名字：小墨", {"greeting": "来了：看招", "name": "小墨"}),
        ("小墨 | 他说：你好", {"name": "小墨", "greeting": "他说：你好"}),  # no field of ours
        ("名字：小墨 | 开场白：来了 | 简介：小龙 | 住海底 | 爱吃鱼", {"persona": "住海底\n爱吃鱼"}),
        ("来了 | 名字：小墨", {"greeting": "来了", "name": "小墨"}),
        ("", {}),
        (" | | ", {}),
    ],
)
def test_parts_are_fields_by_label_or_by_order(text, fields):
    found = {key: value for (key, _), value in read_form(text).items()}
    assert fields.items() <= found.items()


def test_the_twin_in_the_other_language_is_named_by_its_suffix():
    made = filled(read_form("小墨 | 来了 | 小龙 | name.en: Inky | short.en: A dragon"), None)
    assert (made.name.zh, made.name.en, made.brief.en) == ("小墨", "Inky", "A dragon")
    changed = filled(read_form("greeting.en: Here! | manner: proud"), made)
    assert changed.greeting.en == ("Here!",)
    assert changed.greeting.zh == ("来了",)
    assert changed.style.en == "proud" or changed.style.zh == "proud"


def test_several_are_split_and_none_takes_a_field_away():
    made = filled(
        read_form("小墨 | 来了 | 小龙 | 别名：阿墨、墨墨 | 台词：哼 / 好／妙 | 类别：龙，书"), None
    )
    assert made.aliases.zh == ("阿墨", "墨墨")
    assert made.lines.zh == ("哼", "好", "妙")
    assert made.categories == ("龙", "书")
    left = filled(read_form("别名：无 | 类别：none"), made)
    assert left.aliases.zh == left.categories == ()


@pytest.mark.parametrize("text", ["来了", "小墨 | 来了", "简介：小龙", "小墨 | 来了 | 无"])
def test_what_must_be_there_is_missed_by_its_key(text):
    with pytest.raises(CardError, match="is missing"):
        filled(read_form(text), None)


def test_a_field_of_a_shipped_card_changes_alone():
    wukong = load_cast()["wukong"]
    changed = filled(read_form("emoji: 🐒"), wukong)
    assert changed.emoji == "🐒"
    assert changed.persona == wukong.persona
