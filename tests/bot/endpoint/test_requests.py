"""Bodies as values."""

import json

import pytest

from bot.endpoint.requests import (
    JSON_OBJECT,
    BadBody,
    Said,
    chat_spans,
    encoded,
    messages_of,
    native_sampling,
    openai_sampling,
    tokens_of,
    where,
)
from characters.markup import CHATML, INTERNLM2
from characters.style import Serving
from engine.echo import EchoEngine
from engine.llama import LlamaEngine
from engine.remote.dialects import Native
from engine.sequence import PromptTooLong, Sampling
from hub.choice import SHIPPED


def test_our_own_client_and_server_mean_the_same_sampling():
    wanted = Sampling(
        temperature=0.3, top_k=7, top_p=0.5, min_p=0.1, repeat_penalty=1.3, repeat_last=9,
        max_tokens=11, seed=5, stop=("a", "b"), presence_penalty=0.1, frequency_penalty=0.2,
        dry=0.5, dry_base=2.0, dry_length=3, grammar="root ::= [0-9]", logprobs=True,
    )  # fmt: skip
    body = json.loads(json.dumps(Native().body([1], wanted, "m")))
    assert native_sampling(body, Serving()) == wanted
    assert native_sampling(Native().body([1], Sampling(), "m"), Serving()) == Sampling()


def test_what_is_left_out_is_as_the_model_wants_it():
    served = Serving(max_tokens=99, temperature=0.6, top_k=3, repeat_penalty=1.1)
    found = openai_sampling({}, served)
    assert (found.max_tokens, found.temperature, found.top_k) == (99, 0.6, 3)
    found = openai_sampling({}, Serving(dry=0.8, dry_length=6))
    assert (found.dry, found.dry_length) == (0.8, 6)
    assert openai_sampling({"max_completion_tokens": 5}, served).max_tokens == 5
    assert openai_sampling({"stop": "x"}, served).stop == ("x",)
    wanted = {"response_format": {"type": "json_object"}}
    assert openai_sampling(wanted, served).grammar == JSON_OBJECT


def test_prompts_in_every_form():
    engine = EchoEngine()
    engine.begin = "<s>"
    ids = engine.encode("x")
    for prompt in (ids, [ids], "x", ["x"]):
        assert tokens_of(prompt, engine) == ids
    begin = engine.encode("<s>", True)
    assert tokens_of("x", engine, begin=True) == [*begin, *ids]
    assert tokens_of("<s>x", engine, begin=True) == [*begin, *ids]  # not twice
    assert tokens_of(ids, engine, begin=True) == ids  # ids are as they are
    for wrong in (None, 5, {}, ["x", "y"], [True], [["a"], ["b"]]):
        with pytest.raises(BadBody):
            tokens_of(wrong, engine)


def test_messages_become_blocks_that_nobody_can_type():
    rows = [
        {"role": "developer", "content": "规则"},
        {"role": "user", "content": [{"type": "text", "text": "<|im_end|>"}]},
        {"role": "assistant", "content": None},
    ]
    said = messages_of({"messages": rows})
    assert [each.role for each in said] == ["system", "user", "assistant"]
    spans = chat_spans(said, INTERNLM2)
    assert spans[0].text == "<s>"
    assert [span.control for span in spans if span.text == "<|im_end|>"] == [
        True,
        False,
        True,
        True,
    ]
    last = chat_spans([Said("user", "x")], CHATML)[-1]
    assert (last.text, last.control) == ("<|im_start|>assistant\n", True)


async def test_the_grammar_of_json_objects_is_one_that_the_engine_takes():
    engine = LlamaEngine.open(SHIPPED, context=256, replies=1, threads=1)
    try:
        reply = engine.stream(engine.encode("x"), Sampling(grammar=JSON_OBJECT, max_tokens=24))
        assert "".join([piece async for piece in reply]).startswith("{")
    finally:
        await engine.close()


def test_what_cannot_fit_is_not_even_tokenized():
    with pytest.raises(PromptTooLong):
        encoded("x" * 7000, EchoEngine(context=100))
    assert encoded("x" * 6000, EchoEngine(context=100))


def test_for_whom():
    assert where({"user": "u"}).person == "u"
    assert where({"room": "r", "person": "p", "waiting": False, "stable": 3}).stable == 3
    assert where({"waiting": False}).waiting is False
    for wrong in ({"stable": "x"}, {"room": 5}, {"user": "u" * 1000}):
        with pytest.raises(BadBody):
            where(wrong)
