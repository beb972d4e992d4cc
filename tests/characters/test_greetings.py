"""Greetings for a situation: what a card may say, what fits, and which goes first."""

import pytest

from characters.card import CardError, read_card
from characters.fields import as_table
from characters.greetings import Greeting, GreetingError, Situation, greetings_for, read_greeting
from characters.words import Lines

USUAL = Lines(("来也！", "都在？", "又是我。"), ("Here!", "All here?", "Me again."))


def special(**more):
    return read_greeting({"zh": ["特别的。"], **more})


@pytest.mark.parametrize(
    ("conditions", "situation", "fits"),
    [
        ({"place": ["荒庙"]}, {"place": "月下荒廟"}, True),
        ({"place": ["荒庙", "temple"]}, {"place": "An old Temple"}, True),
        ({"place": "荒庙"}, {"place": "桥上"}, False),
        ({"hours": "night"}, {"hour": 23}, True),
        ({"hours": "night"}, {"hour": 4}, True),
        ({"hours": "night"}, {"hour": 5}, False),
        ({"hours": "21-5"}, {"hour": 12}, False),
        ({"hours": "9～17"}, {"hour": 9}, None),
        ({"hours": "9-17"}, {"hour": 9}, True),
        ({"hours": "9-17"}, {"hour": 17}, False),
        ({"hours": "0-24"}, {"hour": 0}, True),
        ({"known": True}, {"known": True}, True),
        ({"known": True}, {"known": False}, False),
        ({"joining": False}, {"joining": True}, False),
        ({}, {"language": "en"}, False),  # it has no English words
    ],
)
def test_all_conditions_must_hold(conditions, situation, fits):
    if fits is None:
        with pytest.raises(GreetingError, match="hours"):
            special(**conditions)
        return
    assert special(**conditions).fits(Situation(**{"language": "zh", **situation})) is fits


def test_the_one_with_most_conditions_goes_first():
    one = special(place=["庙"])
    two = read_greeting({"zh": ["更特别的。"], "place": ["庙"], "known": True})
    there = Situation("zh", place="庙", known=True)
    assert greetings_for(USUAL, (one, two), there) == ("更特别的。", "来也！", "又是我。")
    assert greetings_for(USUAL, (one, two), Situation("zh", place="庙"))[0] == "特别的。"
    assert greetings_for(USUAL, (one, two), Situation("zh")) == ("来也！", "又是我。")
    assert greetings_for(USUAL, (), Situation("zh", joining=True)) == ("都在？", "又是我。")
    assert greetings_for(Lines(("甲",)), (), Situation("en", joining=True)) == ("甲",)


def test_equals_take_turns():
    equal = (special(), read_greeting({"zh": ["乙", "丙"]}))
    first = [greetings_for(USUAL, equal, Situation("zh"), number)[0] for number in range(4)]
    assert first == ["特别的。", "乙", "丙", "特别的。"]


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        ({"place": ["庙"]}, "zh"),
        ({"zh": []}, "zh"),
        ({"zh": [""]}, "zh"),
        ({"zh": 3}, "zh"),
        ({"zh": "好", "hours": "25-3"}, "hours"),
        ({"zh": "好", "hours": 3}, "hours"),
        ({"zh": "好", "hours": "5-5"}, "hours"),
        ({"zh": "好", "known": "yes"}, "known"),
        ({"zh": "好", "place": [1]}, "place"),
        ({"zh": "好", "when": "now"}, "when"),
    ],
)
def test_what_is_wrong_is_named(raw, key):
    with pytest.raises(GreetingError) as refused:
        read_greeting(raw)
    assert refused.value.key == f"greetings.{key}"


def test_a_card_holds_them_and_is_written_again():
    raw = {
        "id": "xiaobai",
        "language": "zh",
        "name": "小白龙",
        "greeting": "来了！",
        "brief": "西海龙王三太子。",
        "greetings": [
            {"text": "夜里也来。", "hours": "night"},
            {"zh": ["又见面了。"], "known": True, "place": ["庙"], "joining": False},
        ],
    }
    card = read_card(raw, "card")
    assert [one.conditions for one in card.greetings] == [1, 3]
    assert card.greetings[0] == Greeting(Lines(("夜里也来。",)), hours=(22, 5))
    assert read_card(as_table(card), "again") == card
    with pytest.raises(CardError, match=r"card: greetings: must be tables"):
        read_card(raw | {"greetings": "x"}, "card")
    with pytest.raises(CardError, match=r"card: greetings.hours: must be morning"):
        read_card(raw | {"greetings": [{"zh": ["x"], "hours": "x"}]}, "card")
