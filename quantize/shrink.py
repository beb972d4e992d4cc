"""`mrp shrink`: a GGUF becomes a smaller GGUF, with llama.cpp's own quantizer.

    mrp shrink models/build/mini-f16.gguf models/mini-q8_0.gguf --type Q8_0

Everything but the weights stays as it was: tokenizer, chat template, the card's entries.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from gguf import GGUFReader
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from engine.header import parts_of, size_of
from quantize import llama_quantizer, mix
from quantize.aside import aside
from quantize.error import ShrinkError
from quantize.importance import Importance
from quantize.llama_quantizer import Order

TYPES = tuple(sorted(llama_quantizer.TYPES))
_STEP = re.compile(r"\[\s*(\d+)/\s*(\d+)\]")


@dataclass(frozen=True, slots=True)
class Shrinking:
    """What was written. Bytes on disk before and after; `kinds` counts tensors by how they are
    stored; `fallbacks` maps tensors whose rows the type could not pack to what they became."""

    path: str
    type: str
    bytes_before: int
    bytes: int
    bits_per_weight: float
    seconds: float
    kinds: dict[str, int]
    fallbacks: dict[str, str]


def shrink(
    source: Path,
    output: Path,
    type: str | None = None,
    threads: int = 0,
    *,
    imatrix: Path | None = None,
    tensors: Sequence[tuple[str, str]] = (),
    size: int | None = None,
) -> Shrinking:
    """Write `output` from a GGUF of f32, f16 or bf16 weights; it appears only when complete.

    `type` is one of llama.cpp's names, such as "Q4_K_M", in any case; or `size` in bytes finds the
    best mix of types under it. `imatrix` is a file of `mrp imatrix`. `tensors` are pairs (regular
    expression on names, tensor type) that overrule the rest, first match first. Raises ShrinkError:
    a file that is missing, cut off or no GGUF, a type that is unknown or needs an importance
    matrix; ImportanceError: an imatrix that is broken or of another model.
    """
    begun = time.monotonic()
    if (type is None) == (size is None):
        raise ShrinkError("name a type or a target size, one of the two")
    if type is not None and type.upper() not in llama_quantizer.TYPES:
        raise ShrinkError(f"the type {type} is not known; known are {', '.join(TYPES)}")
    before = _check(source)
    if output.exists() and output.samefile(source):
        raise ShrinkError(f"{output} is the file to read; write to another")
    table = _table(source) if imatrix or tensors or size is not None else []
    importance, entries = _importance(imatrix, table)
    overrides = _overrides(tensors, [tensor.name for tensor in table])
    if size is not None:
        type, mixed = _mixed(table, before, size, importance, overrides)
        overrides += mixed
        entries[mix.KEY] = f"at most {size} bytes"
    assert type is not None
    order = Order(type.upper(), threads, importance, overrides, entries)
    with aside(output, before, ShrinkError) as path:
        if errors := _run(source, path, order):
            raise ShrinkError(
                f"{source} cannot be made {order.type}: {_sentence(errors, bool(importance))}"
            )
        parameters, kinds, fallbacks = _look(path, order)
    after = output.stat().st_size
    return Shrinking(
        path=str(output),
        type=order.type,
        bytes_before=before,
        bytes=after,
        bits_per_weight=round(after * 8 / parameters, 2),
        seconds=round(time.monotonic() - begun, 2),
        kinds=kinds,
        fallbacks=fallbacks,
    )


def _check(source: Path) -> int:
    """The size of a model, all of its parts, that begins as a GGUF does. Raises ShrinkError."""
    try:
        with source.open("rb") as file:
            magic = file.read(4)
    except OSError as problem:
        raise ShrinkError(f"{source} cannot be read: {problem.strerror}") from problem
    if magic != b"GGUF":
        raise ShrinkError(f"{source} is no GGUF file")
    return size_of(source)


def _table(source: Path) -> list[Any]:
    """The tensors of a GGUF. Raises ShrinkError."""
    try:
        return [tensor for part in parts_of(source) for tensor in GGUFReader(part).tensors]
    except (ValueError, IndexError, KeyError, OSError) as problem:
        raise ShrinkError(f"{source} is cut off or broken") from problem


def _importance(
    path: Path | None, table: Sequence[Any]
) -> tuple[dict[str, npt.NDArray[np.float32]], dict[str, str | int]]:
    """Mean squares by matrix, and what the new file says of where they come from (under the keys
    that llama-quantize uses)."""
    if path is None:
        return {}, {}
    found = Importance.load(path)
    found.check({tensor.name: tuple(int(n) for n in tensor.shape) for tensor in table}, path)
    entries: dict[str, str | int] = {
        "quantize.imatrix.file": path.name,
        "quantize.imatrix.dataset": " ".join(found.datasets),
        "quantize.imatrix.entries_count": len(found.sums),
        "quantize.imatrix.chunks_count": found.chunks,
    }
    return found.means(), entries


def _overrides(wished: Sequence[tuple[str, str]], names: Sequence[str]) -> list[tuple[str, str]]:
    """The same, checked. Raises ShrinkError for a type or pattern that means nothing."""
    checked = []
    for pattern, kind in wished:
        if kind.upper() not in llama_quantizer.KINDS:
            known = ", ".join(sorted(llama_quantizer.KINDS))
            raise ShrinkError(f"the tensor type {kind} is not known; known are {known}")
        try:
            matches = any(re.search(pattern, name) for name in names)
        except re.error as problem:
            raise ShrinkError(f"{pattern!r} is no regular expression: {problem}") from problem
        if not matches:
            raise ShrinkError(
                f"no tensor is called like {pattern!r}; names are like {names[1]}, {names[-1]}"
            )
        checked.append((pattern, kind.upper()))
    return checked


def _mixed(
    table: Sequence[Any],
    before: int,
    size: int,
    importance: Mapping[str, npt.NDArray[np.float32]],
    overrides: Sequence[tuple[str, str]],
) -> tuple[str, list[tuple[str, str]]]:
    """The nearest named type, and the type of each matrix, for a file of at most `size` bytes.

    What `overrides` name keeps the type that it was given.
    """
    matrices = [t for t in table if len(t.shape) > 1 and t.name.endswith(".weight")]
    # All that is no matrix stays, and so does the head: names, tokenizer, card.
    kept = before - sum(int(t.n_bytes) for t in matrices) + 64 * len(table)
    layers = len({tensor.name.split(".")[1] for tensor in matrices if tensor.name[:4] == "blk."})
    tied = all(tensor.name != "output.weight" for tensor in matrices)
    offers = {}
    for tensor in matrices:
        if tensor.tensor_type.name not in ("F32", "F16", "BF16"):
            raise ShrinkError("a mix starts from the f16 or f32 file")
        rows = int(tensor.n_elements // tensor.shape[0])
        offer = mix.choices(
            mix.sample(tensor),
            rows,
            importance.get(tensor.name),
            counts=mix.counts(tensor.name, layers, tied),
        )
        given = next((kind for pattern, kind in overrides if re.search(pattern, tensor.name)), None)
        offers[tensor.name] = [one for one in offer if one.kind == given] or offer
    taken = mix.mix(offers, size - kept)
    weight: Counter[str] = Counter()
    for choice in taken.values():
        weight[choice.kind] += choice.bytes
    nearest = weight.most_common(1)[0][0]
    named = {"Q3_K": "Q3_K_M", "Q4_K": "Q4_K_M", "Q5_K": "Q5_K_M", "F16": "Q8_0"}
    exact = [(f"^{re.escape(name)}$", choice.kind) for name, choice in taken.items()]
    return named.get(nearest, nearest), exact


def _run(source: Path, target: Path, order: Order) -> list[str]:
    """Quantize in a thread of its own, so that Ctrl-C is heard while C code works."""
    errors: list[str] = []
    crash: list[BaseException] = []
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
    task = bar.add_task("tensors", total=None)

    def heard(said: str) -> None:
        if step := _STEP.search(said):
            bar.update(task, completed=int(step[1]), total=int(step[2]))

    def work() -> None:
        try:
            errors.extend(llama_quantizer.quantize(source, target, order, heard))
        except BaseException as problem:  # handed to the caller below
            crash.append(problem)

    thread = threading.Thread(target=work, name="shrink", daemon=True)
    with bar:
        thread.start()
        while thread.is_alive():
            thread.join(0.1)
    if crash:
        raise crash[0]
    return errors


def _look(path: Path, order: Order) -> tuple[int, dict[str, int], dict[str, str]]:
    """Parameters, tensors by kind, and the fallbacks of a GGUF, from its own table of tensors."""
    tensors = GGUFReader(path).tensors
    fallbacks = {}
    for tensor in tensors:
        given = [kind for pattern, kind in order.tensors if re.search(pattern, tensor.name)]
        width = packed(given[0] if given else order.type)
        if len(tensor.shape) > 1 and int(tensor.shape[0]) % width:
            fallbacks[tensor.name] = tensor.tensor_type.name
    kinds = Counter(tensor.tensor_type.name for tensor in tensors)
    return sum(int(t.n_elements) for t in tensors), dict(kinds), fallbacks


def packed(type: str) -> int:
    """How many values of a row a type packs together: a row must be a multiple of it, or
    llama.cpp stores the tensor as another type (ggml: QK_K and the 32 of the older types)."""
    if type in ("F32", "F16", "BF16"):
        return 1
    return 256 if "_K" in type or (type[:2] in ("IQ", "TQ") and type != "IQ4_NL") else 32


def _sentence(errors: list[str], measured: bool) -> str:
    """The most telling of llama.cpp's errors, without its function names."""
    text = errors[-1]
    text = re.sub(r"^\w+: (failed to quantize: )?", "", text)
    if "requantizing" in text:
        text += " (start from the f16 or f32 file)"
    if any("importance matrix" in said or "imatrix" in said for said in errors):
        text = (
            "the importance matrix does not cover all of its matrices"
            if measured
            else "this type needs an importance matrix: make one with `mrp imatrix` and name it "
            "with --imatrix, or take Q2_K or larger"
        )
    return text


def _override(text: str) -> tuple[str, str]:
    pattern, sign, kind = text.rpartition("=")
    if not sign or not pattern or not kind:
        raise ShrinkError(f"--tensor {text}: write it like attn_v=Q8_0")
    return pattern, kind


def main(argv: list[str]) -> int:
    """The verb. Returns 0; what is wrong is raised as ShrinkError."""
    parser = argparse.ArgumentParser(prog="mrp shrink", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("source", type=Path, metavar="IN.gguf")
    parser.add_argument("output", type=Path, metavar="OUT.gguf")
    wanted = parser.add_mutually_exclusive_group(required=True)
    wanted.add_argument("--type", metavar="TYPE", help=", ".join(TYPES))
    wanted.add_argument(
        "--target-size", metavar="SIZE", help="the best mix of types under it, such as 4.6GiB"
    )
    parser.add_argument("--imatrix", type=Path, metavar="FILE", help="what `mrp imatrix` measured")
    parser.add_argument(
        "--tensor",
        action="append",
        default=[],
        metavar="REGEX=TYPE",
        help="the type of single tensors, such as attn_v=Q8_0; may be given several times",
    )
    parser.add_argument("--threads", type=int, default=0, help="default: one a core")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    chosen = parser.parse_args(argv)
    done = shrink(
        chosen.source,
        chosen.output,
        chosen.type,
        chosen.threads,
        imatrix=chosen.imatrix,
        tensors=[_override(text) for text in chosen.tensor],
        size=mix.size_of(chosen.target_size) if chosen.target_size else None,
    )
    rows = "its rows are no multiple of"
    for name, kind in done.fallbacks.items():
        print(f"note: {name} became {kind}: {rows} {packed(done.type)}", file=sys.stderr)
    if chosen.json:
        print(json.dumps(asdict(done), ensure_ascii=False))
    else:
        print(
            f"{done.path}: {done.type}, {done.bytes_before / 1e6:.1f} -> {done.bytes / 1e6:.1f} MB,"
            f" {done.bits_per_weight} bits a weight, {done.seconds} s"
        )
    return 0
