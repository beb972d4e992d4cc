"""What a teacher's reply may not be before it becomes a lesson."""

from __future__ import annotations

import pytest

from characters.card import Language, load_cast
from trainer.synth.faults import asks, fault

CAST = load_cast()

# Read in answers of a 1.5B teacher, and others of their kind.
BAD: list[tuple[Language, str, str]] = [
    ("zh", "时间就是金钱，要珍惜！”} 好的，谢谢。", "holds pieces of JSON or markup"),
    ("zh", "老孙：{“回复”：“你定的一天的安排，老孙看。”}", "holds pieces of JSON or markup"),
    ("zh", "老孙知道了。<|im_end|>", "holds pieces of JSON or markup"),
    ("zh", "老孙说完了。还有什么其他问题吗？", "speaks as an assistant"),
    ("zh", "老孙可以帮助你，只管说。", "speaks as an assistant"),
    ("zh", "老孙会尽力回答您的问题。", "speaks as an assistant"),
    ("zh", "如果你需要更多的信息，随时告诉我。", "speaks as an assistant"),
    ("zh", "祝你有愉快的一天！", "speaks as an assistant"),
    ("en", "Old Sun has said it. Let me know if you need more.", "speaks as an assistant"),
    ("en", "Have a great day, friend!", "speaks as an assistant"),
    ("zh", "1. 火眼金睛\n2. 金箍棒", "is set as a list"),
    ("zh", "Old Sun fears nobody at all.", "in another language"),
    ("zh", "猪八戒：老猪饿了。", "speaks for others"),
    ("zh", "我是沙僧，随师父西行。", "takes itself for another"),
    ("zh", "老猪饿了。", "calls itself as another does"),
    ("zh", " ", "empty"),
    ("zh", "……", "empty"),
    ("zh", "你可曾听说过哈姆雷타？", "in another language"),
    ("en", "Old Sun never heard of it, друг.", "in another language"),
]

GOOD: list[tuple[Language, str]] = [
    ("zh", "有什么难处只管说，老孙帮你打他！"),
    ("zh", "你问得好。老孙告诉你：那妖怪藏在洞里。"),
    ("zh", "还有别的妖怪么？一并叫来！"),
    ("zh", "师父有问，老孙便答。"),
    ("en", "Any other demon? Bring it here; Old Sun will help you to a beating."),
    ("en", "What a great day for a fight!"),
]


@pytest.mark.parametrize(("language", "reply", "why"), BAD)
def test_what_nobody_should_learn(language: Language, reply: str, why: str) -> None:
    assert fault(reply, CAST["wukong"], CAST, language) == why


@pytest.mark.parametrize(("language", "reply"), GOOD)
def test_what_looks_alike_and_is_kept(language: Language, reply: str) -> None:
    assert fault(reply, CAST["wukong"], CAST, language) == ""


def test_a_reply_says_something_else_than_what_it_answers() -> None:
    def told(reply: str, answers: str) -> str:
        return fault(reply, CAST["wukong"], CAST, "zh", answers)

    assert told("你可曾听说过手机？", "悟空，你可曾听说过手机？") == "says again what it answers"
    assert told("爷爷的兵器，不在这里。", "爷爷的兵器，不在这里。") == "says again what it answers"
    assert told("手机？老孙不曾听说过。", "悟空，你可曾听说过手机？") == ""
    assert told("不可！", "不可！") == "", "a word may be said back"


@pytest.mark.parametrize(
    "text",
    [
        "你在天上原是甚么官？",
        "八戒，今晚吃不吃斋?",
        "师父可曾到过西天",
        "你怕妖怪么。",
        "Who taught you to fly",
        "Have you seen the sea?",
    ],
)
def test_what_asks(text: str) -> None:
    assert asks(text)


@pytest.mark.parametrize(
    "text",
    [
        "孙悟空是东胜神洲花果山的仙石所生，拜菩提祖师学得七十二变与筋斗云",
        "猪八戒：罢了！罢了！这一去有个打杀的情了！",
        "取了金箍棒，大闹",
        "孙悟空",
        "Sun Wukong was born of a stone on the Flower-Fruit Mountain.",
        "",
    ],
)
def test_what_asks_nothing(text: str) -> None:
    assert not asks(text)
