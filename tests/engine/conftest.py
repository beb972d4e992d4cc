"""A machine without a model that checks every rule of the cache, and a tiny real GGUF."""

from __future__ import annotations

import asyncio
import time
import zlib
from array import array
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.llama import LlamaEngine, LlamaReply
from engine.loop import Entry, Loop
from engine.sampling import Link
from engine.sequence import Sampling
from engine.shapes import SHAPES, write
from engine.slots import Move

END = 0


def follows(tokens: list[int] | array[int]) -> int:
    """The fake's next token: any change of what it reads changes it."""
    return zlib.crc32(bytes(repr(list(tokens)), "ascii")) % 96 + 32


class FakeMachine:
    """Cells, sequences and outputs as llama.cpp has them; the text follows from the cache alone."""

    vocabulary = 128

    def __init__(
        self, *, context: int = 200, cells: int = 400, slots: int = 12, cuttable: bool = True
    ) -> None:
        self.context, self.cells, self.slots = context, cells, slots
        self.batch, self.outputs, self.cuttable, self.seconds = 64, 16, cuttable, 0.0
        self.cache: dict[int, list[tuple[int, int]]] = {}  # slot -> (cell, token)
        self.rows: list[list[int]] = []
        self.evaluated: list[int] = []  # tokens a batch
        self.samplers: set[int] = set()
        self.end_after = 10**9  # length of a sequence at which the model ends
        self.trouble: Callable[[list[Entry]], None] = lambda entries: None
        self.delay = 0.0  # seconds a batch
        self.closed = False
        self._next = 0

    @property
    def used(self) -> int:
        return len({cell for held in self.cache.values() for cell, _ in held})

    def evaluate(self, entries: list[Entry]) -> None:
        time.sleep(self.delay)
        self.trouble(entries)
        self.rows = []
        assert 0 < sum(len(entry.tokens) for entry in entries) <= self.batch
        for entry in entries:
            held = self.cache.setdefault(entry.slot, [])
            assert len(held) == entry.position, "positions must go on where the cache ends"
            for at, token in enumerate(entry.tokens):
                held.append((self._next, token))
                self._next += 1
                if at >= len(entry.tokens) - entry.outputs:
                    self.rows.append([token for _, token in held])
        assert len(self.rows) <= self.outputs
        assert self.used <= self.cells, "more cells than there are"
        self.evaluated.append(sum(len(entry.tokens) for entry in entries))

    def move(self, move: Move) -> None:
        held = self.cache.get(move.slot, [])
        if move.kind == "copy":
            assert not held
            source = self.cache[move.source]
            assert self.cuttable or move.n == len(source)
            self.cache[move.slot] = source[: move.n]
        else:
            assert self.cuttable or move.n in (0, len(held)), "this memory cannot be cut"
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
        line = self.loop.ask(ids, Sampling(**options), stable=stable, **settings)
        return LlamaReply(self.loop, line)

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
        assert self.loop._slots.used == self.machine.used
        assert not self.machine.samplers
        assert not self.loop._slots.running


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
        own = {k: options.pop(k) for k in ("replies", "shelf", "delay") if k in options}
        made.append(Fake(FakeMachine(**options), **own))
        return made[-1]

    yield make
    for one in made:
        one.loop.close()
        assert one.machine.closed


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random-weight GGUF, 90 kB. The wide spread makes its texts differ a lot."""
    path = tmp_path_factory.mktemp("models") / "tiny.gguf"
    write(path, SHAPES["tiny"], spread=0.3)
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
