"""Follow-ups: what must pass, and what must not, whatever the model."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from characters.card import load_cast
from evaluation import exam, grading
from evaluation.error import EvaluationError
from evaluation.measures.boundary import claims
from evaluation.subject import Answer, Ask, leads

LEADS = leads(load_cast(), ["wukong", "tangseng", "bajie", "shaseng"])
QUESTIONS = exam.read_questions()
TALKS: list[Ask] = [
    ask
    for language in ("zh", "en")
    for ask in exam.build(LEADS, QUESTIONS, language=language)
    if ask.part == "follows"
]


def passed(replies: dict[str, str]) -> dict[str, float]:
    """Ask id → 1 or 0."""
    answers = {ask.id: Answer(replies.get(ask.id, "")) for ask in TALKS}
    scores = {score.name: score for score in grading.grade(TALKS, answers)}
    return {value.id: value.value for value in scores["follows up"].values}


def test_there_are_enough_of_each_kind_in_both_languages() -> None:
    kinds = Counter((ask.expect.kind, ask.scene.language) for ask in TALKS)
    assert len(TALKS) >= 60
    assert {kind for kind, _ in kinds} == set(exam.FOLLOW_UPS)
    assert all(kinds[kind, language] for kind in exam.FOLLOW_UPS for language in ("zh", "en"))
    quick = exam.build(LEADS, QUESTIONS, size=exam.QUICK)
    assert 0 < sum(ask.part == "follows" for ask in quick) < len(TALKS) / 2


def test_a_right_reply_passes_and_so_does_one_that_denies_the_wrong() -> None:
    right = passed({ask.id: f"{ask.expect.keys[0]}。" for ask in TALKS})
    assert all(right.values()), [name for name, value in right.items() if not value]
    denied = {
        ask.id: f"不是{ask.expect.forbidden[0]}，{ask.expect.keys[0]}。"
        for ask in TALKS
        if ask.expect.forbidden and ask.scene.language == "zh" and ask.expect.kind == "which"
    }
    found = passed(denied)
    assert all(found[name] for name in denied)


# Lines that the shipped model says to nearly everything.
STOCK = (
    "老孙来也！一个筋斗到了此处，有甚么事只管说！",
    "老孙只晓得千里眼、顺风耳，旁的一概不知，你莫哄我。",
    "老猪不会打算盘，数馒头数到一百便已吃完了，你去问旁人罢。",
    "贫僧日间赶路，夜里诵经，一心往西天大雷音寺拜佛求经。",
    "老沙没念过多少书，只知担子要一里一里挑，书也要一页读。",
    "Amitabha, and my master is the road, and nobody has never heard of it.",
    "All here already? I am Zhu Bajie, a step in the Western Heaven, and the luggage.",
)


@pytest.mark.parametrize("line", STOCK)
def test_a_stock_line_follows_nothing(line: str) -> None:
    found = passed({ask.id: line for ask in TALKS})
    wrong = [ask for ask in TALKS if found[ask.id]]
    # "我不知道" is an answer to what nobody has told.
    assert {ask.expect.kind for ask in wrong} <= {"unknown", "self"}
    assert len(wrong) <= 6, [ask.question for ask in wrong]


@pytest.mark.parametrize("which", ["nothing", "question", "first", "wrong", "voice"])
def test_nobody_passes_without_having_followed(which: str) -> None:
    """An empty reply, an echo of the question or of the opening, the wrong choice, mere voice."""
    replies = {
        ask.id: {
            "nothing": "",
            "question": ask.question,
            "first": ask.scene.turns[0].text,
            "wrong": ask.expect.forbidden[0] if ask.expect.forbidden else "",
            "voice": "俺老孙来也，看打！贫僧稽首，老猪肚里饿了。",
        }[which]
        for ask in TALKS
    }
    found = passed(replies)
    # "贫僧" is an answer to who he is, whatever stands around it.
    wrong = [ask for ask in TALKS if found[ask.id] and ask.expect.kind != "self"]
    assert not wrong, [(ask.id, ask.question) for ask in wrong]


def test_everything_said_at_once_does_not_pass_where_a_choice_is_asked() -> None:
    found = passed({ask.id: "".join(turn.text for turn in ask.scene.turns) for ask in TALKS})
    choices = [ask for ask in TALKS if ask.expect.kind in ("which", "corrected", "name", "plan")]
    assert not any(found[ask.id] for ask in choices)


def test_what_is_denied_is_not_claimed() -> None:
    assert claims("是茶。", ["茶"])
    assert not claims("不是茶，是酒。", ["茶"])
    assert not claims("It is not the tea.", ["tea"])
    assert claims("Not wine: tea.", ["tea"])
    assert claims("不去吃茶，就在家吃茶。", ["茶"])
    assert not claims("", ["茶"])


REST = 'language = "zh"\nspeaker = "a"\nkeys = []\n'


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('kind = "which"', "has no language"),
        (
            'kind = "odd"\nlanguage = "zh"\nspeaker = "a"\nturns = ["甲：乙"]\nkeys = []',
            "kind is one",
        ),
        (
            'kind = "which"\nlanguage = "zh"\nspeaker = "a"\nturns = ["甲"]\nkeys = []',
            "'who: what'",
        ),
    ],
)
def test_a_broken_check_is_named(row: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "follows.toml").write_text(f"[[check]]\n{row}\n", encoding="utf-8")
    with pytest.raises(EvaluationError, match=message):
        exam.read_questions(tmp_path)
