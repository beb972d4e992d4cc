"""What the benchmark plays: scenes that go on at the same time, and what is measured of them."""

from __future__ import annotations

import asyncio
import math
import random
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

# Lengths in tokens, as scenes of the novel have them in a vocabulary with Chinese words.
WORLD, CARD, SAID, MARKUP = 200, 150, 30, 4


@dataclass(frozen=True)
class Play:
    """What is played: `tail` tokens are read for one reply and forgotten."""

    scenes: int
    turns: int
    characters: int
    reply: int
    tail: int
    vocabulary: int
    arrival: int = 0

    def words(self, name: str, n: int) -> list[int]:
        """`n` tokens of plain text that depend on nothing but their name."""
        chance = random.Random(name)
        return [chance.randrange(self.vocabulary // 2, self.vocabulary) for _ in range(n)]

    def system(self, speaker: int | None) -> list[int]:
        """World and cards: everybody's (None), or only the speaker's, first."""
        cards = [self.words(f"card {n}", CARD) for n in range(self.characters)]
        if speaker is not None:
            return cards[speaker] + self.words("world", WORLD)
        return self.words("world", WORLD) + [token for card in cards for token in card]

    @property
    def context(self) -> int:
        turn = SAID + 2 * MARKUP + self.reply
        prefix = WORLD + CARD * self.characters
        longest = prefix + self.turns * turn + self.tail + 64
        return -(-max(longest, self.arrival + prefix + 256) // 256) * 256


@dataclass
class Measured:
    """One contender's run. Times in seconds, tokens as counts."""

    ttft: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    evaluated: int = 0
    generated: int = 0
    new: int = 0  # turns, tails, and each distinct prefix once
    wall: float = 0.0
    cells: int = 0
    python: float | None = None

    def report(self, play: Play) -> dict[str, float | None]:
        replies = self.generated if play.tail else 0
        return {
            "prefill_ratio": round(self.evaluated / self.new, 3),
            # A tail stands before the reply, so with tails each reply is read once more.
            "prefill_ratio_with_replies": round(self.evaluated / (self.new + replies), 3),
            "evaluated": self.evaluated,
            "new": self.new,
            "ttft_p50_s": round(quantile(self.ttft, 0.5), 3),
            "ttft_p95_s": round(quantile(self.ttft, 0.95), 3),
            "gap_p50_s": round(quantile(self.gaps, 0.5), 4),
            "gap_p99_s": round(quantile(self.gaps, 0.99), 4),
            "gen_tok_s": round(self.generated / self.wall, 2),
            "wall_s": round(self.wall, 2),
            "kv_cells_peak": self.cells,
            "python_share": None if self.python is None else round(self.python, 4),
        }


@dataclass
class Said:
    """A reply as a contender gives it: its tokens one by one, then what its prompt cost."""

    tokens: list[int] = field(default_factory=list)
    evaluated: int = 0


class Contender(Protocol):
    """Something that continues prompts."""

    swapped: bool  # whether it gets the speaker's card at the top, as most front ends do

    def reply(self, prompt: list[int], scene: int, n: int, said: Said) -> AsyncIterator[None]:
        """Yield once a token (or a few); fill `said`."""
        ...

    async def close(self, measured: Measured) -> None: ...


async def play_scene(play: Play, contender: Contender, scene: int, measured: Measured) -> None:
    """One scene from its first turn to its last."""
    transcript: list[int] = []
    name = f"scene {scene}"
    for turn in range(play.turns):
        speaker = (scene + turn) % play.characters
        system = play.system(speaker if contender.swapped else None)
        transcript += play.words(f"{name} turn {turn}", SAID + MARKUP)
        tail = play.words(f"{name} tail {turn}", play.tail)
        opening = play.words(f"opening {speaker}", MARKUP)
        said = await listen(contender, system + transcript + tail + opening, scene, play, measured)
        # With a tail the name is read twice: behind the tail, and in the transcript afterwards.
        measured.new += SAID + 2 * MARKUP + play.tail + (MARKUP if play.tail and turn else 0)
        transcript += opening + said.tokens


async def listen(
    contender: Contender, prompt: list[int], scene: int, play: Play, measured: Measured, n: int = 0
) -> Said:
    """One reply, with a watch in hand."""
    said = Said()
    began = last = time.perf_counter()
    first = True
    async for _ in contender.reply(prompt, scene, n or play.reply, said):
        now = time.perf_counter()
        (measured.ttft if first else measured.gaps).append(now - (began if first else last))
        last, first = now, False
    measured.evaluated += said.evaluated
    measured.generated += len(said.tokens)
    return said


async def play_all(play: Play, contender: Contender) -> Measured:
    """All scenes at once."""
    measured = Measured()
    speakers: list[int | None] = list(range(play.characters)) if contender.swapped else [None]
    measured.new = sum(len(play.system(speaker)) for speaker in speakers)
    began = time.perf_counter()
    await asyncio.gather(*(play_scene(play, contender, n, measured) for n in range(play.scenes)))
    measured.wall = time.perf_counter() - began
    await contender.close(measured)
    return measured


async def play_arrival(play: Play, contender: Contender) -> Measured:
    """Replies are being written in all scenes when a long prompt arrives; gaps from then on."""
    measured, quiet = Measured(), Measured()
    measured.new = 1
    arrived = asyncio.Event()

    async def write(scene: int) -> None:
        said, last, seen = Said(), 0.0, 0
        prompt = play.system(None) + play.words(f"scene {scene}", SAID)
        async for _ in contender.reply(prompt, scene, play.reply, said):
            now, seen = time.perf_counter(), seen + 1
            if last:
                (measured if arrived.is_set() and not over.is_set() else quiet).gaps.append(
                    now - last
                )
            last = now
            if seen == play.reply // 4:
                started.release()
        measured.generated += len(said.tokens)

    over, started = asyncio.Event(), asyncio.Semaphore(0)
    began = time.perf_counter()
    writers = [asyncio.create_task(write(scene)) for scene in range(play.scenes)]
    for _ in writers:
        await started.acquire()
    arrived.set()
    long = Said()
    at = time.perf_counter()
    async for _ in contender.reply(play.words("long", play.arrival), play.scenes, 2, long):
        if not over.is_set():
            measured.ttft.append(time.perf_counter() - at)
        over.set()
    await asyncio.gather(*writers)
    measured.wall = time.perf_counter() - began
    measured.evaluated = long.evaluated
    await contender.close(measured)
    print(
        f"quiet gap: median {quantile(quiet.gaps, 0.5):.4f} s, p99 {quantile(quiet.gaps, 0.99):.4f}"
        f" s; while {play.arrival} tokens arrive: median {quantile(measured.gaps, 0.5):.4f} s, "
        f"p99 {quantile(measured.gaps, 0.99):.4f} s, longest {max(measured.gaps):.4f} s",
        file=sys.stderr,
    )
    return measured


def quantile(values: Sequence[float], q: float) -> float:
    """The nearest-rank quantile; 0 of nothing."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, math.ceil(q * len(ranked)) - 1)] if ranked else 0.0
