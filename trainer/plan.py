"""`mrp train --plan`: what a tuning will need, reckoned from its recipe alone.

Nothing is loaded: the shape of the base stands in the recipe. Weights, adapter, gradients and
optimizer are counted exactly; what one layer keeps on the way is a sum over its parts, checked
against measured peaks by benchmarks/train_memory.py.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer import shards
from trainer.recipe import Base, Tuning

GIB = 2**30
# The driver's own memory and what the allocator cannot use for the shapes it has.
_CONTEXT = 0.45 * GIB
# What a consumer card does on such shapes, about half of its 16-bit peak: an assumption, and the
# only one here that is about speed.
_USEFUL_FLOPS = 25e12


@dataclass(frozen=True, slots=True)
class Plan:
    """Bytes at the peak, by part."""

    parts: dict[str, int]

    @property
    def peak(self) -> int:
        return sum(self.parts.values())


def linears(base: Base) -> dict[str, tuple[int, int]]:
    """The matrices of one layer: name -> (in, out)."""
    inner, group = base.heads * base.head_width, base.groups * base.head_width
    return {
        "q": (base.width, inner),
        "k": (base.width, group),
        "v": (base.width, group),
        "o": (inner, base.width),
        "gate": (base.width, base.feed_forward),
        "up": (base.width, base.feed_forward),
        "down": (base.feed_forward, base.width),
    }


def reckon(recipe: Tuning, *, gpu: bool = True) -> Plan:
    """What the recipe needs at its peak. `gpu` False leaves out what only a GPU's driver takes."""
    base, method, train = recipe.base, recipe.method, recipe.train
    matrices = linears(base).values()
    linear = base.layers * sum(i * o for i, o in matrices)
    table = base.vocabulary * base.width
    norms = base.layers * 2 * base.width + base.width
    full, quantized = method.kind == "full", method.kind == "qlora"
    outer = table * (1 if base.tied or train.embeddings_on_cpu else 2)
    # NF4: half a byte a weight; a scale for 64 of them, itself in 8 bits with one for 256 scales.
    scale = (1 + 4 / 256) / 64 if method.double_quant else 4 / 64
    per_weight = 0.5 + scale if quantized else (4 if full else 2)
    wide = 4 if full else 2
    trained = linear + table * (1 if base.tied else 2) + norms
    if not full:
        trained = base.layers * method.rank * sum(i + o for i, o in matrices)
    states = {"adamw": 8.0, "adamw_8bit": 2.03, "paged_adamw_8bit": 2.03}[train.optimizer]
    parts: dict[str, float] = {
        "base": linear * per_weight,
        "embeddings": (outer + norms) * wide,
        "adapter": 0 if full else trained * 4,
        "gradients": trained * 4,
        "optimizer": trained * states,
        "checkpoints": train.row * base.width * 2 * (base.layers + 2) * train.checkpointing,
        # A 4-bit matrix is unpacked, a 32-bit one made 16 bits wide, when it is used.
        "workspace": max(i * o for i, o in matrices) * 2 if quantized else 0,
    }
    if full:
        parts["workspace"] = sum(i * o for i, o in matrices) * 2
    # The last layers' way back begins when the logits are gone: never both.
    logits = min(train.loss_chunk, train.row) * base.vocabulary * 4 * 3
    row = train.row
    if recipe.preference:  # two replies at a time, all their logits at once, and where it began
        row *= 2
        logits = row * base.vocabulary * 4 * 3
        parts["adapter"] += 0 if full else trained * 4
        parts["checkpoints"] *= 2
    each = kept_bytes(recipe, gpu=gpu)
    if train.checkpointing:
        parts["layer or logits"] = max(logits, row * (each + _passing(base)))
    else:
        parts["layers"] = row * each * base.layers
        parts["layer or logits"] = max(logits, row * _passing(base))
    if gpu:
        parts["context"] = _CONTEXT
    return Plan({part: int(size) for part, size in parts.items()})


@dataclass(frozen=True, slots=True)
class Work:
    """What a run will read: tokens of all epochs, optimizer steps, hours on a consumer card."""

    tokens: int
    steps: int
    hours: float


def work(recipe: Tuning) -> Work | None:
    """None: there are no lessons yet."""
    counted = _lessons(recipe)
    if counted is None:
        return None
    base, train = recipe.base, recipe.train
    tokens, steps = counted, math.ceil(counted / train.row / train.accumulate)
    weights = base.layers * sum(i * o for i, o in linears(base).values())
    weights += base.vocabulary * base.width
    # Forward, again for checkpointing, and back: 2 operations a weight each; all weights: one more.
    passes = 2 + train.checkpointing + (recipe.method.kind == "full")
    flops = 2 * weights * tokens * train.epochs * passes
    return Work(tokens * train.epochs, steps * train.epochs, flops / _USEFUL_FLOPS / 3600)


def kept_bytes(recipe: Tuning, *, gpu: bool) -> float:
    """Bytes a token that one layer keeps between its forward and its backward pass."""
    base, method = recipe.base, recipe.method
    inner, group = base.heads * base.head_width, base.groups * base.head_width
    kept: float = 2 * (4 + 2) * base.width  # two norms: the input in float32, the output
    kept += 2 * (2 * inner + 2 * group) * 2  # query and key before and after the rotation, value
    kept += 4 * base.feed_forward * 2  # gate, its activation, up, their product
    if method.kind != "full" and method.dropout:
        # Each adapter has its own mask and its own copy of the input. PyTorch's mask is one byte
        # on a GPU; on a CPU it is as wide as the input and a copy more is made on the way.
        kept += sum(i for i, _ in linears(base).values()) * (3 if gpu else 5.5)
    return kept


def _passing(base: Base) -> float:
    """Bytes a token that come and go while a layer goes back: four gradients in its MLP."""
    return 4 * base.feed_forward * 2 + base.width * 2


def _lessons(recipe: Tuning) -> int | None:
    """Tokens of one epoch, at three for four characters, cards and names reckoned with them."""
    file = Path(recipe.data.lessons) / "train.jsonl"
    if not file.is_file():
        return None
    card = 200 if recipe.prompt.cards == "full" else 30
    letters = 0
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            letters += len(row["reply"]) + sum(len(turn["text"]) + 8 for turn in row["turns"])
            letters += card * len(row["cast"])
    return int(letters * 0.75)


# What can be turned when it does not fit, gentlest first.
_KNOBS: dict[str, Callable[[Tuning], Tuning]] = {
    'method.kind = "qlora"': lambda r: _with(r, "method", kind="qlora"),
    "train.checkpointing = true": lambda r: _with(r, "train", checkpointing=True),
    'train.optimizer = "paged_adamw_8bit"': lambda r: _with(
        r, "train", optimizer="paged_adamw_8bit"
    ),
    "train.embeddings_on_cpu = true": lambda r: (
        r if r.base.tied else _with(r, "train", embeddings_on_cpu=True)
    ),
    "train.loss_chunk = 128": lambda r: _with(r, "train", loss_chunk=min(128, r.train.loss_chunk)),
    "method.dropout = 0.0": lambda r: _with(r, "method", dropout=0.0),
    "train.row = 1024": lambda r: _with(r, "train", row=min(1024, r.train.row)),
    "method.rank = 16": lambda r: (
        r if r.preference else _with(r, "method", rank=min(16, r.method.rank))
    ),
    "train.row = 512": lambda r: _with(r, "train", row=min(512, r.train.row)),
}


def _with(recipe: Tuning, table: str, **changes: Any) -> Tuning:
    changed = dataclasses.replace(getattr(recipe, table), **changes)
    return dataclasses.replace(recipe, **{table: changed})


def advice(recipe: Tuning, memory: int) -> list[str]:
    """The knobs, gentlest first, that together make it fit; [] when nothing does."""
    turned: list[str] = []
    for knob, turn in _KNOBS.items():
        changed = turn(recipe)
        if reckon(changed).peak < reckon(recipe).peak:
            recipe = changed
            turned.append(knob)
        if reckon(recipe).peak <= memory:
            return turned
    return []


def show(recipe: Tuning, memory: str, *, as_json: bool) -> int:
    """Print the plan. Returns 0 when it fits `memory` ("8GiB"), else 2."""
    room, plan = shards.size(memory), reckon(recipe)
    fits = plan.peak <= room
    print(f"{recipe.name}: {plan.peak / GIB:.2f} GiB at the peak, {room / GIB:.2f} GiB there")
    for part, size in sorted(plan.parts.items(), key=lambda item: -item[1]):
        print(f"  {part:<12} {size / GIB:6.2f} GiB")
    reads = work(recipe)
    if reads:
        print(
            f"  about {reads.tokens:,} tokens, {reads.steps:,} steps, {reads.hours:.1f} h on a "
            f"card that does {_USEFUL_FLOPS / 1e12:.0f} TFLOP/s of such work"
        )
    else:
        print(f"  {recipe.data.lessons}: no lessons there yet, so no steps and no time")
    turned = [] if fits else advice(recipe, room)
    if not fits:
        print("it does not fit; " + (f"set {', '.join(turned)}" if turned else "no knob helps"))
    if as_json:
        told = {
            "fits": fits,
            "peak_gib": round(plan.peak / GIB, 3),
            "parts": {part: round(size / GIB, 3) for part, size in plan.parts.items()},
            "settings": settings(recipe),
            "tokens": reads.tokens if reads else 0,
            "steps": reads.steps if reads else 0,
            "hours": round(reads.hours, 2) if reads else 0.0,
            "advice": turned,
        }
        print(json.dumps(told))
    return 0 if fits else 2


def settings(recipe: Tuning) -> dict[str, Any]:
    """The knobs that memory depends on."""
    train, method = recipe.train, recipe.method
    return {
        "kind": method.kind,
        "rank": method.rank,
        "dropout": method.dropout,
        "double_quant": method.double_quant,
        "row": train.row,
        "optimizer": train.optimizer,
        "checkpointing": train.checkpointing,
        "embeddings_on_cpu": train.embeddings_on_cpu,
        "loss_chunk": train.loss_chunk,
    }
