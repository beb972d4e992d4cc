"""Every measure on answers that are known: right, empty, identical, all wrong."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from characters.card import load_cast
from evaluation.error import EvaluationError
from evaluation.measures import boundary, clean, diversity, rouge
from evaluation.measures.likeness import likeness, tfidf
from evaluation.measures.memorised import Training
from evaluation.measures.selfhood import introduces_itself
from evaluation.measures.voices import Marker, Voices

CAST = load_cast()
TEXTS = st.lists(st.text(alphabet="老孙猪来也去罢，。 a", max_size=12), max_size=6)


# -- Rouge-L -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("candidate", "reference"),
    [("老孙来也，看打！", "老孙去也，看打！"), ("师父救我", "徒弟莫慌"), ("老孙", "老孙")],
)
def test_rouge_is_the_libraries_own(candidate: str, reference: str) -> None:
    import jieba
    from rouge_chinese import Rouge

    there = Rouge().get_scores(" ".join(jieba.cut(candidate)), " ".join(jieba.cut(reference)))
    assert rouge.rouge_l(candidate, reference) == pytest.approx(there[0]["rouge-l"]["f"], abs=1e-12)


def test_rouge_of_the_same_is_one_and_of_nothing_is_zero() -> None:
    assert rouge.rouge_l("老孙来也", "老孙来也") == pytest.approx(1, abs=1e-6)
    assert rouge.rouge_l("", "老孙来也") == 0
    assert rouge.rouge_l("老孙来也", "") == 0
    assert rouge.rouge_l("天地", "老孙来也") == 0


def test_rolebench_has_a_mean_for_each_part_and_over_parts() -> None:
    items = [
        {"part": "CUS", "answer": "老孙", "reference": "老孙"},
        {"part": "CUS", "answer": "", "reference": "老孙"},
        {"part": "SPE", "answer": "老孙", "reference": "老孙"},
    ]
    means = rouge.rolebench(items)
    assert means["CUS"] == pytest.approx(0.5, abs=1e-6)
    assert means["avg"] == pytest.approx(0.75, abs=1e-6)
    assert "RAW" not in means
    with pytest.raises(EvaluationError, match="nothing to score"):
        rouge.rolebench([])
    with pytest.raises(EvaluationError, match="'XYZ'"):
        rouge.rolebench([{"part": "XYZ", "answer": "", "reference": ""}])


@pytest.mark.parametrize(
    ("row", "published"),
    [  # RoleLLM, tables 3 and 4: CUS, RAW, SPE, avg. Those of its table 5 do not all add up.
        ((0.5764, 0.5322, 0.3229), 0.4772),
        ((0.3294, 0.3755, 0.3814), 0.3621),
        ((0.5368, 0.5748, 0.2478), 0.4531),
        ((0.5049, 0.5255, 0.3406), 0.4570),
    ],
)
def test_rolebenchs_average_is_that_of_the_three_parts(
    row: tuple[float, float, float], published: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = dict(zip(("CUS", "RAW", "SPE"), row, strict=True))
    monkeypatch.setattr(rouge, "rouge_l", lambda answer, _: given[answer])
    items = [{"part": part, "answer": part, "reference": ""} for part in given]
    assert rouge.rolebench(items)["avg"] == pytest.approx(published, abs=6e-5)


# -- variety -----------------------------------------------------------------------------------


def test_distinct_counts_different_ngrams() -> None:
    assert diversity.distinct(["甲乙", "甲丙"], 1) == 3 / 4
    assert diversity.distinct(["甲乙", "甲乙"], 2) == 1 / 2
    assert diversity.distinct([], 1) == diversity.distinct(["", "甲"], 2) == 0


def test_repetition_is_what_was_said_before() -> None:
    assert diversity.repetition("甲乙丙丁") == 0
    assert diversity.repetition("好好好好好好好好") == pytest.approx(4 / 5)
    assert diversity.repetition("") == 0


def test_saying_the_same_again() -> None:
    assert diversity.said_again(["甲", "甲", "甲", "乙"]) == 1 / 2
    assert diversity.said_again(["甲", "乙"]) == diversity.said_again(["", ""]) == 0


def test_overlap_of_the_same_is_one_and_of_strangers_zero() -> None:
    assert diversity.overlap("老孙来也", "老孙来也") == 1
    assert diversity.overlap("老孙来也", "天上地下") == 0
    assert diversity.overlap("", "") == 1
    assert diversity.overlap("", "老孙") == 0


@given(TEXTS)
def test_shares_are_shares(texts: list[str]) -> None:
    for share in (
        diversity.distinct(texts, 2),
        diversity.said_again(texts),
        *map(diversity.repetition, texts),
    ):
        assert 0 <= share <= 1


# -- a reply is a reply --------------------------------------------------------------------------


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


# -- what a character knows ------------------------------------------------------------------------


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


def right(text: str, kind: str = "modern") -> bool:
    return boundary.stays_within(
        text, kind, forbidden=["电池"], keys=["龙宫"], question="你的手机呢？"
    )


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


def test_introductions() -> None:
    marks = (Marker("老孙", "wukong", 9, 9), Marker("老猪", "bajie", 9, 9))
    voices = Voices("", ("wukong", "bajie"), {}, marks)

    def itself(text: str, who: str) -> bool:
        return introduces_itself(text, CAST[who], list(CAST), "zh", voices)

    assert itself("我是孙悟空！", "wukong")
    assert itself("老孙在此。", "wukong")
    assert not itself("老孙在此，老猪也在。", "wukong")
    assert not itself("我是猪八戒。悟空是我师兄。", "wukong")
    assert itself("我是猪八戒。悟空是我师兄。", "bajie")
    assert not itself("", "wukong")


# -- likeness --------------------------------------------------------------------------------------


def test_the_book_itself_is_nearest_to_its_own_lines() -> None:
    lines = [
        ("a", "老孙一棒打死你"),
        ("b", "老猪肚里饥了"),
        ("a", "师父莫慌"),
        ("b", "散伙回高老庄"),
    ]
    embed = tfidf(text for _, text in lines)
    found = likeness([(who, text, text) for who, text in lines], embed)
    assert all(one.own == pytest.approx(1, abs=1e-5) and one.nearer == 1 for one in found)
    assert all(one.shuffled < 0.5 and one.other < 0.5 for one in found)


def test_nothing_is_like_nothing() -> None:
    embed = tfidf(["老孙", "老猪"])
    found = likeness([("a", "", "老孙"), ("b", "", "老猪")], embed)
    assert [one.own for one in found] == [0, 0]
    assert [one.nearer for one in found] == [0.5, 0.5]
    assert likeness([], embed) == []


def test_alone_there_is_nobody_to_be_compared_with() -> None:
    (only,) = likeness([("a", "老孙", "老孙")], tfidf(["老孙"]))
    assert math.isnan(only.shuffled)
    assert math.isnan(only.other)
    assert math.isnan(only.nearer)


# -- by heart --------------------------------------------------------------------------------------


def slow_longest(text: str, training: str) -> int:
    runs = [0]
    for start in range(len(text)):
        for end in range(start + 1, len(text) + 1):
            if text[start:end] in training:
                runs.append(end - start)
    return max(runs)


@given(st.text(alphabet="甲乙丙丁", max_size=40), st.text(alphabet="甲乙丙丁", max_size=60))
def test_the_longest_run_is_the_longest(text: str, training: str) -> None:
    found = Training([training]).longest(text)
    assert len(found) == slow_longest(text, training)
    assert found in training
    assert found in text


def test_runs_do_not_cross_texts_and_blanks_do_not_count() -> None:
    training = Training(["一二三四五六七八九", "十百千万"])
    assert training.longest("八九十百") in ("八九", "十百")
    assert training.longest("零 三四五 六七八九") == "三四五六七八九"
    assert training.longest("") == ""
    assert Training([]).longest("一二三") == ""
