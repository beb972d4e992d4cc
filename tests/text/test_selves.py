"""Who a line says its speaker is."""

import pytest

from text.selves import calls_itself, claims, claims_another, own_words

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


@pytest.mark.parametrize(
    ("description", "words"),
    [
        ("降龙伏虎的大徒弟，自称老孙。", ("老孙",)),
        ("自称老沙或沙僧，话短而稳。", ("老沙", "沙僧")),
        ("自称奴家、本夫人，说话带刺", ("奴家", "本夫人")),
        ("自称我，不拿架子。", ()),
        (
            "Calls himself the young lord or the Holy Infant King; shouts.",
            ("the young lord", "the Holy Infant King"),
        ),
        ("steady; calls himself Old Sha", ("Old Sha",)),
        ("Calls nobody by name.", ()),
        ("", ()),
    ],
)
def test_a_card_says_what_somebody_calls_itself(description: str, words: tuple[str, ...]) -> None:
    assert own_words(description) == words


WORDS = ("贫僧", "老孙", "小爷", "this poor monk", "Old Sun")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("贫僧是流沙河的沙悟净。", True),
        ("一口一口地喂了贫僧。", True),
        ("老孙去去就来！", True),
        ("怕甚么？老孙在此。", True),
        ("大师兄总说“老孙去也”。", False),
        ("老孙，你又偷桃！", False),
        ("这是老孙的棒子。", False),
        ("This poor monk is tired.", True),
        ("Give this poor monk a bowl.", True),
        ("Old Sun fears nobody.", True),
        ("Old Sun, where are you?", False),
        ("I saw Old Sun leave.", False),
        ("“This poor monk” is what he says.", False),
        ("", False),
    ],
)
def test_anothers_word_for_oneself_is_told_from_its_name(text: str, found: bool) -> None:
    assert calls_itself(text, WORDS, names=("老孙", "Old Sun")) == found
