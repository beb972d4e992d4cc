"""Bodies and events of each kind of server."""

import pytest

from engine.remote.dialects import Chat, Completions, Native, messages
from engine.remote.vocabulary import encode
from engine.sequence import EngineError, Sampling

ALL = Sampling(
    temperature=0.0, top_k=5, seed=2**40, stop=tuple("abcdef"), repeat_penalty=1.2, logprobs=True
)


def test_the_native_body_has_the_whole_sampling():
    body = Native().body([1, 2], ALL, "m")
    assert body["n_predict"] == 256
    assert (body["seed"], body["n_probs"], body["top_k"]) == (0, 1, 5)
    assert body["stop"] == list("abcdef")
    assert "id_slot" not in body
    assert "grammar" not in body


def test_openai_takes_four_stops_and_vllm_all():
    assert Completions().body("x", ALL, "m")["stop"] == list("abcd")
    assert Completions(vllm=True).body("x", ALL, "m")["stop"] == list("abcdef")
    assert Completions(vllm=True).body("x", ALL, "m")["repetition_penalty"] == 1.2
    assert "repetition_penalty" not in Chat().body([], ALL, "m")


def test_grammars_where_they_are_offered():
    wanted = Sampling(grammar="root ::= [0-9]")
    assert Native().body([1], wanted, "m")["grammar"] == wanted.grammar
    vllm = Completions(vllm=True).body("x", wanted, "m")
    assert vllm["structured_outputs"] == {"grammar": wanted.grammar}
    assert Chat().body([], wanted, "m")["response_format"] == {"type": "json_object"}
    with pytest.raises(EngineError, match="no grammar"):
        Completions().body("x", wanted, "m")


@pytest.mark.parametrize("dialect", [Native(), Completions(), Chat(), Completions(vllm=True)])
@pytest.mark.parametrize(
    "event",
    [{}, {"choices": None}, {"choices": [None]}, {"choices": [{"delta": 1, "logprobs": 3}]},
     {"content": 5, "stop": True, "timings": [], "completion_probabilities": [4]},
     {"choices": [{"text": None, "delta": None, "logprobs": {"content": None}}], "usage": "x"}],
)  # fmt: skip
def test_an_odd_event_is_no_text(dialect, event):
    assert dialect.delta(event).text == ""
    assert dialect.table(event) == {}


def test_how_a_reply_ended():
    native = Native().delta({"content": "", "stop": True, "stop_type": "word"})
    assert native.finish == "stop"
    told = Completions().delta(
        {"choices": [{"text": "", "finish_reason": "stop", "stop_reason": "x"}]}
    )
    assert told.finish == "stop"
    assert Chat().delta({"choices": [{"delta": {}, "finish_reason": "length"}]}).finish == "length"
    assert Chat().delta({"choices": [{"delta": {"content": "a"}}]}).finish is None


def test_a_reply_that_was_begun_is_no_message():
    opening = encode("<|im_start|>assistant\n", True)
    asked = encode("<|im_start|>user\n", True) + encode("嗨") + encode("<|im_end|>", True)
    assert messages([*asked, *opening]) == ([{"role": "user", "content": "嗨"}], "")
    assert messages([*asked, *opening, *encode("悟空：")])[1] == "悟空："
    said = opening + encode("一") + encode("<|im_end|>", True)
    assert messages([*said, *opening, *encode("悟空：")]) == (
        [{"role": "assistant", "content": "一"}],
        "悟空：",
    )
