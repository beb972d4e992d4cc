"""The endpoint as its callers see it: key, bounds, errors, streams, cancel, public clients."""

from __future__ import annotations

import asyncio
import itertools

import aiohttp
import openai
import pytest

from bot.endpoint import answers
from bot.endpoint.server import Bounds, EndpointProblem, listen
from engine.remote.engine import RemoteEngine
from engine.sequence import BadRequest, EngineError, PromptTooLong, Sampling

from .conftest import KEY

users = map("user-{}".format, itertools.count())


async def ask(served, path, body=None, **headers):
    """Status and JSON of a GET, or of a POST of `body`."""
    method = "GET" if body is None else "POST"
    kind = {"data": body} if isinstance(body, str | bytes) else {"json": body}
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            method, served.url + path, headers={**served.headers, **headers}, **kind
        ) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


def client(served, key=KEY):
    return openai.AsyncOpenAI(base_url=f"{served.url}/v1", api_key=key, max_retries=0)


ROUTES = [
    ("/v1/models", None),
    ("/props", None),
    ("/tokenize", {"content": "x"}),
    ("/score", {"prompt": [1], "continuations": [[2]]}),
    ("/completion", {"prompt": [65]}),
    ("/v1/completions", {"prompt": "x", "model": "mini"}),
    ("/v1/chat/completions", {"model": "mini", "messages": [{"role": "user", "content": "x"}]}),
]


@pytest.mark.parametrize(("path", "body"), ROUTES)
async def test_every_route_wants_the_key(path, body, serve):
    served = await serve()
    for wrong in ("", "Bearer wrong", f"Basic {KEY}", "Bearer"):
        status, told = await ask(served, path, body, Authorization=wrong)
        assert (status, told["error"]["type"]) == (401, "authentication_error")
    assert (await ask(served, path, body))[0] == 200
    assert (await ask(served, "/health", Authorization=""))[0] == 200


async def test_without_a_key_nobody_else_is_listened_to(serve):
    served = await serve()
    for address in ("0.0.0.0:0", "[::]:0", "192.168.0.1:80"):
        with pytest.raises(EndpointProblem, match="MRP_ENGINE_KEY"):
            await listen(served.endpoint, address, key="")
    for address in ("127.0.0.1", "127.0.0.1:99999", "x"):
        with pytest.raises(EndpointProblem, match="HOST:PORT"):
            await listen(served.endpoint, address, key=KEY)
    taken = served.url.removeprefix("http://")
    with pytest.raises(EndpointProblem, match="cannot be listened on"):
        await listen(served.endpoint, taken, key=KEY)


CHAT = {"model": "wukong", "messages": [{"role": "user", "content": "你是谁？"}]}


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/v1/completions", "not json", "no JSON"),
        ("/v1/completions", "[1]", "JSON object"),
        ("/v1/completions", "[" * 50_000, "no JSON"),
        ("/v1/completions", {}, "prompt must be"),
        ("/v1/completions", {"prompt": ["a", "b"]}, "one text"),
        ("/v1/completions", {"prompt": [1.5]}, "prompt must be"),
        ("/v1/completions", {"prompt": "x", "n": 2}, "n must be 1"),
        ("/v1/completions", {"prompt": "x", "max_tokens": 0}, "max_tokens"),
        ("/v1/completions", {"prompt": "x", "temperature": "hot"}, "temperature must be"),
        ("/v1/completions", {"prompt": "x", "temperature": 1e300}, "temperature"),
        ("/v1/completions", {"prompt": "x", "top_p": 3}, "top_p"),
        ("/v1/completions", {"prompt": "x", "stop": [""]}, "stop must be"),
        ("/v1/completions", {"prompt": "x", "seed": "s"}, "seed"),
        ("/completion", {"prompt": [65], "stop": 4}, "stop must be"),
        ("/completion", {"prompt": []}, ""),
        ("/score", {"prompt": [1], "continuations": []}, "continuations"),
        ("/tokenize", {"content": 4}, "content must be"),
        ("/v1/chat/completions", {"model": "mini"}, "messages must be"),
        ("/v1/chat/completions", {"model": "mini", "messages": [{"role": "x"}]}, "role must be"),
        ("/v1/chat/completions", {**CHAT, "messages": [{"role": "user", "content": [
            {"type": "image_url"}]}]}, "must be text"),
        ("/v1/chat/completions", {**CHAT, "user": "x" * 999}, "user must be"),
        ("/v1/chat/completions", {**CHAT, "user": 5}, "user must be"),
        ("/v1/chat/completions", {**CHAT, "messages": [
            {"role": "assistant", "content": "x"}]}, "last message"),
        ("/v1/chat/completions", {**CHAT, "messages": [
            {"role": "user", "content": " \n"}]}, "last message"),
        ("/v1/chat/completions", {**CHAT, "messages": [
            {"role": "user", "content": "x" * 99_999}]}, "at most"),
        ("/v1/chat/completions", {"model": "mini", "response_format": {"type": "json_schema"},
                                  "messages": CHAT["messages"]}, "json_object"),
    ],
)  # fmt: skip
async def test_bad_bodies_are_one_sentence(path, body, said, serve):
    served = await serve(context=4096)
    status, told = await ask(served, path, body)
    if said:
        assert status == 400
        assert said in told["error"]["message"]


async def test_what_is_not_there(serve):
    served = await serve()
    assert (await ask(served, "/v2"))[0] == 404
    assert (await ask(served, "/v1/completions"))[0] == 405
    status, told = await ask(served, "/v1/chat/completions", {**CHAT, "model": "nobody"})
    assert status == 404
    assert "wukong" in told["error"]["message"]


async def test_bounds_of_body_and_queue(serve):
    served = await serve(delay=0.01, bounds=Bounds(body=2000, requests=1))
    status, told = await ask(served, "/v1/completions", {"prompt": "x" * 3000})
    assert (status, told["error"]["type"]) == (413, "invalid_request_error")
    body = {"prompt": "x", "max_tokens": 3}
    both = await asyncio.gather(*(ask(served, "/v1/completions", body) for _ in range(2)))
    assert sorted(status for status, _ in both) == [200, 429]
    assert (await ask(served, "/v1/completions", body))[0] == 200


async def test_a_prompt_that_is_too_long_says_how_long_it_may_be(serve):
    served = await serve(context=100)
    status, told = await ask(served, "/completion", {"prompt": [65] * 99, "n_predict": 9})
    assert status == 400
    assert (told["error"]["type"], told["error"]["n_ctx"]) == ("exceed_context_size_error", 100)


async def test_an_engine_that_fails_is_an_error_before_and_amid_a_stream(serve):
    served = await serve([EngineError("out of luck")])
    for stream in (True, False):
        status, told = await ask(served, "/v1/completions", {"prompt": "x", "stream": stream})
        assert (status, told["error"]["message"]) == (500, "out of luck")


async def test_the_public_client_completes_and_streams(serve):
    served = await serve(["去也。八戒：好"])
    async with client(served) as asked:
        whole = await asked.completions.create(
            model="mini", prompt="x", max_tokens=90, stop="八戒：", logprobs=1
        )
        assert (whole.choices[0].text, whole.choices[0].finish_reason) == ("去也。", "stop")
        assert whole.usage.completion_tokens > 0
        stream = await asked.chat.completions.create(
            model="mini",
            messages=[
                {"role": "system", "content": "规则"},
                {"role": "user", "content": "<|im_end|>"},
            ],
            max_tokens=9,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == "去也。"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "length"
    assert chunks[-1].usage.prompt_tokens > 0
    assert served.prompts[-1].count("<|im_end|>") == 3  # two of ours, and what was typed


async def test_a_typed_control_token_is_text_in_a_chat(serve):
    served = await serve()
    typed = {"role": "user", "content": "<|im_end|>"}
    await ask(served, "/v1/chat/completions", {"model": "mini", "messages": [typed]})
    heard = served.house.voice.engine._heard
    assert sum(token >= 256 for token in heard) == 3  # start, end, start: all of them ours


async def test_who_goes_away_ends_the_reply(serve):
    served = await serve(["好" * 50_000], delay=0.005)
    for path, body in (
        ("/v1/completions", {"prompt": "x", "max_tokens": 100_000, "stream": True}),
        ("/completion", {"prompt": [65], "n_predict": 100_000, "stream": True}),
        ("/v1/completions", {"prompt": "x", "max_tokens": 100_000}),
    ):
        async with aiohttp.ClientSession() as session:
            asking = asyncio.create_task(
                session.post(served.url + path, json=body, headers=served.headers)
            )
            async with asyncio.timeout(10):
                while not served.endpoint._busy:
                    await asyncio.sleep(0.01)
            asking.cancel()
        async with asyncio.timeout(10):
            while served.endpoint._busy:
                await asyncio.sleep(0.01)


async def test_a_slow_reply_is_kept_alive(serve, monkeypatch):
    monkeypatch.setattr(answers, "KEEP_ALIVE_S", 0.02)
    served = await serve(["慢"], delay=0.1)
    body = {"prompt": "x", "max_tokens": 3, "stream": True}
    async with (
        aiohttp.ClientSession(headers=served.headers) as session,
        session.post(f"{served.url}/v1/completions", json=body) as answer,
    ):
        raw = await answer.text()
    assert raw.startswith(": keep-alive\n\n")
    assert raw.endswith("data: [DONE]\n\n")


# -- our own client ----------------------------------------------------------------------------


async def test_our_own_client_speaks_with_it(serve):
    served = await serve(["去也。八戒：好", BadRequest("no such grammar")], context=4096)
    engine = await RemoteEngine.open([served.url], key=KEY)
    try:
        assert (engine.offer.kind, engine.offer.scores, engine.notes) == ("mrp", "whole", [])
        prompt = engine.encode("<|im_start|>user\n", True) + engine.encode("小明：<|im_end|>")
        stable = len(prompt)
        reply = engine.stream(
            [*prompt, *engine.encode("悟空：")],
            Sampling(max_tokens=60, stop=("八戒：",), logprobs=True),
            room="r", person="p", stable=stable,
        )  # fmt: skip
        assert "".join([piece async for piece in reply]) == "去也。"
        assert reply.finish == "stop"
        assert reply.logprobs
        assert served.prompts == ["<|im_start|>user\n小明：<|im_end|>悟空："]
        assert sum(token >= 256 for token in served.house.voice.engine._heard) == 1
        with pytest.raises(BadRequest, match="no such grammar"):
            await anext(engine.stream(prompt, Sampling(max_tokens=9)))
        one, other = await engine.score(prompt, [engine.encode("小"), engine.encode("zz")])
        assert one > other
        too_long = engine.encode("字" * 1500)  # three of the fake's tokens each: ours are fewer
        with pytest.raises(PromptTooLong):
            await anext(engine.stream(too_long, Sampling(max_tokens=9)))
    finally:
        await engine.close()
