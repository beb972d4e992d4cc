"""`mrp fit`: what a model takes in memory, and the engine settings that fit.

    mrp fit models/xiyou-mini.gguf                            in what the card has free now
    mrp fit models/xiyou-mini.gguf --memory 8GiB
    mrp fit --shape 7b --type Q4_K_M --memory 8GiB --replies 8 --context 2048
    mrp fit build/model-f16.gguf --memory 8GiB --all          which types would fit
    mrp fit model.gguf --memory 8GiB --write                  into model.card.json; serving reads it

The arithmetic is the engine's own (`engine.resources`), so what is planned here is what it does.
The cache holds every reply's context and one more that all share; a prefix that several replies
have in common lies there once, so that this is the most that can be needed.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from engine.cards import cards
from engine.llama.devices import devices
from engine.resources import GiB, Layout, Needs, needs, plan
from engine.sequence import ModelError
from quantize import llama_quantizer
from quantize.aside import aside
from quantize.error import FitError, ShrinkError
from quantize.mix import size_of
from quantize.outline import Outline

# What people choose among, best first.
COMPARED = ("F16", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "IQ4_XS", "Q3_K_M", "Q2_K")


@dataclass(frozen=True, slots=True)
class Fit:
    """One type in the memory. Bytes; `layers` on the GPU, -1 for all; `fits` False: even one
    context and one layer are too much, and the numbers are of the smallest layout. `copies` is
    what a CPU keeps besides (rearranged weights), not counted in `total`."""

    model: str
    type: str
    parameters: int
    fits: bool
    context: int
    replies: int
    cells: int
    kv: str
    layers: int
    weights: int
    cache: int
    compute: int
    outputs: int
    runtime: int
    total: int
    on_gpu: int
    copies: int
    memory: int


def fit(outline: Outline, type: str | None, *, memory: int, context: int, replies: int) -> Fit:
    """Plan a model, as it is or as a type, for `replies` of up to `context` tokens in `memory`
    bytes. Raises FitError for a type that is not known."""
    kinds = None
    if type is not None:
        if type.upper() not in llama_quantizer.TYPES:
            known = ", ".join(sorted(llama_quantizer.TYPES))
            raise FitError(f"the type {type} is not known; known are {known}")
        with tempfile.TemporaryDirectory(prefix="mrp-fit-") as folder:
            kinds = outline.quantized(type.upper(), Path(folder))
    architecture = outline.metadata.get("general.architecture", "")
    longest = int(float(outline.metadata.get(f"{architecture}.context_length", 0) or 0))
    context = min(context, longest) if longest else context
    size = outline.bytes(kinds)
    try:
        layout = plan(outline.metadata, size, context=context, replies=replies, vram=memory / GiB)
        fits = True
    except ModelError:
        layout, fits = Layout(2 * context, "q8_0", 0), False
    need = needs(outline.metadata, size, layout, replies)
    return Fit(
        model=outline.name,
        type=type.upper() if type else _most(outline),
        parameters=outline.parameters,
        fits=fits,
        context=context,
        replies=replies,
        cells=layout.cells,
        kv=layout.kv,
        layers=layout.layers,
        weights=need.weights,
        cache=need.cache,
        compute=need.compute,
        outputs=need.outputs,
        runtime=need.runtime,
        total=need.total,
        on_gpu=_on_gpu(need, layout, int(outline.metadata.get(f"{architecture}.block_count", 1))),
        copies=outline.copies(kinds),
        memory=memory,
    )


def _on_gpu(need: Needs, layout: Layout, layers: int) -> int:
    """Bytes on the GPU: a layer's weights and its share of the cache go together, and the input
    and output tables count as one layer."""
    split = need.weights + need.cache
    rest = need.total - split
    return need.total if layout.layers < 0 else rest + split * layout.layers // (layers + 1)


def _most(outline: Outline) -> str:
    """The type that most of the bytes are in."""
    weight: dict[str, int] = {}
    for name, shape in outline.shapes.items():
        kind = outline.kinds[name]
        weight[kind] = weight.get(kind, 0) + shape[0] * (shape[1] if len(shape) > 1 else 1)
    return max(weight, key=lambda kind: weight[kind])


def write(path: Path, found: Fit) -> Path:
    """Put the settings under "engine" into the card beside a GGUF, where the engine reads them;
    all else in the card stays. Raises FitError."""
    if not found.fits:
        raise FitError(f"{path} does not fit, so nothing was written")
    card = path.with_suffix(".card.json")
    told: Any = {}
    if card.exists():
        try:
            told = json.loads(card.read_text(encoding="utf-8"))
        except (OSError, ValueError) as problem:
            raise FitError(f"{card} is not valid JSON: {problem}") from problem
        if not isinstance(told, dict):
            raise FitError(f"{card} is not a JSON object")
    told["engine"] = {
        "context": found.context,
        "replies": found.replies,
        "vram": round(found.memory / GiB, 3),
    }
    with aside(card, 1 << 16, FitError) as partial:
        partial.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return card


def table_of(found: Sequence[Fit]) -> Table:
    """One column a type, in MiB."""
    table = Table(box=None)
    table.add_column("")
    for one in found:
        table.add_column(one.type, justify="right")

    def line(name: str, values: Sequence[object]) -> None:
        table.add_row(name, *[str(value) for value in values])

    for name, key in (
        ("weights", "weights"),
        ("cache", "cache"),
        ("a batch", "compute"),
        ("logits", "outputs"),
        ("runtime", "runtime"),
        ("together, MiB", "total"),
        ("of it on the GPU", "on_gpu"),
        ("copies on a CPU", "copies"),
    ):
        line(name, [f"{getattr(one, key) / (1 << 20):,.0f}" for one in found])
    line("cells", [f"{one.cells:,} {one.kv}" for one in found])
    line("layers on the GPU", [_layers(one) for one in found])
    return table


def _layers(one: Fit) -> str:
    if not one.fits:
        return "does not fit"
    return "all" if one.layers < 0 else str(one.layers)


def _memory(asked: str | None) -> tuple[int, str]:
    """Bytes to plan for, and where they are. Raises FitError."""
    if asked:
        try:
            return size_of(asked), ""
        except ShrinkError as problem:
            raise FitError(str(problem)) from problem
    for card in cards():
        if card.free:
            return card.free, f" free on {card.name}"
    for device in devices():
        if device.free:
            return device.free, f" free on {device.card}"
    raise FitError("no card here tells its memory; name what to plan for, such as --memory 8GiB")


def main(argv: list[str]) -> int:
    """The verb. Returns 0 when it fits, 1 when nothing does; what is wrong is raised."""
    parser = argparse.ArgumentParser(prog="mrp fit", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("model", type=Path, nargs="?", metavar="MODEL", help="a GGUF or HF folder")
    parser.add_argument("--shape", metavar="NAME", help="instead of a model, such as 7b")
    parser.add_argument(
        "--memory", metavar="SIZE", help="of the GPU, such as 8GiB; default: what the card has free"
    )
    parser.add_argument("--replies", type=int, default=8, help="at once; default: 8")
    parser.add_argument("--context", type=int, default=8192, help="tokens; default: 8192")
    parser.add_argument("--type", metavar="TYPE", help="as if it were shrunk to this")
    parser.add_argument("--all", action="store_true", help="compare types")
    parser.add_argument("--write", action="store_true", help="settings into the model's card")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    chosen = parser.parse_args(argv)
    if (chosen.model is None) == (chosen.shape is None):
        parser.error("name a model or a --shape, one of the two")
    if chosen.replies < 1 or chosen.context < 1:
        parser.error("--replies and --context are at least 1")
    memory, place = _memory(chosen.memory)
    outline = Outline.of_shape(chosen.shape) if chosen.shape else Outline.open(chosen.model)
    types: Sequence[str | None] = COMPARED if chosen.all else [chosen.type]
    found = [
        fit(outline, type, memory=memory, context=chosen.context, replies=chosen.replies)
        for type in types
    ]
    console = Console(width=None if os.isatty(1) else 160)
    console.print(
        f"{outline.name}: {outline.parameters / 1e9:.2f} billion parameters, {chosen.replies} "
        f"replies of {found[0].context} tokens in {memory / GiB:.1f} GiB{place} "
        "(a tenth is left free)"
    )
    console.print(table_of(found))
    if chosen.write:
        if chosen.shape or chosen.all or chosen.type or chosen.model.is_dir():
            raise FitError("--write needs the GGUF that will be served")
        print(f"written into {write(chosen.model, found[0])}")
    if chosen.json:
        print(json.dumps({"fits": [asdict(one) for one in found]}, ensure_ascii=False))
    return 0 if any(one.fits for one in found) else 1
