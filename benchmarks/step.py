"""Where a step goes: `perf` looks at one process while it decodes, and its samples are sorted by
what is computed.

    python -m benchmarks.step MODEL.gguf --replies 4            decoding, a token a reply
    python -m benchmarks.step MODEL.gguf --prompt               reading a prompt, in whole batches
    python -m benchmarks.step MODEL.gguf --replies 4 --voice F  with an adapter

Needs Linux's `perf` (Debian: linux-perf) and the right to sample one's own process. A software
clock is sampled, so it works without counters too (virtual machines). Prints a table and, as the
last line, JSON: shares of the samples of all threads.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from engine.llama import LlamaEngine
from engine.sequence import Sampling

# What a symbol's name tells, the first that fits. `gemv` is one token's product, `gemm` four's. The
# functions of ggml's CPU library that have no name in a stripped build are, by their instructions,
# the products of llamafile's kernels: Q5_0, Q8_0 and what is not repacked.
PARTS = (
    ("products with Q4_K", r"q4_?K"),
    ("products with Q5_K", r"q5_?K"),
    ("products with Q6_K", r"q6_?K"),
    ("products with Q8_0", r"q8_0"),
    ("products with other types", r"gem[mv]|vec_dot|sgemm|mul_mat"),
    ("products in kernels without a symbol", r"libggml-cpu\S*\s+\[\.\] 0x"),
    ("rounding of activations", r"quantize"),
    ("attention", r"flash_attn|soft_?max"),
    ("norms, rotation, activation, copies", r"ggml_compute_forward|ggml_vec|rms_norm|rope|memcpy"),
    ("waiting for the other threads", r"barrier|gomp|sched_yield|futex"),
    ("choosing a token", r"llama_sampler|sampler|partial_sort|sort_heap|adjust_heap"),
    ("building and scheduling the graph", r"llama_|ggml_|graph|alloc"),
    ("Python", r"Py|_eval|python"),
)


async def decode(engine: LlamaEngine, prompt: list[int], replies: int, tokens: int) -> None:
    """Write `replies` at once, `tokens` each; no reply ends by itself."""
    never_ends = tuple((token, float("-inf")) for token in engine.ends)

    async def one(seed: int) -> None:
        how = Sampling(temperature=0.8, seed=seed, max_tokens=tokens, bias=never_ends)
        async for _ in engine.stream([*prompt, seed], how):
            pass

    await asyncio.gather(*(one(seed) for seed in range(100, 100 + replies)))


async def measure(chosen: argparse.Namespace) -> dict[str, Any]:
    """Warm up, sample while it works, and say seconds and steps."""
    engine = LlamaEngine.open(
        chosen.model,
        context=2048,
        replies=chosen.replies,
        threads=chosen.threads,
        adapter=chosen.voice,
        stretch=1000.0,
    )
    prompt = engine.encode("却说行者按下云头，叫道：“师父，前面就是火焰山了。” " * 40)[:400]
    try:
        await decode(engine, prompt, chosen.replies, 4)  # the prompt is in the cache from now on
        sampled = tempfile.mkdtemp()
        try:
            data = Path(sampled) / "perf.data"
            command = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "499", "-o", str(data)]
            perf = await asyncio.create_subprocess_exec(*command, "-p", str(os.getpid()))
            await asyncio.sleep(1.0)  # it opens its events
            before, began = engine.stats(), time.perf_counter()
            if chosen.prompt:
                await decode(engine, list(reversed(prompt)) * 3, 1, 1)
            else:
                await decode(engine, prompt, chosen.replies, chosen.tokens)
            seconds, after = time.perf_counter() - began, engine.stats()
            perf.send_signal(signal.SIGINT)
            await perf.wait()
            parts = sort(report(data))
        finally:
            shutil.rmtree(sampled)
    finally:
        await engine.close()
    steps = after.steps - before.steps
    return {
        "steps": steps,
        "ms_a_step": round(1000 * seconds / steps, 1),
        "tokens_s": round((after.generated - before.generated) / seconds, 1),
        "read_s": round((after.evaluated - before.evaluated) / seconds, 1),
        "shares": parts,
    }


def report(data: Path) -> list[tuple[float, str]]:
    """What `perf` saw: percent of the samples, and the symbol."""
    command = [
        "perf",
        "report",
        "-i",
        str(data),
        "--stdio",
        "--no-children",
        "-F",
        "overhead,dso,sym",
    ]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = re.findall(r"^\s*([\d.]+)%\s+(.+?)\s*$", text, re.MULTILINE)
    return [(float(share), symbol) for share, symbol in rows]


def sort(rows: list[tuple[float, str]]) -> dict[str, float]:
    """Percent by part; what no part knows is "other", its largest five symbols are printed."""
    shares: dict[str, float] = defaultdict(float)
    unknown = []
    for share, symbol in rows:
        part = next((name for name, sign in PARTS if re.search(sign, symbol)), "other")
        shares[part] += share
        if part == "other":
            unknown.append((share, symbol))
    for share, symbol in sorted(unknown, reverse=True)[:5]:
        print(f"other: {share:.1f} %  {symbol}")
    return {
        part: round(share, 1) for part, share in sorted(shares.items(), key=lambda row: -row[1])
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Where a step goes, by perf's samples.")
    parser.add_argument("model", type=Path)
    parser.add_argument("--voice", type=Path, metavar="FILE", help="a LoRA adapter on it")
    parser.add_argument("--replies", type=int, default=4, help="written at once (4)")
    parser.add_argument("--tokens", type=int, default=48, help="of each reply (48)")
    parser.add_argument("--threads", type=int, help="(physical cores)")
    parser.add_argument("--prompt", action="store_true", help="reading a prompt instead")
    chosen = parser.parse_args()
    if shutil.which("perf") is None:
        raise SystemExit("perf is not installed (Debian: apt install linux-perf)")
    told = asyncio.run(measure(chosen))
    print(
        f"{told['ms_a_step']} ms a step, {told['tokens_s']} tokens/s written, {told['read_s']} read"
    )
    for part, share in told["shares"].items():
        print(f"{share:5.1f} %  {part}")
    print(json.dumps({"model": chosen.model.name, "replies": chosen.replies, **told}))


if __name__ == "__main__":
    main()
