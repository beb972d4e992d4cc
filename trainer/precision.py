"""In what numbers a base model is held and multiplied while it learns.

A GPU has bfloat16 or float16. Of the CPUs that have instructions for bfloat16 some are faster with
float32 all the same. On an AMD EPYC a step in bfloat16 took 37 to 43 ms of processor time a token
and 66 in float32 (trainer/LOG.md); one core of an Intel Xeon whose AMX its virtual machine hides
multiplies 84 GFLOP/s in bfloat16 and 136 in float32. `python -m trainer.precision` measures both
here. A run does not: on a busy machine it would decide by chance, and processes that train one
model together, or a run that goes on, would have other losses.
"""

from __future__ import annotations

import math
import os
import time
from functools import lru_cache
from pathlib import Path

import torch

from trainer.plan import linears
from trainer.recipe import Tuning

_ROOM = 0.5  # share of the memory that float32 weights may take


def precision(recipe: Tuning) -> torch.dtype:
    """What the frozen weights of a recipe's base are held and used in: bfloat16 where it is fast
    or float32 would take more than half of the machine's memory; else float32, on a GPU without
    bfloat16 float16."""
    if torch.cuda.is_available():
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if not torch.cpu._is_avx512_bf16_supported():
        return torch.float32
    wide = 4 * _weights(recipe) > _ROOM * _memory()
    return torch.bfloat16 if wide or bf16_pays() else torch.float32


@lru_cache(maxsize=1)
def bf16_pays() -> bool:
    """Whether this CPU is faster in bfloat16 than in float32: one with AMX, or with AVX-512's
    instructions and not from Intel."""
    if not torch.cpu._is_avx512_bf16_supported():
        return False
    return torch.cpu._is_amx_tile_supported() or "GenuineIntel" not in _cpu()


def _cpu() -> str:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux
        return ""


def speed(kind: torch.dtype) -> float:
    """Multiplications and additions a second in a product like a model's: the best of four."""
    tokens, width, inner = 128, 1024, 2048
    x, weight = torch.ones(tokens, width, dtype=kind), torch.ones(inner, width, dtype=kind)
    best = math.inf
    with torch.no_grad():
        for _ in range(4):
            begun = time.perf_counter()
            torch.nn.functional.linear(x, weight)
            best = min(best, time.perf_counter() - begun)
    return 2 * tokens * width * inner / best


def _weights(recipe: Tuning) -> int:
    base = recipe.base
    tables = base.vocabulary * base.width * (1 if base.tied else 2)
    return base.layers * sum(i * o for i, o in linears(base).values()) + tables


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


if __name__ == "__main__":
    for kind in (torch.float32, torch.bfloat16):
        print(f"{kind}: {speed(kind) / 1e9:.0f} GFLOP/s")
