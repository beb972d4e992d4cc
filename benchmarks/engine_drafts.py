"""Do draft tokens from the book pay? Replies with a passage in the prompt, drafted and not.

    python -m benchmarks.engine_drafts NOVEL [--model models/xiyou-mini.gguf] [--draft 6]

The passage stands where a tail has it; in half of the prompts the reply has begun with the first
words of a line of that passage, as when a character quotes. Prints acceptance and speed for one
reply at a time and for four; the last line is JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import time
from pathlib import Path

from engine.llama import LlamaEngine
from engine.sequence import Sampling


def prompts(engine: LlamaEngine, novel: str, n: int) -> list[list[int]]:
    """`n` prompts: a passage, the speaker's name, and for every second one a beginning."""
    chance = random.Random(1)
    lines = list(re.finditer(r"行者(?:笑)?道：“([^“”]{20,60})”", novel))
    made = []
    for number, line in enumerate(chance.sample(lines, n)):
        passage = novel[max(0, line.start() - 120) : line.end() + 40].replace("\n", "")
        tokens = engine.encode("<|im_start|>system\n", True)
        tokens += engine.encode(f"书中：\n{passage}\n接下来：孙悟空")
        tokens += engine.encode("<|im_end|>\n<|im_start|>assistant\n", True)
        begun = line[1][: 6 * (number % 2)]
        made.append(tokens + engine.encode("孙悟空：" + begun))
    return made


async def measure(
    model: Path, novel: str, draft: int, together: int, warmth: float
) -> dict[str, float]:
    """Generate for every prompt, `together` at a time."""
    engine = LlamaEngine.open(model, context=1024, replies=together)
    made = prompts(engine, novel, 48)
    for tokens in made:  # read all of them first: only writing is measured
        async for _ in engine.stream(tokens, Sampling(max_tokens=1)):
            pass
    before = engine.stats()
    began = time.perf_counter()

    async def write(some: list[list[int]]) -> None:
        for number, tokens in enumerate(some):
            sampling = Sampling(temperature=warmth, max_tokens=48, draft=draft, seed=number)
            async for _ in engine.stream(tokens, sampling):
                pass

    await asyncio.gather(*(write(made[n::together]) for n in range(together)))
    seconds = time.perf_counter() - began
    stats = engine.stats()
    await engine.close()
    drafted, accepted = stats.drafted - before.drafted, stats.accepted - before.accepted
    generated = stats.generated - before.generated
    return {
        "tok_s": round(generated / seconds, 1),
        "generated": generated,
        "drafted": drafted,
        "acceptance": round(accepted / drafted, 3) if drafted else 0.0,
        "from_drafts": round(accepted / generated, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("novel", type=Path)
    parser.add_argument("--model", type=Path, default=Path("models/xiyou-mini.gguf"))
    parser.add_argument("--draft", type=int, default=6)
    given = parser.parse_args()
    novel = given.novel.read_text("utf-8")
    report: dict[str, dict[str, float]] = {}
    for together in (1, 4):
        for warmth in (0.0, 0.8):
            for draft in (0, given.draft):
                name = f"{together} at once, temperature {warmth:g}, draft {draft}"
                result = asyncio.run(measure(given.model, novel, draft, together, warmth))
                report[name] = result
                print(f"{name}: {result}")
    print(json.dumps(report, ensure_ascii=False))


if __name__ == "__main__":
    main()
