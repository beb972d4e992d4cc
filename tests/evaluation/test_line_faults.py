"""What a rule can tell of a line: each kind is found, and what is well said has none."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from characters.card import Character, load_cast
from evaluation.line_faults import faults

CAST = load_cast()


@dataclass
class Line:
    speaker: Character
    text: str


def found(who: str, text: str, **about: object) -> list[str]:
    told = {"asked": "悟空，你怕不怕那个紧箍咒？", "by": "小明", "people": ("小明", "Tom")} | about
    return faults(Line(CAST[who], text), [], CAST, **told)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("who", "text", "fault"),
    [
        ("wukong", "好。\n小明：我不怕。", "speaks for somebody else"),
        ("wukong", "Fine.\nTom: I can't swim.", "speaks for somebody else"),
        ("wukong", "你是孙悟空，正对小明说话。", "recites its orders"),
        ("wukong", "我是孙悟空，正对小明说话。小明刚说：你怕么", "recites its orders"),
        ("wukong", "照着刚说的那句回答，一两句。", "recites its orders"),
        ("bajie", "不替别人说话，不跳出角色。", "recites its orders"),
        ("bajie", "If a line above is about that, answer from it.", "recites its orders"),
        ("bajie", CAST["bajie"].persona.zh, "recites a card"),
        ("bajie", CAST["wukong"].persona.en, "recites a card"),
        ("wukong", "我是唐僧。", "says it is somebody else"),
        ("bajie", "Yes, I'm Sun Wukong!", "says it is somebody else"),
        ("bajie", "I am Tom.", "says it is somebody else"),
        ("wukong", "你怕不怕那个紧箍咒？", "repeats what was said to it"),
    ],
)
def test_a_fault_is_found(who: str, text: str, fault: str) -> None:
    assert fault in found(who, text)


@pytest.mark.parametrize(
    ("who", "text"),
    [
        ("wukong", "老孙便是！谁怕那个紧箍咒。"),
        ("wukong", "我是悟空，不是唐僧。"),
        ("wukong", "我是唐僧的大徒弟。"),
        ("wukong", "莫说我是八戒，我不是八戒！"),
        ("bajie", "I'm not Sun Wukong, I'm Pigsy."),
        ("bajie", "I'm Tripitaka's second disciple."),
        ("bajie", "小明说：你怕不怕？老猪可不怕。"),
        ("bajie", "不知道。"),
        ("bajie", "自称老猪的，就是我。天蓬元帅，错投了猪胎。"),
    ],
)
def test_what_is_well_said_has_none(who: str, text: str) -> None:
    assert found(who, text) == []
