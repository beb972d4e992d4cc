"""What a character cannot know."""

from __future__ import annotations

import pytest

from evaluation.measures import boundary


def right(text: str, kind: str = "modern") -> bool:
    return boundary.stays_within(
        text, kind, forbidden=["电池"], keys=["龙宫"], question="你的手机呢？"
    )


@pytest.mark.parametrize(
    "text",
    [
        "老孙不知那是甚么。",
        "贫僧不曾听过此物。",
        "甚么叫手机？是妖怪么？",
        "老沙没见过这个。",
        "老猪听不明白。",
        "我怎么知道？",
        "这是甚么法宝？",
        "I have never heard of it.",
        "What is a phone?",
    ],
)
def test_not_knowing_is_heard(text: str) -> None:
    assert boundary.refuses(text)


@pytest.mark.parametrize(
    "text",
    [
        "老孙的棒子重一万三千五百斤。",
        "施主唤贫僧，不知有何见教？",
        "老孙便是齐天大圣，你竟不认得？",
        "你这呆子不听话！",
        "不知不觉走了三里。",
        "知足常乐。",
        "",
    ],
)
def test_other_words_with_not_are_no_refusal(text: str) -> None:
    assert not boundary.refuses(text)


def test_a_leak_is_a_term_that_was_not_asked_with() -> None:
    assert boundary.leaks("我那手机电池没电了", ["电池", "手机"], "你的手机呢？") == ["电池"]
    assert boundary.leaks("", ["电池"], "") == []
    assert boundary.leaks("PETER Parker", ["Peter"], "") == ["peter"]


def test_who_says_not_to_know_and_tells_nothing_is_right() -> None:
    assert right("老孙不晓得那是甚么。")
    assert not right("不晓得，怕是电池没电了。")
    assert not right("放在家里了。")
    assert not right("")


def test_a_false_premise_may_be_put_right() -> None:
    assert right("胡说！那是从龙宫里得的。", "premise")
    assert right("是从龙宫得的。", "premise")
    assert right("不曾有这等事。", "premise")
    assert not right("改日便还。", "premise")
    assert not right("是从龙宫得的。", "modern")
