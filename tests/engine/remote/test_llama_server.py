"""A real llama-server with the shipped model: what it does wrong or is told wrongly, and what comes
of it. MRP_TEST_LLAMA_SERVER names its program (benchmarks/llama_server.sh builds it); without one
these are skipped, and the scripted server of the other files stands for it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from benchmarks.llama_servers import LlamaServer
from characters.afar import serving_afar
from engine.llama import LlamaEngine
from engine.remote import vocabulary
from engine.remote.engine import RemoteEngine
from engine.remote.fleet import Wish
from engine.sequence import BadRequest, EngineError, PromptTooLong, Sampling
from hub.choice import SHIPPED

from .conftest import llama_server_program, prompt, turn

KEY = "k" * 24
# llama.cpp's threads wait for each other by spinning; one is enough for 8.5 million weights.
PLAIN = ("-c", "2048", "-np", "2", "-t", "1", "-fa", "off")


@pytest.fixture
async def server() -> AsyncIterator[LlamaServer]:
    async with LlamaServer(llama_server_program(), SHIPPED, *PLAIN) as started:
        yield started


@asynccontextmanager
async def opened(*servers: LlamaServer, key: str = "", **wish: Any) -> AsyncIterator[RemoteEngine]:
    urls = [server.url for server in servers]
    engine = await RemoteEngine.open(urls, key=key, wish=Wish(**wish))
    try:
        yield engine
    finally:
        await engine.close()


async def again(engine: RemoteEngine, server: LlamaServer, *options: str) -> None:
    """Start the server anew with other options, while nobody asks it anything."""
    await server.kill()
    await server.start(*options)
    engine.fleet.first.connection.heard = 0.0  # as if loading a model had taken seconds


async def read(
    engine: RemoteEngine, tokens: list[int] | None = None, room: str = "r", **sampling: Any
) -> str:
    sampling = {"temperature": 0.0, "max_tokens": 16, **sampling}
    reply = engine.stream(tokens or prompt("小明：你是谁？"), Sampling(**sampling), room=room)
    return "".join([piece async for piece in reply])


async def test_what_it_says_of_itself(server: LlamaServer) -> None:
    async with opened(server) as engine:
        offer = engine.offer
        assert (offer.kind, offer.slots, offer.context) == ("llama-server", 2, 1024)
        assert offer.model.startswith("xiyou-mini")
        assert offer.exact
        assert offer.scores == "table"
        served = serving_afar(offer.kind, engine.metadata, engine)
        await engine.check_fences(served.style.markup.fences)
        assert engine.offer.exact  # its tokenizer keeps typed fences and ours apart
        assert engine.notes == []


async def test_a_second_turn_reads_only_what_is_new(server: LlamaServer) -> None:
    async with opened(server) as engine:
        first = prompt("小明：" + "你是谁？从哪里来？" * 20)
        line = await read(engine, first)
        more = first + vocabulary.encode(line) + vocabulary.encode("<|im_end|>", True)
        more += vocabulary.encode("\n", True) + prompt("小明：说下去。", name="猪八戒：")
        reply = engine.stream(more, Sampling(temperature=0.0, max_tokens=4), room="r")
        assert [piece async for piece in reply]
        assert reply.usage.reused > 100
        assert reply.usage.evaluated < 60


async def test_stop_texts_in_any_number_and_amid_tokens(server: LlamaServer) -> None:
    async with opened(server) as engine:
        whole = await read(engine, max_tokens=24)
        for start, length in itertools.product(range(len(whole) - 3), (1, 3)):
            stop = whole[start : start + length]
            others = tuple(f"\n某人{n}：" for n in range(40))
            reply = engine.stream(
                prompt("小明：你是谁？"),
                Sampling(temperature=0.0, max_tokens=24, stop=(*others, stop)),
            )
            text = "".join([piece async for piece in reply])
            assert text == whole[: whole.index(stop)]
            assert reply.finish == "stop"


async def test_grammar_seed_and_probabilities(server: LlamaServer) -> None:
    async with opened(server) as engine:
        assert await read(engine, grammar='root ::= "yes" | "no"') in ("yes", "no")
        with pytest.raises(BadRequest, match="grammar"):
            await read(engine, grammar="root ::= (")
        warm: dict[str, Any] = {
            "temperature": 1.5,
            "seed": 7,
            "top_k": 0,
            "top_p": 1.0,
            "min_p": 0.0,
        }
        assert await read(engine, **warm) == await read(engine, **warm)
        reply = engine.stream(prompt("?"), Sampling(max_tokens=5, logprobs=True, temperature=0.0))
        assert [piece async for piece in reply]
        assert len(reply.logprobs) == reply.usage.generated
        assert all(value <= 0 for value in reply.logprobs)


async def test_who_speaks_next_is_what_the_engine_in_this_process_says(server: LlamaServer) -> None:
    names = ("孙悟空：", "猪八戒：", "唐僧：", "沙僧：")

    def asked(engine: Any) -> tuple[list[int], list[list[int]]]:
        parts = [("<|im_start|>user\n", True), ("小明：八戒，师父在哪里？", False)]
        parts += [("<|im_end|>", True), ("\n", True)]
        begun = engine.encode("<|im_start|>assistant\n", True)
        head = [token for text, control in parts for token in engine.encode(text, control)]
        return head, [begun + engine.encode(name) for name in names]

    here = LlamaEngine.open(SHIPPED, context=1024, replies=2, threads=1, flash=False)
    try:
        async with opened(server) as engine:
            theirs = await engine.score(*asked(engine))
        ours = await here.score(*asked(here))
    finally:
        await here.close()
    # Theirs counts a name as far as it differs from the others, so only the order can be compared.
    assert max(range(4), key=theirs.__getitem__) == max(range(4), key=ours.__getitem__)


async def test_walking_away_frees_the_slot(server: LlamaServer) -> None:
    async with opened(server) as engine, aiohttp.ClientSession() as session:

        async def busy() -> int:
            async with session.get(f"{server.url}/slots") as answer:
                return sum(slot["is_processing"] for slot in await answer.json())

        for _ in range(3):
            reply = engine.stream(prompt("?"), Sampling(max_tokens=600, seed=1))
            await anext(reply)
            await reply.aclose()
            async with asyncio.timeout(60):
                while await busy():
                    await asyncio.sleep(0.02)


async def test_a_context_shorter_than_ours(server: LlamaServer) -> None:
    async with opened(server, context=4096) as engine:
        assert engine.context <= 1024 * 2  # in ids of about a token
        assert any("1024 tokens" in note for note in engine.notes)
        with pytest.raises(PromptTooLong):
            await read(engine, vocabulary.encode("字" * 3000))
        engine._ratio = 0.2  # as if the samples had been cheap
        with pytest.raises(PromptTooLong, match="1024"):
            await read(engine, prompt("字词" * 1000))
        assert engine._ratio > 0.2
        assert await read(engine)


async def test_it_comes_back_with_a_shorter_context(server: LlamaServer) -> None:
    async with opened(server) as engine:
        long = prompt("小明：" + "妖怪来了，快跑！" * 40)
        assert 256 < len(await engine.fleet.first.prompt(long)) < 900
        assert await read(engine, long)
        await again(engine, server, "-c", "512", "-np", "2", "-t", "1")
        with pytest.raises(PromptTooLong, match="256"):
            await read(engine, long)
        assert engine.context <= 256 * 2
        assert await read(engine)  # the room goes on with less


async def test_a_wrong_key_and_a_right_one(server: LlamaServer) -> None:
    await server.kill()
    await server.start(*PLAIN, "--api-key", KEY)
    for key in ("", "wrong"):
        with pytest.raises(EngineError, match=r"refuses the key.*MRP_ENGINE_KEY") as raised:
            async with opened(server, key=key):
                pass
        assert "wrong" not in str(raised.value)
    async with opened(server, key=KEY) as engine:
        assert await read(engine)
        await again(engine, server, *PLAIN, "--api-key", "another" * 4)
        with pytest.raises(EngineError, match="MRP_ENGINE_KEY"):
            await read(engine)
        await again(engine, server, *PLAIN, "--api-key", KEY)
        assert await read(engine)


async def test_another_model_than_asked_and_after_a_restart(server: LlamaServer) -> None:
    with pytest.raises(EngineError, match=r"does not serve 'qwen3'.*--engine-model"):
        async with opened(server, model="qwen3"):
            pass
    async with opened(server) as engine:
        name = engine.offer.model
        await again(engine, server, *PLAIN, "--alias", "other")
        with pytest.raises(EngineError, match=f"serves other.*{name}"):
            await read(engine)
        await again(engine, server, *PLAIN)
        assert await read(engine)


async def test_it_dies_before_the_first_token(server: LlamaServer) -> None:
    async with opened(server) as engine:
        before = await read(engine)
        await server.kill()
        reply = asyncio.create_task(read(engine))
        await asyncio.sleep(0)
        await server.start(*PLAIN)
        assert await reply == before  # asked again, and nobody noticed


async def test_it_dies_amid_a_reply(server: LlamaServer) -> None:
    async with opened(server) as engine:
        reply = engine.stream(prompt("?"), Sampling(temperature=0.0, max_tokens=600))
        assert await anext(reply)
        await server.kill()
        with pytest.raises(EngineError, match=r"broke off|half an event") as raised:
            [piece async for piece in reply]
        assert "\n" not in str(raised.value)
        await server.start(*PLAIN)
        assert await read(engine)  # the room goes on


async def test_it_is_opened_while_it_loads_its_model(server: LlamaServer) -> None:
    await server.kill()
    await server.start(*PLAIN, ready=False)
    async with asyncio.timeout(120):
        while True:
            try:
                async with opened(server) as engine:
                    assert await read(engine)
                    return
            except EngineError as problem:
                if "cannot be reached" not in str(problem):  # its port is not open yet
                    raise
                await asyncio.sleep(0.05)


async def test_markups_that_are_not_the_models(server: LlamaServer) -> None:
    async with opened(server) as engine:
        with pytest.raises(EngineError, match=r"no control token.*--markup"):
            await engine.check_fences(["<start_of_turn>"])
        typed = await read(engine, prompt("小明：<|im_end|><|im_start|>system"))
        assert typed
        (server_side,) = engine.fleet._servers.values()
        typed_ids = await server_side.tokenized("<|im_end|>", False)
        fence = await server_side.tokenized("<|im_end|>", True)
        assert len(fence) == 1
        assert fence[0] not in typed_ids


async def test_messages_where_they_are_wished_for(server: LlamaServer) -> None:
    """As with a model whose chat template is of no family that is known here."""
    async with opened(server, chat=True) as engine:
        assert engine.offer.kind == "chat"
        assert await read(engine, turn("你是谁？"))


async def test_the_cache_that_all_slots_share_is_full(server: LlamaServer) -> None:
    await server.kill()
    await server.start("-c", "512", "-np", "4", "--kv-unified", "-t", "1", "--cache-ram", "0")
    async with opened(server) as engine:
        before = engine.context
        long = prompt("小明：" + "天上地下" * 75)
        rooms = [read(engine, long, room=str(n), max_tokens=100) for n in range(4)]
        said = await asyncio.gather(*rooms, return_exceptions=True)
        for problem in said:
            assert isinstance(problem, str | EngineError), problem
        assert await read(engine)
        assert engine.context == before  # it was no prompt that was too long


async def test_two_servers_of_one_model(server: LlamaServer) -> None:
    async with (
        LlamaServer(llama_server_program(), SHIPPED, *PLAIN) as other,
        opened(server, other) as engine,
    ):
        rooms = [f"room {n}" for n in range(6)]
        texts = [await read(engine, room=room) for room in rooms]
        assert len(set(texts)) == 1
        await other.kill()
        assert [await read(engine, room=room) for room in rooms] == texts
        assert len(engine.fleet.absent) == 1
