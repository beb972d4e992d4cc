"""What is not talked about."""

import logging
import time

import pytest

from bot.filters import LONGEST, Filter, FilterError, load_filter

RULES = """
[[rule]]
name = "money"
words = ["赌博", "casino", "free money"]
say.zh = ["莫谈钱财。"]

[[rule]]
name = "telephone"
patterns = ['\\d{11}', '(?<![a-z])qq\\s*群']
sides = ["output"]
"""


@pytest.fixture
def read(tmp_path):
    def read(text: str) -> Filter:
        file = tmp_path / "filter.toml"
        file.write_text(text, encoding="utf-8")
        return load_filter(file)

    return read


@pytest.mark.parametrize(
    "text",
    ["我们去赌博罢", "赌 博", "赌.博", "赌\u200b博", "CASINO!", "the ｃａｓｉｎｏ", "free  money?"],
)
def test_a_word_is_found_however_it_is_dressed(read, text):
    assert read(RULES).broken(text).name == "money"


@pytest.mark.parametrize("text", ["", "casinos", "free of money", "博赌", "悟空，你怕不怕紧箍咒？"])
def test_what_is_no_such_word_passes(read, text):
    assert read(RULES).check(text, "zh") is None


def test_sides_are_looked_at_apart(read):
    rules = read(RULES)
    assert rules.check("打 13800138000", "zh") is None
    assert rules.check("打 13800138000", "zh", side="output")
    assert rules.check("加QQ 群", "zh", side="output")


def test_the_character_declines_in_its_own_words(read, cast):
    rules = read(RULES)
    assert rules.check("去赌博", "zh", speaker=cast["wukong"]) == "莫谈钱财。"  # the rule says how
    assert rules.check("a casino", "en", speaker=cast["wukong"]) in cast["wukong"].refusal.en
    assert (
        rules.check("QQ群", "zh", side="output", speaker=cast["bajie"]) in cast["bajie"].refusal.zh
    )
    assert rules.check("a casino", "en")  # nobody on stage: the house
    assert rules.check("a casino", "en") == rules.check("a casino", "en")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_card_can_decline(cast, language):
    for character in cast:
        assert character.refusal[language]


def test_without_rules_everything_may_be_said():
    assert Filter().check("casino", "en") is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[rule]\n", "cannot be read"),
        ("colour = 1", "unknown key 'colour'"),
        ("rule = 3", "must be tables"),
        ("[[rule]]\nname = 'x'", "x: neither words nor patterns"),
        ("[[rule]]\nwords = ['a']\nwhere = 1", "unknown key 'where'"),
        ("[[rule]]\nwords = 'a'", "must be a list of texts"),
        ("[[rule]]\nwords = ['...']", "holds no letter"),
        ("[[rule]]\nwords = ['a']\nsides = ['both']", "must be of input, output"),
        ("[[rule]]\nwords = ['a']\nsay.fr = ['non']", "say.zh and say.en"),
        ("[[rule]]\nname = 'p'\npatterns = ['(']", "p: patterns: '\\(' does not compile: missing"),
        ("[[rule]]\npatterns = ['a*']", "even an empty one"),
        ("[[rule]]\npatterns = ['(a+)+$']", "takes too long"),
    ],
)
def test_a_broken_file_is_one_clear_sentence(read, text, says):
    with pytest.raises(FilterError, match=says) as raised:
        read(text)
    assert "\n" not in str(raised.value).split(": ", 1)[0]


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(FilterError, match=r"nothing.toml"):
        load_filter(tmp_path / "nothing.toml")


def test_a_pattern_that_takes_too_long_does_not_match_and_is_named(read, caplog):
    # It is quick on the texts that are tried when it is read.
    rules = read("[[rule]]\nname = 'slow'\npatterns = ['(?:xy?z?)+(?:xz?)+(?:xy)+(?:x+)+!']")
    began = time.process_time()
    with caplog.at_level(logging.WARNING):
        assert rules.broken("x" * LONGEST + "?") is None
    assert time.process_time() - began < 1
    assert "slow" in caplog.text
    assert "xxx" not in caplog.text  # what was said is not logged


def test_only_the_beginning_of_a_long_text_is_looked_at(read):
    rules = read(RULES)
    assert rules.broken("x" * LONGEST + "赌博") is None
    began = time.process_time()
    rules.broken("赌 " * 10**6)
    assert time.process_time() - began < 0.5
