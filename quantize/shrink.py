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
from dataclasses import asdict, dataclass
from pathlib import Path

from gguf import GGUFReader
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from quantize import llama_quantizer
from quantize.aside import aside
from quantize.error import ShrinkError

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
    source: Path, output: Path, type: str, threads: int = 0, progress: bool = False
) -> Shrinking:
    """Write `output` from a GGUF of f32, f16 or bf16 weights; it appears only when complete.

    `type` is one of llama.cpp's names, such as "Q4_K_M", in any case. Raises ShrinkError: a file
    that is missing, cut off or no GGUF, a type that is unknown or needs an importance matrix.
    """
    begun = time.monotonic()
    if type.upper() not in llama_quantizer.TYPES:
        raise ShrinkError(f"the type {type} is not known; known are {', '.join(TYPES)}")
    type = type.upper()
    before = _check(source)
    if output.exists() and output.samefile(source):
        raise ShrinkError(f"{output} is the file to read; write to another")
    with aside(output, before, ShrinkError) as path:
        if errors := _run(source, path, type, threads, progress):
            raise ShrinkError(f"{source} cannot be made {type}: {_sentence(errors)}")
        parameters, kinds, fallbacks = _look(path, type)
    after = output.stat().st_size
    return Shrinking(
        path=str(output),
        type=type,
        bytes_before=before,
        bytes=after,
        bits_per_weight=round(after * 8 / parameters, 2),
        seconds=round(time.monotonic() - begun, 2),
        kinds=kinds,
        fallbacks=fallbacks,
    )


def _check(source: Path) -> int:
    """The size of a file that begins as a GGUF does. Raises ShrinkError."""
    try:
        with source.open("rb") as file:
            magic = file.read(4)
        size = source.stat().st_size
    except OSError as problem:
        raise ShrinkError(f"{source} cannot be read: {problem.strerror}") from problem
    if magic != b"GGUF":
        raise ShrinkError(f"{source} is no GGUF file")
    return size


def _run(source: Path, target: Path, type: str, threads: int, progress: bool) -> list[str]:
    """Quantize in a thread of its own, so that Ctrl-C is heard while C code works."""
    errors: list[str] = []
    crash: list[BaseException] = []
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not progress,
        transient=True,
    )
    task = bar.add_task("tensors", total=None)

    def heard(said: str) -> None:
        if step := _STEP.search(said):
            bar.update(task, completed=int(step[1]), total=int(step[2]))

    def work() -> None:
        try:
            errors.extend(llama_quantizer.quantize(source, target, type, threads, heard))
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


def _look(path: Path, type: str) -> tuple[int, dict[str, int], dict[str, str]]:
    """Parameters, tensors by kind, and the fallbacks of a GGUF, from its own table of tensors."""
    tensors = GGUFReader(path).tensors
    width = packed(type)
    fallbacks = {
        tensor.name: tensor.tensor_type.name
        for tensor in tensors
        if len(tensor.shape) > 1 and int(tensor.shape[0]) % width
    }
    kinds = Counter(tensor.tensor_type.name for tensor in tensors)
    return sum(int(t.n_elements) for t in tensors), dict(kinds), fallbacks


def packed(type: str) -> int:
    """How many values of a row a type packs together: a row must be a multiple of it, or
    llama.cpp stores the tensor as another type (ggml: QK_K and the 32 of the older types)."""
    if type in ("F32", "F16", "BF16"):
        return 1
    return 256 if "_K" in type or (type[:2] in ("IQ", "TQ") and type != "IQ4_NL") else 32


def _sentence(errors: list[str]) -> str:
    """The most telling of llama.cpp's errors, without its function names."""
    text = errors[-1]
    text = re.sub(r"^\w+: (failed to quantize: )?", "", text)
    if "requantizing" in text:
        text += " (start from the f16 or f32 file)"
    if any("importance matrix" in said or "imatrix" in said for said in errors):
        text = "this type needs an importance matrix, which is not made yet; take Q2_K or larger"
    return text


def main(argv: list[str]) -> int:
    """The verb. Returns 0; what is wrong is raised as ShrinkError."""
    parser = argparse.ArgumentParser(prog="mrp shrink", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("source", type=Path, metavar="IN.gguf")
    parser.add_argument("output", type=Path, metavar="OUT.gguf")
    parser.add_argument("--type", required=True, metavar="TYPE", help=", ".join(TYPES))
    parser.add_argument("--threads", type=int, default=0, help="default: one a core")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    chosen = parser.parse_args(argv)
    shown = sys.stderr.isatty()
    done = shrink(chosen.source, chosen.output, chosen.type, chosen.threads, progress=shown)
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
