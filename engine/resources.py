"""How a model is laid out in memory: cells, type of the cache, layers on the GPU. Pure arithmetic.

The cache costs, per token and layer, the keys' and values' width in bytes (f16: 2 a number, q8_0:
34 bytes for 32 numbers). What a batch needs beside it was read off llama.cpp's own report with
flash attention (docs/quantize.md, "What fits"): for each of its tokens 3 × the inner and 4 × the
outer width in float32, and half a float a cell for the mask. Everything else follows from the
file's size. Planned, not measured: on a GPU the plan leaves a tenth of the budget free.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from engine.sequence import OutOfMemory

GiB = 1 << 30
KV = Literal["f16", "q8_0"]
_BYTES: dict[KV, float] = {"f16": 2.0, "q8_0": 34 / 32}
# Where a file does not say: the largest vocabulary in use.
_VOCABULARY = 152_000
# A GPU's runtime and llama.cpp's small buffers.
_RUNTIME = 64 << 20
# Without a budget the cache may take this much of the machine's memory.
_UNASKED = 2 * GiB


@dataclass(frozen=True, slots=True)
class Layout:
    """`cells` tokens in the cache, kept as `kv`; `layers` of the model on the GPU (-1: all)."""

    cells: int
    kv: KV = "f16"
    layers: int = -1


@dataclass(frozen=True, slots=True)
class Needs:
    """Bytes: the weights, the cache, a batch's scratch memory, the logits that are handed out, and
    what the runtime takes."""

    weights: int
    cache: int
    compute: int
    outputs: int
    runtime: int = _RUNTIME

    @property
    def total(self) -> int:
        return self.weights + self.cache + self.compute + self.outputs + self.runtime


def plan(
    metadata: Mapping[str, str],
    size: int,
    *,
    context: int,
    replies: int,
    vram: float | None = None,
) -> Layout:
    """Lay out a model of `size` bytes for `replies` of up to `context` tokens within `vram` GiB.

    In this order, until it fits: everything as wished; the cache in q8_0 (its error is below that
    of a 4-bit model); fewer cells, down to two contexts; fewer layers on the GPU. Without `vram`
    only the cache is bounded.

    Raises:
        OutOfMemory: not even one context and one layer fit.
    """
    each = cell_bytes(metadata)
    wished = context * (replies + 1)  # everybody's context, and one that all may share
    if vram is None:
        fitting = int(_UNASKED / each["f16"]) if each["f16"] else wished
        return Layout(max(context, min(wished, fitting)))
    layers = int(_number(metadata, "block_count") or 1)
    budget = vram * GiB * 0.9
    options: list[tuple[int, KV]] = [(wished, "f16"), (wished, "q8_0")]
    options += [(cells, "q8_0") for cells in range(wished, 2 * context - 1, -context)]
    for cells, kv in options:
        layout = Layout(cells, kv)
        if needs(metadata, size, layout, replies).total <= budget:
            return layout
    # A layer's weights and its share of the cache go together.
    cells = min(wished, 2 * context)
    least = needs(metadata, size, Layout(cells, "q8_0"), replies)
    split = least.weights + least.cache
    fitting = int((budget - least.total + split) / (split / (layers + 1)))
    if fitting < 1:
        raise OutOfMemory(
            f"{vram:g} GiB of GPU memory hold no part of this model; a smaller quantization "
            "or a shorter context would"
        )
    return Layout(cells, "q8_0", min(fitting, layers))


def cell_bytes(metadata: Mapping[str, str]) -> dict[KV, float]:
    """Bytes of one token in the cache, all layers together."""
    layers = _number(metadata, "block_count")
    heads = _number(metadata, "attention.head_count")
    kv_heads = _number(metadata, "attention.head_count_kv") or heads
    head = _number(metadata, "embedding_length") / heads if heads else 0
    key = _number(metadata, "attention.key_length") or head
    value = _number(metadata, "attention.value_length") or head
    numbers = layers * kv_heads * (key + value)
    return {kv: numbers * cost for kv, cost in _BYTES.items()}


def needs(
    metadata: Mapping[str, str], size: int, layout: Layout, replies: int, *, batch: int = 512
) -> Needs:
    """What a model of `size` bytes takes when it is laid out so for `replies` at once."""
    sequences = min(4 * replies + 32, 255) + 1  # as the engine opens them
    tokens = -(-batch // sequences) * sequences  # llama.cpp reserves for whole rounds of sequences
    vocabulary = _number(metadata, "vocab_size") or _VOCABULARY
    inner, width = _number(metadata, "feed_forward_length"), _number(metadata, "embedding_length")
    logits = 4 * vocabulary * max(64, sequences)
    return Needs(
        weights=size,
        cache=int(layout.cells * cell_bytes(metadata)[layout.kv]),
        compute=int(2 * tokens * layout.cells + max(4 * tokens * (3 * inner + 4 * width), logits)),
        outputs=int(4 * vocabulary * sequences),
    )


def _number(metadata: Mapping[str, str], name: str) -> float:
    """A number of the model's architecture; 0 where it is not there, or differs from layer to
    layer (then the metadata has an array, which is not among the texts)."""
    try:
        return float(metadata[f"{metadata['general.architecture']}.{name}"])
    except (KeyError, ValueError):
        return 0.0
