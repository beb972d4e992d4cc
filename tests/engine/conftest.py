"""A machine without a model that checks every rule of the cache, and a tiny real GGUF."""

from __future__ import annotations

import asyncio
import time
import zlib
from array import array
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from engine.llama import LlamaEngine, LlamaReply
from engine.loop import Loop
from engine.runner import Chunk
from engine.sampling import Link
from engine.sequence import Sampling
from engine.shapes import SHAPES, write, write_vocabulary
from engine.slots import Move

END = 0


def follows(tokens: list[int] | array[int]) -> int:
    """The fake's next token: any change of what it reads changes it."""
    return zlib.crc32(bytes(repr(list(tokens)), "ascii")) % 96 + 32


class FakeMachine:
    """Cells, sequences and outputs as llama.cpp has them; the text follows from the cache alone."""

    vocabulary = 128

    def __init__(
        self, *, context: int = 200, cells: int = 400, slots: int = 12, can_truncate: bool = True
    ) -> None:
        self.context, self.cells, self.slots = context, cells, slots
        self.batch, self.outputs, self.can_truncate, self.seconds = 64, 16, can_truncate, 0.0
        self.cache: dict[int, list[tuple[int, int]]] = {}  # slot -> (cell, token)
        self.rows: list[list[int]] = []
        self.evaluated: list[int] = []  # tokens a batch
        self.samplers: set[int] = set()
        self.end_after = 10**9  # length of a sequence at which the model ends
        self.trouble: Callable[[list[Chunk]], None] = lambda chunks: None
        self.delay = 0.0  # seconds a batch
        self.closed = False
        self._next = 0

    @property
    def used(self) -> int:
        return len({cell for held in self.cache.values() for cell, _ in held})

    def evaluate(self, chunks: list[Chunk]) -> None:
        time.sleep(self.delay)
        self.trouble(chunks)
        self.rows = []
        assert 0 < sum(len(chunk.tokens) for chunk in chunks) <= self.batch
        for chunk in chunks:
            held = self.cache.setdefault(chunk.slot, [])
            assert len(held) == chunk.position, "positions must go on where the cache ends"
            for at, token in enumerate(chunk.tokens):
                held.append((self._next, token))
                self._next += 1
                if at >= len(chunk.tokens) - chunk.outputs:
                    self.rows.append([token for _, token in held])
        assert len(self.rows) <= self.outputs
        assert self.used <= self.cells, "more cells than there are"
        self.evaluated.append(sum(len(chunk.tokens) for chunk in chunks))

    def move(self, move: Move) -> None:
        held = self.cache.get(move.slot, [])
        if move.kind == "copy":
            assert not held
            source = self.cache[move.source]
            assert self.can_truncate or move.n == len(source)
            self.cache[move.slot] = source[: move.n]
        else:
            assert self.can_truncate or move.n in (0, len(held)), "this memory cannot be cut"
            self.cache[move.slot] = held[: move.n]

    def clear(self) -> None:
        self.cache.clear()

    def save(self, slot: int, start: int) -> bytes:
        return bytes([start, *(token for _, token in self.cache[slot][start:])])

    def load(self, slot: int, data: bytes, start: int, end: int) -> bool:
        held = self.cache.setdefault(slot, [])
        assert len(held) == start
        begin = data[0]
        for token in data[1 + start - begin : 1 + end - begin]:
            held.append((self._next, token))
            self._next += 1
        return True

    def sampler(self, links: tuple[Link, ...], history: array[int]) -> int:
        self._next += 1
        self.samplers.add(self._next)
        return self._next

    def sample(self, sampler: int, output: int) -> int:
        assert sampler in self.samplers
        row = self.rows[output]
        return END if len(row) >= self.end_after else follows(row)

    def logprob(self, output: int, token: int) -> float:
        return -1.0 if follows(self.rows[output]) == token else -2.0

    def discard(self, sampler: int) -> None:
        self.samplers.remove(sampler)

    def piece(self, token: int) -> bytes:
        return bytes([token])

    def ends(self, token: int) -> bool:
        return token == END

    def close(self) -> None:
        self.closed = True


class Fake:
    """A loop over a fake machine, asked as the engine asks it."""

    def __init__(self, machine: FakeMachine, **options: Any) -> None:
        self.machine = machine
        machine.delay = options.pop("delay", 0.0)
        self.loop = Loop(machine, **options)

    def stream(self, prompt: str | list[int], **options: Any) -> LlamaReply:
        ids = list(prompt.encode()) if isinstance(prompt, str) else prompt
        where = {key: options.pop(key) for key in ("room", "person", "waiting") if key in options}
        stable = options.pop("stable", None)
        options.setdefault("max_tokens", 8)
        settings = {"room": "", "person": "", "waiting": True, **where}
        request = self.loop.ask(ids, Sampling(**options), stable=stable, **settings)
        return LlamaReply(self.loop, request)

    async def read(self, prompt: str | list[int], **options: Any) -> str:
        return "".join([piece async for piece in self.stream(prompt, **options)])

    async def rest(self) -> None:
        """Wait until nothing is at work."""
        for _ in range(500):
            stats = self.loop.snapshot()
            if not (stats.queued or stats.writing or stats.reading or self.loop._inbox):
                return
            await asyncio.sleep(0.005)
        raise AssertionError("the engine does not come to rest")

    def check(self) -> None:
        """The books agree with the cache, and no sampler is left."""
        assert self.loop.cache.slots.used == self.machine.used
        assert not self.machine.samplers
        assert not self.loop.cache.slots.running


def alone(prompt: str | list[int], most: int = 8, end_after: int = 10**9) -> str:
    """What the fake writes when it has nothing else to do and nothing stored."""
    tokens = list(prompt.encode()) if isinstance(prompt, str) else list(prompt)
    begin = len(tokens)
    while len(tokens) - begin < most and len(tokens) < end_after:
        tokens.append(follows(tokens))
    return bytes(tokens[begin:]).decode()


@pytest.fixture
def fake() -> Iterator[Callable[..., Fake]]:
    """Makes fakes: `fake(cells=…, replies=…)`; they are closed at the end."""
    made: list[Fake] = []

    def make(**options: Any) -> Fake:
        own = {k: options.pop(k) for k in ("replies", "host", "resting", "delay") if k in options}
        made.append(Fake(FakeMachine(**options), **own))
        return made[-1]

    yield make
    for one in made:
        one.loop.close()
        assert one.machine.closed


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random-weight GGUF, 0.5 MB. The wide spread makes its texts differ a lot."""
    path = tmp_path_factory.mktemp("models") / "tiny.gguf"
    write(path, SHAPES["tiny"], spread=0.2, exact=True)
    return path


@pytest.fixture
async def engine(tiny: Path) -> AsyncIterator[LlamaEngine]:
    """A real engine on the tiny model: four replies, one thread."""
    engine = LlamaEngine.open(tiny, context=512, replies=4, threads=1)
    yield engine
    await engine.close()


@pytest.fixture(name="alone")
def _alone() -> Callable[..., str]:
    """What the fake writes by itself."""
    return alone


def write_odd(path: Path, kind: str) -> None:
    """A tiny random model with another memory: mamba, lfm2 (hybrid), gemma3 (sliding window)."""
    width, inner, vocabulary, chance = 64, 128, 512, np.random.default_rng(3)
    writer: Any = gguf.GGUFWriter(path, kind)
    writer.add_context_length(512)
    writer.add_embedding_length(width)
    writer.add_block_count(2)
    writer.add_feed_forward_length(0 if kind == "mamba" else inner)
    writer.add_head_count(0 if kind == "mamba" else 2)
    writer.add_layer_norm_rms_eps(1e-6)
    write_vocabulary(writer, vocabulary)

    def add(name: str, *shape: int, spread: float = 0.3) -> None:
        data = chance.normal(0, spread, shape[::-1]).astype(np.float32)
        writer.add_tensor(name, data)

    def norm(name: str, size: int = width) -> None:
        writer.add_tensor(name, np.ones(size, np.float32))

    add("token_embd.weight", width, vocabulary)
    norm("token_embd_norm.weight" if kind == "lfm2" else "output_norm.weight")
    if kind == "mamba":
        state, rank, kernel = 8, 4, 4
        writer.add_ssm_conv_kernel(kernel)
        writer.add_ssm_inner_size(2 * width)
        writer.add_ssm_state_size(state)
        writer.add_ssm_time_step_rank(rank)
        for at in ("blk.0.", "blk.1."):
            norm(at + "attn_norm.weight")
            add(at + "ssm_in.weight", width, 4 * width)
            add(at + "ssm_conv1d.weight", kernel, 2 * width)
            add(at + "ssm_conv1d.bias", 2 * width)
            add(at + "ssm_x.weight", 2 * width, rank + 2 * state)
            add(at + "ssm_dt.weight", rank, 2 * width)
            add(at + "ssm_dt.bias", 2 * width)
            writer.add_tensor(at + "ssm_a", -np.ones((2 * width, state), np.float32))
            add(at + "ssm_d", 2 * width)
            add(at + "ssm_out.weight", 2 * width, width)
    else:
        if kind == "lfm2":
            writer.add_array("lfm2.attention.head_count_kv", [0, 2])
            writer.add_uint32("lfm2.shortconv.l_cache", 3)
        else:
            writer.add_head_count_kv(2)
            writer.add_sliding_window(16)
            writer.add_key_length(32)
            writer.add_value_length(32)
        for layer, at in enumerate(("blk.0.", "blk.1.")):
            norm(at + "attn_norm.weight")
            norm(at + "ffn_norm.weight")
            add(at + "ffn_gate.weight", width, inner)
            add(at + "ffn_up.weight", width, inner)
            add(at + "ffn_down.weight", inner, width)
            if kind == "lfm2" and layer == 0:
                add(at + "shortconv.conv.weight", 3, width)
                add(at + "shortconv.in_proj.weight", width, 3 * width)
                add(at + "shortconv.out_proj.weight", width, width)
                continue
            for name in ("q", "k", "v"):
                add(f"{at}attn_{name}.weight", width, width)
            add(at + "attn_output.weight", width, width)
            norm(at + "attn_q_norm.weight", 32)
            norm(at + "attn_k_norm.weight", 32)
            if kind == "gemma3":
                norm(at + "post_attention_norm.weight")
                norm(at + "post_ffw_norm.weight")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture
def odd(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a tiny model of an odd kind and returns its path."""

    def make(kind: str) -> Path:
        path = tmp_path / f"{kind}.gguf"
        write_odd(path, kind)
        return path

    return make
