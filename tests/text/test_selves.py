"""Who a line says its speaker is."""

import pytest

from text.selves import claims, claims_another

NAMES = (
    "孙悟空",
    "悟空",
    "老孙",
    "猪八戒",
    "八戒",
    "唐僧",
    "Sun Wukong",
    "Zhu Bajie",
    "Pigsy",
    "Bob",
    "小明",
)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("我是八戒。", ["八戒"]),
        ("俺就是猪八戒，怎么着？", ["猪八戒"]),
        ("我叫做唐僧。我乃孙悟空！", ["唐僧", "孙悟空"]),
        ("I'm Pigsy. Pleased to meet you.", ["pigsy"]),
        ("Yes, i am sun wukong!", ["sun wukong"]),
        ("I’m Bob, and you?", ["bob"]),
        ("I'm Bobby.", []),
        ("我是八戒的师兄。", []),
        ("我是唐僧师徒里的。", []),
        ("I'm Bob's friend.", []),
        ("谁说我是八戒？", []),
        ("你问我是唐僧么？", []),
        ("我不是八戒。", []),
        ("I am not Pigsy.", []),
        ("八戒是我师弟。", []),
        ("", []),
    ],
)
def test_only_a_plain_claim_counts(text: str, named: list[str]) -> None:
    assert claims(text, NAMES) == named


def test_a_name_of_ones_own_is_no_claim_to_be_another() -> None:
    own, others = ("孙悟空", "老孙", "Sun Wukong"), ("猪八戒", "八戒", "Pigsy", "小明")
    assert not claims_another("我是老孙！", own, others)
    assert claims_another("我是老孙，不，我是八戒。", own, others)
    assert claims_another("我是小明。", own, others)
    assert not claims_another("我是小明。", (*own, "小明"), others), "a person of the same name"
    assert not claims_another("我是石猴。", own, others)


def test_a_name_of_one_letter_is_a_word() -> None:
    assert claims("我是人。I'm A.", ("人", "A")) == []
