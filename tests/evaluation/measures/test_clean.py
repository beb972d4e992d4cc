"""Whether a reply is one."""

from __future__ import annotations

import pytest

from evaluation.measures import clean


@pytest.mark.parametrize(
    "text",
    [
        "作为一个人工智能，我不能这样做。",
        "您好，很高兴为您服务！",
        "As an AI language model, I cannot",
        "请问有什么可以帮助您？",
    ],
)
def test_an_assistant_is_noticed(text: str) -> None:
    assert clean.assistant(text)


@pytest.mark.parametrize("text", ["老孙来也！", "", "师父有甚么话只管说。", "贫僧不打诳语。"])
def test_a_monkey_is_no_assistant(text: str) -> None:
    assert not clean.assistant(text)


def test_markdown_is_noticed() -> None:
    assert clean.markdown("# 一")
    assert clean.markdown("他**大**笑")
    assert clean.markdown("1. 走")
    assert not clean.markdown("一来，二去；3里路。")


def test_speaking_for_others() -> None:
    others = ["猪八戒", "客人"]
    assert clean.speaks_for("走罢。猪八戒：哥哥等我！", "end", others)
    assert clean.speaks_for("走罢。\n客人: 好", "end", others)
    assert clean.speaks_for("走罢。", "stop", others)
    assert not clean.speaks_for("那猪八戒走得慢，客人莫急。", "end", others)
    assert not clean.speaks_for("", "end", others)


def test_the_language_of_a_reply() -> None:
    assert clean.in_language("老孙来也", "zh")
    assert not clean.in_language("老孙来也", "en")
    assert clean.in_language("Old Sun is here", "en")
    assert not clean.in_language("Old Sun", "zh")
    assert not clean.in_language("", "zh")
    assert not clean.in_language("…", "en")
