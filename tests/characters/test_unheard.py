"""What a message names that a character cannot have heard of."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from characters.card import Language, load_cast
from characters.turn import Scene, Turn
from characters.unheard import unheard

CAST = load_cast()
WUKONG = CAST["wukong"]
LISTED = ("手机", "键盘", "奶茶", "自助餐", "pizza", "Harry Potter", "《西\n游》", "a" * 41)


def world(text: str, names: Sequence[str]) -> Sequence[str]:
    assert names == WUKONG.names
    return [word for word in LISTED if word in text]


def told(
    *turns: str | Turn, known: Sequence[str] = (), language: Language = "zh"
) -> tuple[str, ...]:
    said = tuple(Turn("小明", turn) if isinstance(turn, str) else turn for turn in turns)
    return unheard(world, Scene((WUKONG,), said, language=language), WUKONG, known)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("悟空，你有手机么？", ("手机",)),
        ("手机是甚么", ("手机",)),
        ("pizza是誰的", ("pizza",)),  # a question in traditional characters, without a mark
        ("沙师弟，你的手机充好电了。", ("手机",)),
        ("帮我买杯奶茶", ("奶茶",)),
        ("来一杯奶茶", ("奶茶",)),
        ("陪我喝奶茶去", ("奶茶",)),
        ("手机、键盘、奶茶和自助餐，哪个好？", ("手机", "键盘", "奶茶")),
        ("Do they sell pizza here", ("pizza",)),
        ("I want you to meet Harry Potter.", ("Harry Potter",)),
        # Nothing is asked: somebody tells of a day.
        ("今天手机掉水里了。", ()),
        ("中午去吃自助餐，撑得走不动路，老猪你肯定懂我！", ()),
        ("我家猫把键盘抠坏了，气得我想借你的金箍棒！", ()),
        ("I had pizza with my mother. It was good!", ()),
        # Somebody is introduced.
        ("My name is Harry Potter, can you remember that?", ()),
        ("do you know my friend Harry Potter", ()),
        ("Wukong, I'm Harry Potter. How are you?", ()),
        ("你好，我叫奶茶，你是谁？", ()),
        # Nothing is named.
        ("悟空，你怕不怕紧箍咒？", ()),
        # Bounded, and on one line.
        (f"{'a' * 41}是甚么？", ()),
        ("《西\n游》好看么？", ("《西 游》",)),
    ],
)
def test_what_is_asked_about(text, words):
    assert told(text) == words


def test_what_was_explained_has_been_heard_of():
    assert told("手机是个千里传音的匣子。", "你要手机么？") == ()
    assert told("要手机么？", Turn("wukong", "没听过。", "character"), "手机你真没用过？") == ()
    assert told("你要奶茶么？", known=("小明爱喝奶茶",)) == ()


def test_where_the_scene_plays_and_what_was_summed_up_is_known():
    scene = Scene((WUKONG,), (Turn("小明", "你要奶茶还是手机？"),))
    assert unheard(world, scene, WUKONG) == ("手机", "奶茶")
    for told in (replace(scene, place="奶茶铺里"), replace(scene, summary="小明说了奶茶。")):
        assert unheard(world, told, WUKONG) == ("手机",)


def test_once_for_each_who_answers():
    other = Turn("bajie", "老猪没听过。", "character")
    assert told("你有手机么？", other) == ("手机",)
    assert told("你有手机么？", other, Turn("wukong", "甚么机？", "character"), other) == ()


def test_what_the_speaker_did_not_hear_was_not_explained_to_it():
    def whispered(text: str) -> Turn:
        return Turn("小明", text, witnesses=frozenset({"bajie"}), whispered=True)

    assert told(whispered("手机是个匣子。"), "你要手机么？") == ("手机",)
    assert told("吃了么？", whispered("你要手机么？")) == ()


def test_somebody_of_that_name_is_here():
    potter = Turn("Harry Potter", "Hello")
    assert told(potter, "Wukong, do you know Harry Potter?", language="en") == ()


def test_nobody_said_anything():
    assert unheard(world, Scene((WUKONG,)), WUKONG) == ()


def test_what_was_said_in_the_other_script_has_been_heard_of():
    def later(text: str, names: Sequence[str]) -> Sequence[str]:
        return [word for word in ("紅孩兒", "红孩儿", "孫悟空") if word in text]

    scene = Scene((WUKONG,), (Turn("小明", "红孩儿是个妖精。"), Turn("小明", "紅孩兒你認得麼？")))
    assert unheard(later, scene, WUKONG) == ()
    scene = Scene((WUKONG,), (Turn("小明", "孫悟空，你餓麼？"),))
    assert unheard(later, scene, WUKONG) == ()
