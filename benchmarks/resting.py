"""What idle rooms cost those that talk: a step looks at every cell of the cache in use.

    python -m benchmarks.resting                      two blocks of the 0.5B's shape, random weights
    python -m benchmarks.resting --model FILE.gguf    a real one: its first reading takes long
    python -m benchmarks.resting --resting 999999 4096 2048 0

Rooms of 1,300 tokens (400 of them common to all) talk four at a time, in changing order, two turns
each, once with every bound on how many tokens of idle rooms stay in the cache. The last line is
JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
import time
from pathlib import Path
from typing import Any

from engine.llama import LlamaEngine
from engine.sequence import Sampling
from engine.shapes import Shape, write

CARDS, TALK, TURN, REPLY = 400, 900, 40, 24  # tokens
TWO_BLOCKS = Shape(2, 896, 14, 2, 4864, 2048, 32_768, tied=True)


async def play(model: Path, resting: int, rooms: int, threads: int) -> dict[str, Any]:
    """Read all rooms, then measure two turns of each. Seconds are of the processor's time, but
    for the first tokens' (on the clock)."""
    engine = LlamaEngine.open(model, context=4096, replies=8, threads=threads, resting=resting)
    chance = random.Random(1)
    never_ends = tuple((token, float("-inf")) for token in engine.ends)
    top = min(engine.vocabulary, 2000)

    def words(count: int) -> list[int]:
        return [chance.randrange(300, top) for _ in range(count)]

    cards, talks, firsts = words(CARDS), [words(TALK) for _ in range(rooms)], []

    async def turn(room: int) -> None:
        talks[room] += words(TURN)
        prompt, began = [*cards, *talks[room]], time.monotonic()
        how = Sampling(temperature=0.8, seed=room, max_tokens=REPLY, bias=never_ends)
        reply = engine.stream(prompt, how, room=str(room), stable=len(prompt))
        first = 0.0
        async for _ in reply:
            first = first or time.monotonic() - began
        firsts.append(first)
        talks[room] += reply.tokens

    try:
        for room in range(rooms):
            await turn(room)
        firsts.clear()
        before, busy, order = engine.stats(), time.process_time(), list(range(rooms))
        for _ in range(2):
            chance.shuffle(order)
            for at in range(0, rooms, 4):
                await asyncio.gather(*map(turn, order[at : at + 4]))
        busy, after = time.process_time() - busy, engine.stats()
    finally:
        await engine.close()
    firsts.sort()
    return {
        "resting": resting,
        "cpu_s": round(busy, 1),
        "first_p50_s": round(firsts[len(firsts) // 2], 2),
        "first_p95_s": round(firsts[int(len(firsts) * 0.95)], 2),
        "cells_used": after.cells_used,
        "restored": after.restored - before.restored,
        "read": after.evaluated - before.evaluated,
    }


async def main() -> None:
    parser = argparse.ArgumentParser(description="What idle rooms cost those that talk.")
    parser.add_argument("--model", type=Path, help="(two blocks of random weights)")
    parser.add_argument("--rooms", type=int, default=28)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--resting", type=int, nargs="+", default=[999_999, 2048], metavar="TOKENS")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = chosen.model or Path(folder) / "two.gguf"
        if chosen.model is None:
            write(model, TWO_BLOCKS)
        found = []
        for resting in chosen.resting:
            found.append(await play(model, resting, chosen.rooms, chosen.threads))
            print(" · ".join(f"{name} {value}" for name, value in found[-1].items()), flush=True)
    print(json.dumps({"rooms": chosen.rooms, "runs": found}))


if __name__ == "__main__":
    asyncio.run(main())
