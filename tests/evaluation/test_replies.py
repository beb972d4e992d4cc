"""Grades of single replies and of several together."""

from __future__ import annotations

import math

import pytest

from characters.card import load_cast
from characters.turn import Scene, Turn
from evaluation import replies
from evaluation.replies import Reference, bags_of, each, parrots
from evaluation.subject import Answer, Ask, Expect

CAST = load_cast()
REF = Reference()


def ask(number: int = 0, *, expect: Expect | None = None, speaker: str = "wukong") -> Ask:
    character = CAST[speaker]
    scene = Scene((character, CAST["bajie"]), (Turn("阿梅", "你今晚吃甚么？"),))
    identity = f"everyday/{speaker}/{number}/0"
    return Ask(
        identity, "everyday", f"everyday/{number}", scene, character, 1, expect=expect or Expect()
    )


def test_nan_leaves_a_reply_out() -> None:
    grade = each(lambda ask, answer, ref: math.nan if answer.text == "x" else 1.0)
    values = list(grade([(ask(0), Answer("x")), (ask(1), Answer("y"))], REF))
    assert [value.id for value in values] == ["everyday/wukong/1/0"]


@pytest.mark.parametrize(
    ("reply", "whole"),
    [
        (Answer("老孙吃桃。"), 1),
        (Answer("老孙吃桃", "length"), 0),
        (Answer(""), 0),
        (Answer("老孙吃桃。\n猪八戒：我也吃。"), 0),
        (Answer("I eat peaches."), 0),
        (Answer("作为一个AI，我不吃饭。"), 0),
    ],
)
def test_a_reply_that_is_one(reply: Answer, whole: int) -> None:
    assert replies.whole(ask(), reply, REF) == whole


def test_the_future_is_no_other_unknown() -> None:
    future = ask(expect=Expect(kind="future", forbidden=("成佛",)))
    assert math.isnan(replies.rejects_unknown(future, Answer("不知"), REF))
    assert math.isnan(replies.leaks_unknown(future, Answer("成佛"), REF))
    assert replies.leaks_future(future, Answer("成佛"), REF) == 1


def test_whole_bags_only_are_measured() -> None:
    said = [(ask(n), Answer(f"第{n}句")) for n in range(25)]
    values = list(bags_of("x", lambda bag: float(len(bag)))(said, REF))
    assert [value.value for value in values] == [10.0, 10.0]


def test_two_characters_who_say_the_same_sound_alike() -> None:
    said = [(ask(0), Answer("看打！")), (ask(0, speaker="bajie"), Answer("看打！"))]
    assert [value.value for value in replies.like_the_others(said, REF)] == [1.0, 1.0]


def test_repeating_a_line_of_somebody_else_is_parroting() -> None:
    assert parrots("你今晚吃甚么？老孙不知。", ["你今晚吃甚么？"])
    assert not parrots("老孙今晚吃桃。", ["你今晚吃甚么？"])
    assert not parrots("好。", ["好。"])
