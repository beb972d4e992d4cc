"""The model's routes: what is in their answers."""

import json

import aiohttp

from bot.endpoint.completions import Chunks, only_wanted, whole
from engine.sequence import EngineError

from .test_server import ask


async def chunks(*texts: str, chat: bool):
    make = Chunks("m", chat=chat)
    for text in texts:
        yield make.piece(text)
    yield make.end("stop", "八戒：")
    yield make.usage(7, 3, 5)


async def test_chunks_as_one_answer_and_without_usage():
    for chat in (True, False):
        answer = await whole(chunks("老孙", "来也", chat=chat), chat=chat)
        (choice,) = answer["choices"]
        text = choice["message"]["content"] if chat else choice["text"]
        assert (text, choice["finish_reason"], choice["stop_reason"]) == (
            "老孙来也",
            "stop",
            "八戒：",
        )
        assert answer["object"] == ("chat.completion" if chat else "text_completion")
        assert answer["usage"]["prompt_tokens_details"] == {"cached_tokens": 5}
        events = [event async for event in only_wanted(chunks("a", chat=chat), {})]
        assert all(event["choices"] for event in events)
        wanted = {"stream_options": {"include_usage": True}}
        events = [event async for event in only_wanted(chunks("a", chat=chat), wanted)]
        assert events[-1]["usage"]["completion_tokens"] == 3


async def test_the_native_route_with_and_without_a_stream(serve):
    served = await serve(["去也。八戒：好"])
    body = {"prompt": [*"你好".encode()], "n_predict": 60, "stop": ["八戒："], "n_probs": 1}
    status, told = await ask(served, "/completion", body)
    assert status == 200
    assert (told["content"], told["stop_type"]) == ("去也。", "word")
    assert bytes(told["tokens"]).decode() == "去也。"
    assert told["tokens_evaluated"] == 6
    async with (
        aiohttp.ClientSession(headers=served.headers) as session,
        session.post(f"{served.url}/completion", json=body | {"stream": True}) as answer,
    ):
        raw = await answer.text()
    events = [json.loads(line.removeprefix("data: ")) for line in raw.split("\n\n") if line]
    assert "".join(event["content"] for event in events) == "去也。"
    assert [event["stop"] for event in events] == [False] * (len(events) - 1) + [True]
    assert "[DONE]" not in raw
    probabilities = [p for event in events for p in event.get("completion_probabilities", ())]
    assert len(probabilities) >= len("去也。".encode())


async def test_tokens_of_a_text(serve):
    served = await serve()
    fence = "<|im_end|>"
    plain = (await ask(served, "/tokenize", {"content": fence, "parse_special": False}))[1]
    special = (await ask(served, "/tokenize", {"content": fence}))[1]
    assert plain["tokens"] == [*fence.encode()]
    assert len(special["tokens"]) == 1
    props = (await ask(served, "/props"))[1]
    assert props["mrp"]["metadata"]["general.name"] == "echo"
    assert props["default_generation_settings"]["n_ctx"] > 0


async def test_an_engine_that_fails_amid_a_stream_says_so_in_it(serve):
    class Failing:
        finish, usage, tokens, logprobs, position = None, None, [65], [], 0

        def __aiter__(self):
            return self

        async def __anext__(self):
            if not self.tokens:
                raise EngineError("out of luck")
            self.tokens = []
            return "A"

        async def aclose(self):
            pass

    served = await serve()
    served.house.voice.engine.stream = lambda *_, **__: Failing()
    async with (
        aiohttp.ClientSession(headers=served.headers) as session,
        session.post(
            f"{served.url}/v1/completions", json={"prompt": "x", "stream": True}
        ) as answer,
    ):
        raw = await answer.text()
    assert answer.status == 200
    assert '"text": "A"' in raw
    assert "out of luck" in raw
    assert "[DONE]" not in raw
