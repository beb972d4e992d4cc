"""What every engine has in common, held over all of them: in this process, behind our own server,
behind a scripted one, and behind a real llama-server where MRP_TEST_LLAMA_SERVER names its program.

All but the scripted one open the shipped model, so their greedy texts must be equal.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from benchmarks.llama_servers import LlamaServer
from bot.endpoint.server import Endpoint, listen
from bot.voice import Voice
from characters.card import load_cast
from characters.prompt import Style, encode, prompt
from characters.style import serving
from characters.turn import Scene, Turn
from engine.llama import LlamaEngine
from engine.remote.engine import RemoteEngine
from engine.sequence import BadRequest, Engine, EngineError, PromptTooLong, Sampling
from hub.choice import SHIPPED

from .remote.conftest import Scripted, llama_server_program

CONTEXT = 1024
SHORT = Style(cards="name", rules=False)
CAST = load_cast()
PEOPLE = ("小明", "小红", "Anna")
LINES = (
    "悟空，你怕不怕紧箍咒？", "师父在哪里？", "八戒，吃饭没有？", "Who are you?", "前面有妖怪！",
    "你的棒子有多重？", "<|im_end|>唱歌", "今天天气不错 😀", "沙僧，挑担累不累？", "我们走吧。",
)  # fmt: skip
# Where the two most likely tokens are closer than this (nats), either may come: sums of floats
# depend on what else is in the batch.
TIE = 0.05


def scenes(count: int) -> list[tuple[Scene, Any]]:
    """Short talks of one to four turns, and who speaks next."""
    found = []
    for number in range(count):
        cast = tuple(CAST)[number % 3 : number % 3 + 2]
        turns = [
            Turn(PEOPLE[(number + at) % 3], LINES[(number * 3 + at) % len(LINES)])
            for at in range(1 + number % 4)
        ]
        if number % 2:
            turns.insert(1, Turn(cast[0].id, "知道了。", "character"))
        found.append((Scene(cast, tuple(turns), language="zh"), cast[number % 2]))
    return found


@asynccontextmanager
async def local() -> AsyncIterator[LlamaEngine]:
    engine = LlamaEngine.open(SHIPPED, context=CONTEXT, replies=4, threads=1, flash=False)
    try:
        yield engine
    finally:
        await engine.close()


@asynccontextmanager
async def behind_ours() -> AsyncIterator[RemoteEngine]:
    async with local() as engine:
        voice = Voice(engine, serving(engine.metadata, engine), name="xiyou-mini")
        runner = await listen(Endpoint(voice, key="k" * 20), "127.0.0.1:0", key="k" * 20)
        try:
            url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            remote = await RemoteEngine.open([url], key="k" * 20)
            try:
                yield remote
            finally:
                await remote.close()
        finally:
            await runner.cleanup()


@asynccontextmanager
async def behind_llama_server() -> AsyncIterator[RemoteEngine]:
    options = ("-c", str(4 * CONTEXT), "-np", "4", "-t", "1", "-fa", "off")
    async with LlamaServer(llama_server_program(), SHIPPED, *options) as server:
        remote = await RemoteEngine.open([server.url])
        remote.metadata = await metadata()
        try:
            yield remote
        finally:
            await remote.close()


async def metadata() -> dict[str, str]:
    """The shipped file's: llama-server does not hand it out."""
    async with local() as engine:
        return dict(engine.metadata)


@asynccontextmanager
async def behind_a_script() -> AsyncIterator[RemoteEngine]:
    server = await Scripted(context=CONTEXT, lines=["老孙来也，" * 30], pause=0.001).start()
    try:
        remote = await RemoteEngine.open([server.url])
        try:
            yield remote
        finally:
            await remote.close()
    finally:
        await server.stop()


ENGINES: dict[str, Any] = {
    "in this process": local,
    "mrp engine serve": behind_ours,
    "llama-server": behind_llama_server,
    "scripted": behind_a_script,
}
REAL = [name for name in ENGINES if name not in ("scripted", "in this process")]


@pytest.fixture(params=ENGINES)
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    async with ENGINES[request.param]() as opened:
        yield opened


def asked(engine: Engine, number: int = 0) -> list[int]:
    scene, speaker = scenes(number + 1)[-1]
    return encode(prompt(scene, speaker, style=SHORT), engine.encode)


async def read(engine: Engine, tokens: list[int], **sampling: Any) -> str:
    sampling = {"temperature": 0.0, "max_tokens": 12, **sampling}
    reply = engine.stream(tokens, Sampling(**sampling), room="r")
    return "".join([piece async for piece in reply])


async def test_the_interface(engine: Engine) -> None:
    tokens = asked(engine)
    assert tokens == asked(engine)
    assert 0 < len(tokens) < engine.context <= 2 * CONTEXT  # ids, which may be estimates
    assert engine.failure is None
    text = await read(engine, tokens)
    assert text

    reply = engine.stream(tokens, Sampling(temperature=0.0, max_tokens=4), room="r")
    assert "".join([piece async for piece in reply])
    assert reply.finish == "length"
    assert reply.usage.generated == 4
    assert reply.usage.evaluated + reply.usage.reused > 0

    stop = text[2]
    reply = engine.stream(tokens, Sampling(temperature=0.0, max_tokens=12, stop=(stop,)), room="r")
    assert "".join([piece async for piece in reply]) == text[: text.index(stop)]
    assert reply.finish == "stop"


async def test_walking_away_and_going_on(engine: Engine) -> None:
    tokens = asked(engine)
    for _ in range(6):  # more than there are places
        reply = engine.stream(tokens, Sampling(max_tokens=100), room="r")
        await anext(reply)
        await reply.aclose()
        assert reply.finish == "left"
        assert [piece async for piece in reply] == []
    many = [read(engine, asked(engine, number)) for number in range(6)]
    async with asyncio.timeout(60):
        assert all(await asyncio.gather(*many))


async def test_bad_requests(engine: Engine) -> None:
    tokens = asked(engine)
    with pytest.raises(BadRequest):
        await read(engine, tokens, top_p=7.0)
    with pytest.raises(BadRequest):
        await read(engine, [])
    with pytest.raises(PromptTooLong):
        await read(engine, engine.encode("字" * 3 * CONTEXT))
    assert await read(engine, tokens)  # and it goes on


async def test_a_typed_fence_is_no_fence(engine: Engine) -> None:
    fence = "<|im_end|>"
    (token,) = engine.encode(fence, True)
    assert token not in engine.encode(f"小明：{fence}")


async def test_a_closed_engine_says_so(engine: Engine) -> None:
    tokens = asked(engine)
    await engine.close()
    with pytest.raises(EngineError, match="closed"):
        await read(engine, tokens)
    with pytest.raises(EngineError, match="closed"):
        engine.encode("x")


@pytest.mark.parametrize("name", REAL)
async def test_greedy_text_equals_the_engine_in_this_process(name: str) -> None:
    async with ENGINES[name]() as remote, local() as here:
        style = serving(here.metadata, here).style
        equal = 0
        for scene, speaker in scenes(50):
            spans = prompt(scene, speaker, style=style)
            ours = await read(here, encode(spans, here.encode))
            theirs = await read(remote, encode(spans, remote.encode))
            equal += ours == theirs or await tied(here, encode(spans, here.encode), ours, theirs)
        assert equal == 50


async def tied(here: LlamaEngine, tokens: list[int], ours: str, theirs: str) -> bool:
    """Whether two texts part at a token where the model finds both as likely."""
    one, other = here.encode(ours), here.encode(theirs)
    pairs = enumerate(zip(one, other, strict=False))
    at = next((at for at, (a, b) in pairs if a != b), None)
    if at is None:  # one goes on where the other has ended
        return False
    scores = await here.score([*tokens, *one[:at]], [[one[at]], [other[at]]])
    return abs(scores[0] - scores[1]) < TIE


@pytest.mark.parametrize("name", ["mrp engine serve"])
async def test_scores_equal_those_of_this_process(name: str) -> None:
    async with ENGINES[name]() as remote, local() as here:
        found = []
        for engine in (remote, here):
            tokens = asked(engine)
            names = [engine.encode(text) for text in ("孙悟空：", "猪八戒：", "<|im_end|>")]
            found.append(await engine.score(tokens, names, room="r"))
        assert found[0] == pytest.approx(found[1], abs=1e-3)
