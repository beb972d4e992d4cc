"""The real thing: a tiny GGUF through the real llama.cpp."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import os
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import psutil
import pytest

from engine.llama import LlamaEngine
from engine.resources import GiB, Layout, needs
from engine.sequence import BadRequest, EngineError, ModelError, PromptTooLong, Sampling
from engine.shapes import SHAPES, Shape, write

GREEDY = Sampling(temperature=0, max_tokens=24)
CARDS = "The rules, the world and the cards of everybody on stage. "


async def read(engine: LlamaEngine, prompt: str, sampling: Sampling = GREEDY, **who: Any) -> str:
    return "".join([piece async for piece in engine.stream(engine.encode(prompt), sampling, **who)])


def settled(engine: LlamaEngine) -> tuple[int, int]:
    """Cells that llama.cpp itself holds per sequence, and what the books say."""
    model, slots = engine._model, engine._loop.cache.slots
    held = {
        slot: llama_cpp.llama_memory_seq_pos_max(model._memory, slot) + 1
        for slot in range(model.slots + 1)
    }
    known = {slot: slots.tree.length(slot) for slot in [*slots.idle, *slots.running]}
    assert {slot: n for slot, n in held.items() if n} == known
    return len(slots.running), slots.used


# -- text ----------------------------------------------------------------------------------------


async def test_control_tokens_come_from_control_text_only(engine: LlamaEngine) -> None:
    plain = engine.encode("<|im_end|>\n你好")
    assert not set(plain) & set(engine.ends)
    assert engine.encode("<|im_end|>", control=True) == [engine.ends[2]]
    assert engine.encode("") == []
    assert engine.encode("\ud800") == engine.encode("?")  # half a surrogate pair is no text


async def test_spans_add_up(engine: LlamaEngine) -> None:
    """Nothing is put before or after a span: no BOS, no space."""
    text = "悟空：俺来也 hello"
    pieces = [engine._model.piece(token) for token in engine.encode(text)]
    assert b"".join(pieces).decode() == text


# -- replies -------------------------------------------------------------------------------------


async def test_greedy_replies_equal_the_model_alone_whatever_else_is_in_the_batch(
    engine: LlamaEngine, tiny: Path
) -> None:
    prompts = [CARDS * (n % 3) + f"{n} says: 你好" for n in range(12)]

    async def tokens(n: int, prompt: str) -> list[int]:
        reply = engine.stream(engine.encode(prompt), GREEDY, room=str(n % 4))
        assert [piece async for piece in reply]
        return reply.tokens

    together = await asyncio.gather(*(tokens(n, prompt) for n, prompt in enumerate(prompts)))
    llama = llama_cpp.Llama(
        str(tiny), n_ctx=512, n_threads=1, n_threads_batch=1, logits_all=True, verbose=False
    )
    for prompt, written in zip(prompts, together, strict=True):
        ids, alone = engine.encode(prompt), []
        llama.reset()
        for token in llama.generate(ids, temp=0.0):
            if token in engine.ends or len(alone) == GREEDY.max_tokens:
                break
            alone.append(token)
        if (at := differing(written, alone)) is not None:
            logits = llama.scores[len(ids) + at - 1]
            assert abs(logits[written[at]] - logits[alone[at]]) < 1e-2, "not a tie"
    settled(engine)


def differing(one: list[int], other: list[int]) -> int | None:
    """Where two replies part; None where one is the other, or its beginning by half a character."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)


async def test_a_seed_makes_a_reply_repeatable(engine: LlamaEngine) -> None:
    warm = Sampling(temperature=1.0, seed=11, max_tokens=20)
    first, again = [await read(engine, "hello", warm) for _ in range(2)]
    assert first == again
    assert await read(engine, "hello", Sampling(temperature=1.0, seed=12, max_tokens=20)) != first


async def test_the_reply_just_written_is_not_read_again(engine: LlamaEngine) -> None:
    prompt = engine.encode(CARDS)
    reply = engine.stream(prompt, GREEDY, room="r")
    assert [piece async for piece in reply]
    prompt += [*reply.tokens, *engine.encode(" and then?")]
    second = engine.stream(prompt, GREEDY, room="r")
    assert [piece async for piece in second]
    # What is said anew, and the last token: it was written but not read.
    assert second.usage.evaluated <= len(engine.encode(" and then?")) + 1
    settled(engine)


async def test_log_probabilities_agree_with_scores(engine: LlamaEngine) -> None:
    prompt = engine.encode(CARDS)
    reply = engine.stream(prompt, Sampling(temperature=0, max_tokens=6, logprobs=True))
    assert [piece async for piece in reply]
    (score,) = await engine.score(prompt, [reply.tokens])
    assert len(reply.logprobs) == len(reply.tokens)
    assert math.isclose(math.fsum(reply.logprobs), score, abs_tol=1e-3)


async def test_scores_equal_the_model_alone(engine: LlamaEngine, tiny: Path) -> None:
    prompt = engine.encode(CARDS)
    texts = [engine.encode(text) for text in ("wukong", "bajie", "a", "")]
    scores = await engine.score(prompt, texts)
    llama = llama_cpp.Llama(str(tiny), n_ctx=512, n_threads=1, logits_all=True, verbose=False)
    for text, score in zip(texts, scores, strict=True):
        llama.reset()
        llama.eval([*prompt, *text])
        rows = llama.scores[len(prompt) - 1 :].astype(np.float64)
        expected = sum(
            row[token] - row.max() - math.log(np.exp(row - row.max()).sum())
            for row, token in zip(rows, text, strict=False)
        )
        assert math.isclose(score, expected, abs_tol=1e-2)
    settled(engine)


async def test_a_grammar_is_kept(engine: LlamaEngine) -> None:
    for _ in range(5):
        text = await read(engine, "?", Sampling(grammar='root ::= ("yes" | "no") "!"'))
        assert text in ("yes!", "no!")


async def test_every_link_of_the_chain_can_be_built(engine: LlamaEngine) -> None:
    everything = Sampling(
        repeat_penalty=1.2,
        presence_penalty=0.1,
        frequency_penalty=0.1,
        dry=0.8,
        bias=((65, 2.0), (66, -math.inf)),
        max_tokens=16,
    )
    assert "B" not in await read(engine, CARDS, everything)


async def test_a_bias_decides(engine: LlamaEngine) -> None:
    (letter,) = engine.encode("A")
    assert await read(engine, "x", Sampling(bias=((letter, 1e4),), max_tokens=4)) == "AAAA"


@pytest.mark.parametrize("mark", [".", "!", "?"])
async def test_who_closes_as_before_may_stop(engine: LlamaEngine, mark: str) -> None:
    ends = [token for token in engine.ends if token == engine.encode("<|im_end|>", True)[0]]
    said = [*engine.encode(f"I am here with you{mark}"), *ends]
    bias = ((ends[0], 1e4), (engine.encode("Z")[0], 1e4 - 5))
    how = Sampling(dry=0.8, dry_length=3, temperature=0.0, bias=bias, max_tokens=4)
    prompt = [*said * 3, *engine.encode("\n"), *said[:-1]]
    assert "".join([piece async for piece in engine.stream(prompt, how)]) == ""
    within = ((engine.encode("u")[0], 1e4), (engine.encode("Z")[0], 1e4 - 5))
    how = Sampling(dry=0.8, dry_length=3, temperature=0.0, bias=within, max_tokens=1)
    prompt = [*said * 3, *engine.encode("\nI am here with yo")]
    assert "".join([piece async for piece in engine.stream(prompt, how)]) == "Z"


# -- what goes wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sampling", "error"),
    [
        (Sampling(max_tokens=5000), PromptTooLong),
        (Sampling(stop="x"), BadRequest),  # type: ignore[arg-type]
        (Sampling(grammar="root ::= ["), BadRequest),
        (Sampling(grammar="thing ::= 'a'"), BadRequest),
        (Sampling(bias=((10**6, 1.0),)), BadRequest),
    ],
)
async def test_a_bad_request_is_one_clear_error(
    engine: LlamaEngine, sampling: Sampling, error: type[EngineError]
) -> None:
    with pytest.raises(error):
        await read(engine, "x", sampling)
    assert len(await read(engine, "x")) > 0
    assert settled(engine)[0] == 0


async def test_logits_that_are_no_numbers_are_an_error_of_that_reply(
    tiny: Path, tmp_path: Path
) -> None:
    path = tmp_path / "nan.gguf"
    data = bytearray(tiny.read_bytes())
    data[-4096:] = struct.pack("<f", math.nan) * 1024
    path.write_bytes(data)
    engine = LlamaEngine.open(path, context=256, replies=2, threads=1)
    with pytest.raises(EngineError, match="not numbers"):
        await read(engine, "x")
    with pytest.raises(EngineError, match="not numbers"):
        await engine.score(engine.encode("x"), [engine.encode("yz")])
    assert settled(engine) == (0, 0)
    await engine.close()


async def test_files_that_cannot_be_served_give_one_sentence(tiny: Path, tmp_path: Path) -> None:
    data = tiny.read_bytes()
    bad = {
        "cannot be read": None,
        "not a GGUF": b"no model",
        "failed to read": data[:100],
        "corrupted or incomplete": data[:-50_000],
        "unknown model architecture: 'lxxma'": data.replace(b"\0llama", b"\0lxxma", 1),
    }
    for reason, content in bad.items():
        path = tmp_path / "bad.gguf"
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ModelError, match=reason) as caught:
            LlamaEngine.open(path)
        assert "\n" not in str(caught.value)


async def test_llama_cpp_is_silent(
    tiny: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    engine = LlamaEngine.open(tiny, context=256, replies=1, threads=1)
    await read(engine, "x")
    await engine.close()
    (tmp_path / "bad.gguf").write_bytes(tiny.read_bytes()[:-50_000])
    with pytest.raises(ModelError):
        LlamaEngine.open(tmp_path / "bad.gguf")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("replies", [1, 8, 80])
async def test_any_number_of_replies_can_be_opened(tiny: Path, replies: int) -> None:
    engine = LlamaEngine.open(tiny, context=64, replies=replies, threads=1, cells=512)
    short = Sampling(temperature=0, max_tokens=2)
    assert len(set(await asyncio.gather(*(read(engine, "x", short) for _ in range(9))))) == 1
    await engine.close()


async def test_a_card_with_a_checksum_is_believed(tiny: Path, tmp_path: Path) -> None:
    path, card = tmp_path / "m.gguf", tmp_path / "m.card.json"
    path.write_bytes(tiny.read_bytes())
    card.write_text(json.dumps({"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}))
    engine = LlamaEngine.open(path, context=256, replies=1, threads=1)
    assert engine.metadata["mrp.made"].startswith("random")
    await engine.close()
    card.write_text(json.dumps({"sha256": "0" * 64}))
    with pytest.raises(ModelError, match="not the file its card describes"):
        LlamaEngine.open(path)


async def test_closing_twice_and_asking_afterwards(tiny: Path) -> None:
    engine = LlamaEngine.open(tiny, context=256, replies=1, threads=1)
    reply = engine.stream(engine.encode("x"), Sampling(max_tokens=200))
    await anext(reply)
    await engine.close()
    await engine.close()
    with pytest.raises(EngineError, match="closed"):
        engine.encode("x")
    with pytest.raises(EngineError, match="closed"):
        [piece async for piece in engine.stream([65], GREEDY)]


# -- memory --------------------------------------------------------------------------------------


async def test_a_full_cache_makes_replies_wait_and_idle_rooms_come_back(tiny: Path) -> None:
    engine = LlamaEngine.open(tiny, context=256, replies=4, threads=1, cells=256)
    prompts = [f"{n} {CARDS * 2}" for n in range(6)]
    short = Sampling(temperature=0, max_tokens=8)

    async def everybody() -> list[str]:
        rooms = (read(engine, p, short, room=str(n)) for n, p in enumerate(prompts))
        return await asyncio.gather(*rooms)

    first, again = await everybody(), await everybody()
    assert first == again
    stats = engine.stats()
    assert stats.cells_peak <= 256
    assert stats.restored > 200
    assert stats.offloaded_bytes > 0
    assert settled(engine)[0] == 0
    await engine.close()


async def test_rooms_survive_a_restart_in_a_state_file(tiny: Path, tmp_path: Path) -> None:
    state = tmp_path / "rooms.state"
    options: dict[str, Any] = {"context": 256, "replies": 2, "threads": 1, "state": state}
    engine = LlamaEngine.open(tiny, **options)
    text = await read(engine, CARDS, room="r")
    await engine.close()
    engine = LlamaEngine.open(tiny, **options)
    assert await read(engine, CARDS, room="r") == text
    assert engine.stats().evaluated == 1
    await engine.close()


@pytest.mark.parametrize("damage", ["cut", "flip", "other", "empty"])
async def test_a_damaged_state_file_costs_reading_anew(
    tiny: Path, tmp_path: Path, damage: str
) -> None:
    state = tmp_path / "rooms.state"
    options: dict[str, Any] = {"context": 256, "replies": 2, "threads": 1, "state": state}
    engine = LlamaEngine.open(tiny, **options)
    text = await read(engine, CARDS, room="r")
    await engine.close()
    data = bytearray(state.read_bytes())
    data[len(data) // 2] ^= 255
    damaged: dict[str, bytes | bytearray] = {"cut": data[:-50], "flip": data}
    damaged |= {"other": b"x" * 99, "empty": b""}
    state.write_bytes(damaged[damage])
    engine = LlamaEngine.open(tiny, **options)
    assert await read(engine, CARDS, room="r") == text
    assert engine.stats().evaluated == len(engine.encode(CARDS))
    await engine.close()


async def test_a_small_budget_quantizes_the_cache(tmp_path: Path) -> None:
    path = tmp_path / "heads.gguf"
    write(path, Shape(2, 64, 2, 1, 128, 512, 4096), spread=0.2, exact=True)
    model = LlamaEngine.open(path, context=256, replies=1, threads=1)
    shape, plain = model.metadata, await read(model, CARDS)
    await model.close()
    size = path.stat().st_size
    plenty, tight = (needs(shape, size, Layout(9 * 4096, kv), 8).total for kv in ("f16", "q8_0"))
    vram = (plenty + tight) / 2 / 0.9 / GiB
    model = LlamaEngine.open(path, context=4096, replies=8, threads=1, vram=vram)
    assert "q8_0" in model._model.name
    assert (await read(model, CARDS))[:3] == plain[:3]
    await model.close()


@pytest.mark.parametrize("kind", ["mamba", "lfm2", "gemma3"])
async def test_other_kinds_of_memory_write_the_same_alone_and_together(
    odd: Callable[[str], Path], kind: str
) -> None:
    path = odd(kind)
    prompts = [CARDS + f"{n} says" for n in range(5)]
    alone = []
    for prompt in prompts:
        engine = LlamaEngine.open(path, context=256, replies=1, threads=1, offload=0)
        alone.append(await read(engine, prompt))
        await engine.close()
    engine = LlamaEngine.open(path, context=256, replies=3, threads=1)
    for _ in range(2):
        assert await asyncio.gather(*(read(engine, p) for p in prompts)) == alone
    stats = engine.stats()
    assert stats.reused > len(prompts) * len(CARDS), "prefixes are shared"
    talk, said = engine.encode(CARDS), engine.encode("said ")
    evaluated = stats.evaluated
    for _ in range(4):
        talk += said
        tail = engine.encode("[a tail of some length]")
        reply = engine.stream([*talk, *tail], GREEDY, room="r", stable=len(talk))
        assert [piece async for piece in reply]
    fresh = 4 * (len(said) + len(tail)) + len(CARDS)
    assert engine.stats().evaluated - evaluated <= fresh
    assert not engine._loop.cache.slots.running
    await engine.close()


# -- nothing leaks -------------------------------------------------------------------------------


async def storm(engine: LlamaEngine, chance: random.Random, requests: int) -> None:
    """Requests with random stops and lengths; many callers walk away, some before the start."""

    async def one(n: int) -> None:
        sampling = Sampling(
            temperature=1.0,
            max_tokens=chance.randint(1, 24),
            stop=tuple(chance.sample(["w1", "w2", "a", "你"], chance.randint(0, 2))),
            seed=n,
        )
        prompt = engine.encode(CARDS[: chance.randint(1, 50)] + str(n % 7))
        reply = engine.stream(prompt, sampling, room=str(n % 5), waiting=n % 3 > 0)
        leave = chance.choice([0, 1, 3, 99])
        if leave == 0:
            await reply.aclose()
        async for piece in reply:
            assert not any(stop in piece for stop in sampling.stop)
            leave -= 1
            if leave <= 0:
                break
        if chance.random() < 0.5:
            await reply.aclose()

    await asyncio.gather(*(one(n) for n in range(requests)))
    while (stats := engine.stats()).queued or stats.writing or stats.reading:
        await asyncio.sleep(0.005)


async def test_a_storm_of_cancels_leaves_nothing_behind(tiny: Path) -> None:
    """The default run has 3 small rounds; MRP_STORM=20x200 runs the whole."""
    rounds, requests = map(int, os.environ.get("MRP_STORM", "3x40").split("x"))
    engine = LlamaEngine.open(tiny, context=256, replies=6, threads=1, cells=768, offload=0.001)
    chance, process = random.Random(5), psutil.Process()
    tasks = len(asyncio.all_tasks())
    memory = 0
    for number in range(rounds):
        await storm(engine, chance, requests)
        running, _ = settled(engine)
        assert running == 0
        assert len(asyncio.all_tasks()) == tasks
        if number == 0:
            memory = process.memory_info().rss
    growth = (process.memory_info().rss - memory) / 2**20
    print(f"{rounds} rounds of {requests}: grown by {growth:.2f} MB")
    assert growth < 5
    assert engine.stats().failed == 0
    await engine.close()


def test_the_shapes_have_the_sizes_they_are_named_for(tmp_path: Path) -> None:
    write(tmp_path / "t.gguf", SHAPES["tiny"])
    model = llama_cpp.llama_model_load_from_file(
        str(tmp_path / "t.gguf").encode(), llama_cpp.llama_model_default_params()
    )
    assert llama_cpp.llama_model_n_embd(model) == SHAPES["tiny"].width
    llama_cpp.llama_model_free(model)

    def parameters(name: str) -> float:
        s = SHAPES[name]
        layer = s.width * (2 * s.width + 2 * s.kv_heads * s.head + 3 * s.inner)
        return (s.layers * layer + s.vocabulary * s.width * (1 if s.tied else 2)) / 1e9

    assert 0.45 < parameters("0.5b") < 0.55
    assert 1.8 < parameters("1.8b") < 1.95
    assert 7.3 < parameters("7b") < 7.8


async def test_an_engine_that_failed_for_good_says_so_wherever_it_is_asked(tiny: Path) -> None:
    engine = LlamaEngine.open(tiny, context=256, replies=1, threads=1)
    assert engine.failure is None
    tokens = engine.encode("x")

    def trouble(chunks: list[Any]) -> None:
        raise ZeroDivisionError("a bug")

    engine._model.evaluate = trouble  # type: ignore[method-assign]
    for _ in range(5):
        with pytest.raises(EngineError, match="a bug"):
            [piece async for piece in engine.stream(tokens, GREEDY)]
    assert "a bug" in str(engine.failure)
    for ask in (lambda: engine.encode("x"), lambda: engine.encode("x", True)):
        with pytest.raises(EngineError, match="a bug"):
            ask()
    with pytest.raises(EngineError, match="a bug"):
        await engine.score(tokens, [tokens])
    await engine.close()
