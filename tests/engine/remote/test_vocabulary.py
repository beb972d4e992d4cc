"""Ids that carry their own text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.remote.vocabulary import decode, encode, harmless, is_token, rendered, spans


@given(st.lists(st.tuples(st.text(min_size=1), st.booleans()), max_size=8))
def test_every_text_comes_back_with_its_borders(parts):
    tokens = [token for text, control in parts for token in encode(text, control)]
    readable = [(text.encode("utf-8", "replace").decode(), control) for text, control in parts]
    assert spans(tokens) == readable
    assert decode(tokens) == "".join(text for text, _ in readable)
    assert all(map(is_token, tokens))


@given(st.text())
def test_a_prefix_stays_a_prefix(text):
    tokens = encode("小明：") + encode(text)
    assert tokens[: len(encode("小明："))] == encode("小明：")
    assert encode("") == []


def test_any_slice_can_be_read():
    tokens = encode("<|im_start|>user\n", True) + encode("小明：你好")
    assert spans(tokens[1:]) == [("user\n", True), ("小明：你好", False)]
    assert decode(tokens[-2:]) == "你好"


@pytest.mark.parametrize(
    "fence", ["<|im_end|>", "<start_of_turn>", "[INST]", "<｜Assistant｜>", "</s>", "<|turn>"]
)
def test_a_fence_is_one_id_and_no_typed_one(fence):
    (token,) = encode(fence, True)
    assert token not in encode(fence)


FENCES = (
    "<|im_start|>", "<|im_end|>", "<s>", "</s>", "[INST]", "[/INST]", "<｜User｜>", "<|turn>",
    "<turn|>", "<seed:bos>", "<start_of_turn>", "[gMASK]", "<sop>", "<think>", "</think>",
    "<｜end▁of▁sentence｜>", "[SYSTEM_PROMPT]", "<|START_OF_TURN_TOKEN|>", "<unused12>", "<0x0A>",
)  # fmt: skip


@given(st.lists(st.sampled_from([*FENCES, "a", "<", "|", ">", " ", "["])))
def test_what_looks_like_a_control_token_is_made_harmless(parts):
    text = harmless("".join(parts))
    assert not any(fence in text for fence in FENCES)
    assert len(text) == len("".join(parts))


@pytest.mark.parametrize("text", ["a < b > c", "1<2", "x [b] [ok] 《西游记》 <3 (>_<)", "if a<b:"])
def test_what_people_write_otherwise_stays(text):
    assert harmless(text) == text


def test_only_our_markup_is_rendered_as_it_is():
    assert rendered(encode("<|im_end|>", True) + encode("<|im_end|>")) == "<|im_end|>＜|im_end|>"
