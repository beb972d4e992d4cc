"""What a model thinks aloud is told apart from what it says, whatever its tags."""

import time

import pytest

from characters.thoughts import spoken

PAIRS = [
    *(("<think>", "</think>"), ("<Think>", "</THINK>"), ("<thinking>", "</thinking>")),
    *(("<thought>", "</thought>"), ("<reasoning>", "</reasoning>"), ("◁think▷", "◁/think▷")),
    *(("[THINK]", "[/THINK]"), ("< think >", "</ think >"), ("<seed:think>", "</seed:think>")),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|think|>", "<|/think|>"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    ("<|channel>thought\n", "<channel|>"),
    ("&lt;think&gt;", "&lt;/think&gt;"),
    ("＜think＞", "＜/think＞"),
    ('<think lang="zh">', "</think>"),
    ("<思考>", "</思考>"),
]


@pytest.mark.parametrize(("begin", "end"), PAIRS)
def test_a_thought_is_hidden_whatever_its_tags(begin, end):
    assert spoken(f"{begin}他问我。{end}老孙来也！") == "老孙来也！"
    assert spoken(f"老孙{begin}他问我。{end}来也！") == "老孙来也！"
    assert spoken(f"{begin}他问我。") == ""  # it never ends


@pytest.mark.parametrize(("begin", "end"), PAIRS)
def test_a_thought_that_the_prompt_opened_is_hidden(begin, end):
    assert spoken(f"他问我。{end}老孙来也！") == "老孙来也！"


@pytest.mark.parametrize(("begin", "end"), PAIRS)
def test_no_part_of_a_tag_or_thought_is_seen_while_it_grows(begin, end):
    reply = f"{begin}qqq{end}老孙来也！"
    for length in range(len(reply) + 1):
        assert "老孙来也！".startswith(spoken(reply[:length], growing=True).strip())


@pytest.mark.parametrize(
    "text", ["5 < 7，8 > 7", "[thinks] 老孙", "（想）老孙", "<3", "a < b", "think", "&lt;b&gt;"]
)
def test_what_is_no_thought_stays(text):
    assert spoken(text) == text


def test_a_model_that_is_known_to_think_first_is_not_heard_before_it_has():
    assert spoken("他问我。", growing=True, thinking=True) == ""
    assert spoken("他问我。</think>老孙", growing=True, thinking=True) == "老孙"
    assert spoken("老孙来也！", thinking=True) == "老孙来也！"  # it did not think this time


@pytest.mark.parametrize(
    "awkward",
    [
        *("<" * 4096, "<think" * 700, "<|channel|>" * 400, "<think " * 600, "&lt;" * 1000),
        *("[THINK" * 700, "< " * 2048, "<" + " " * 4095, "<|channel|>" + " " * 4000),
    ],
)
def test_no_text_takes_long(awkward):
    best = 1.0
    for _ in range(3):
        began = time.process_time()
        spoken(awkward)
        spoken(awkward, growing=True)
        best = min(best, time.process_time() - began)
    assert best < 0.02
