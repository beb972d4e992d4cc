"""What comes to mind: order, budget, who heard it, and what stays private."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.memory import Bond, Fact, Known, Profile
from bot.recall import Occasion, recall, relevance


def told(known, query="", **changes):
    asked: dict[str, Any] = {"name": "小明", "budget": 10_000, "measure": len}
    there: dict[str, Any] = {
        "character": "wukong",
        "room": "test:g",
        "private": False,
        "language": "zh",
    }
    for key, value in changes.items():
        (asked if key in asked else there)[key] = value
    return recall(known, Occasion(query=query, **there), **asked)


def facts(*texts, **fields):
    return tuple(Fact(text, id=n, at=n, **fields) for n, text in enumerate(texts, 1))


def test_nothing_is_known_of_a_stranger():
    assert told(Known("test:1")) == ()


def test_pinned_then_relevant_then_the_newest_few():
    known = Known(
        "test:1",
        facts=(
            Fact("我的猫叫花卷", id=1, at=1),
            *facts("甲", "乙", "丙", "丁", "戊"),
            Fact("我对花生过敏", id=9, at=0, pinned=True),
        ),
    )
    lines = told(known, "你的猫呢？我的猫不见了")
    assert [line.partition("：")[2] for line in lines] == [
        "我对花生过敏",
        "我的猫叫花卷",
        "戊",
        "丁",
        "丙",
    ]
    assert lines[0].startswith("小明说过")


def test_the_more_relevant_of_the_pinned_comes_first():
    known = Known("test:1", facts=facts("我怕水", "我住在西安城里", "我会弹琴", pinned=True))
    assert told(known, "西安下雨了吗")[0] == "小明说过：我住在西安城里"


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("花生糖要不要？", 0),
        ("我们去游泳吧", 2),
        ("shall we go swimming", 3),
        ("what does your cats eat", 4),
        ("生日快乐", 1),
    ],
)
def test_relevance_finds_the_fact_in_both_languages(query, best):
    texts = [
        "我对花生过敏",
        "我的生日是五月三日",
        "我不会游泳",
        "I cannot swim",
        "My cat is called Mo",
    ]
    scores = relevance(query, texts)
    assert scores.index(max(scores)) == best
    assert scores[best] > 0


def test_what_has_nothing_to_do_with_it_scores_nothing():
    assert relevance("我的你的他的", ["你在哪里", "我是我"]) == [0.0, 0.0]
    assert relevance("", ["一"]) == [0.0]
    assert relevance("一", []) == []


@given(st.lists(st.text(max_size=30), max_size=12), st.text(max_size=30), st.integers(0, 120))
def test_the_budget_holds_whatever_is_known(texts, query, budget):
    known = Known("test:1", facts=facts(*texts), personas={"test:g": "书生"})
    assert sum(map(len, told(known, query, budget=budget))) <= budget


def test_a_long_fact_gives_way_to_shorter_ones():
    known = Known("test:1", facts=facts("短", "长" * 200))
    assert told(known, budget=20) == ("小明说过：短",)


def test_a_character_knows_only_what_it_heard():
    known = Known(
        "test:1",
        facts=(
            Fact("对悟空说的", heard=frozenset({"wukong"}), id=1),
            Fact("对大家说的", id=2),
            Fact("没人听见", heard=frozenset(), id=3),
        ),
    )
    assert set(told(known)) == {"小明说过：对悟空说的", "小明说过：对大家说的"}
    assert told(known, character="bajie") == ("小明说过：对大家说的",)


def test_private_stays_private_unless_allowed():
    known = Known(
        "test:1",
        facts=(Fact("秘密", private=True, id=1), Fact("公开", id=2)),
        bonds={
            ("wukong", True): Bond(summary="私下常谈心事"),
            ("wukong", False): Bond(summary="群里斗嘴"),
        },
        personas={"test:dm": "逃犯"},
    )
    group = told(known)
    assert group == ("和小明的交情：群里斗嘴", "小明说过：公开")
    private = told(known, private=True, room="test:dm")
    assert private[:2] == ("小明在这里是：逃犯", "和小明的交情：私下常谈心事")
    assert set(private[2:]) == {"小明说过：秘密", "小明说过：公开"}
    allowed = Known("test:1", profile=Profile(shared=True), facts=known.facts, bonds=known.bonds)
    assert "小明说过：秘密" in told(allowed)


def test_who_opted_out_is_a_stranger_in_groups_only():
    known = Known(
        "test:1",
        profile=Profile(in_groups=False),
        facts=facts("公开"),
        bonds={("wukong", False): Bond(summary="斗嘴")},
    )
    assert told(known) == ()
    assert told(known, private=True) == ("和小明的交情：斗嘴", "小明说过：公开")


def test_english_rooms_are_told_in_english():
    known = Known("test:1", facts=facts("I live in York"), personas={"test:g": "a knight"})
    assert told(known, language="en", name="Ann") == (
        "Ann here is: a knight",
        "Ann said: I live in York",
    )
