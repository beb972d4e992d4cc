"""`mrp imatrix`: how much each input channel of each matrix matters, measured on our own texts.

    mrp imatrix build/xiyou-mini-f16.gguf build/lessons/train.jsonl -o build/xiyou-mini.imatrix.gguf
    mrp shrink  build/xiyou-mini-f16.gguf small.gguf --type Q4_K_M --imatrix build/….imatrix.gguf

Rounding a weight matters as much as what it is multiplied with: for a matrix W and activations x
the expected squared error of W·x is the sum of ΔW² · E[x²] over its entries. So the mean square of
each channel of x is what the quantizer wants to know. The file is llama.cpp's own (its
`llama-imatrix` writes it, its `llama-quantize` reads it): for each matrix the float32 tensors
`NAME.in_sum2` (sum of squares a channel) and `NAME.counts` (tokens summed over).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Unpack

import numpy as np
import numpy.typing as npt
from gguf import GGUFReader, GGUFWriter
from rich.console import Console
from rich.progress import track

from quantize.aside import aside
from quantize.error import ImportanceError
from quantize.reader import Reader
from quantize.texts import Reading, Render, rows

_CHUNK = 512  # tokens; what llama.cpp counts progress in
_SUMS, _COUNTS = ".in_sum2", ".counts"
# Not a layer's: left out unless asked for, as llama-imatrix does.
_OUTPUT = ("output.weight", "token_embd.weight")


@dataclass(slots=True)
class Importance:
    """Sums of squared activations a channel, float64 (columns,), and tokens counted, by matrix."""

    datasets: tuple[str, ...] = ()
    sums: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, activations: npt.NDArray[np.float32]) -> None:
        """Count in activations of shape (tokens, columns)."""
        squares = np.einsum("tc,tc->c", activations, activations, dtype=np.float64)
        if not np.isfinite(squares).all():
            raise ImportanceError(f"the activations before {name} are not numbers")
        self.sums[name] = self.sums[name] + squares if name in self.sums else squares
        self.counts[name] = self.counts.get(name, 0) + len(activations)

    def means(self) -> dict[str, npt.NDArray[np.float32]]:
        """Mean square a channel, as the quantizer wants it."""
        return {
            name: (sums / max(1, self.counts[name])).astype(np.float32)
            for name, sums in self.sums.items()
        }

    @property
    def chunks(self) -> int:
        return max(self.counts.values(), default=0) // _CHUNK

    def save(self, path: Path) -> None:
        """Write llama.cpp's imatrix GGUF; it appears only when complete."""
        writer = GGUFWriter(path=None, arch="")
        writer.kv_data[0].clear()  # an imatrix has no architecture
        writer.add_type("imatrix")
        writer.add_array("imatrix.datasets", list(self.datasets) or ["(none)"])
        writer.add_uint32("imatrix.chunk_count", self.chunks)
        writer.add_uint32("imatrix.chunk_size", _CHUNK)
        for name in sorted(self.sums):
            writer.add_tensor(name + _SUMS, self.sums[name].astype(np.float32)[None])
            writer.add_tensor(name + _COUNTS, np.array([[self.counts[name]]], np.float32))
        size = sum(8 * sums.size for sums in self.sums.values())
        with aside(path, size, ImportanceError) as partial:
            writer.write_header_to_file(partial)
            writer.write_kv_data_to_file()
            writer.write_tensors_to_file()
            writer.close()

    @classmethod
    def load(cls, path: Path) -> Importance:
        """Read an imatrix GGUF, ours or llama.cpp's. Raises ImportanceError."""
        try:
            with path.open("rb") as file:
                magic = file.read(4)
        except OSError as problem:
            raise ImportanceError(f"{path} cannot be read: {problem.strerror}") from problem
        if magic != b"GGUF":
            raise ImportanceError(
                f"{path} is no imatrix GGUF (the older .dat files are not read; `mrp imatrix` or "
                "llama-imatrix makes a new one)"
            )
        try:
            reader = GGUFReader(path)
            found = {tensor.name: np.array(tensor.data) for tensor in reader.tensors}
            kind = reader.fields["general.type"].contents()
            datasets = reader.fields.get("imatrix.datasets")
        except (ValueError, IndexError, KeyError, OSError) as problem:
            raise ImportanceError(f"{path} is cut off or no imatrix") from problem
        if kind != "imatrix":
            raise ImportanceError(f"{path} is a GGUF of kind {kind!r}, not an imatrix")
        made = cls(tuple(datasets.contents()) if datasets else ())
        for name, sums in found.items():
            if not name.endswith(_SUMS):
                continue
            matrix = name.removesuffix(_SUMS)
            counts = found.get(matrix + _COUNTS)
            if counts is None or sums.dtype != np.float32 or not np.isfinite(sums).all():
                raise ImportanceError(f"{path}: what it says of {matrix} is broken")
            if counts.size != 1:
                raise ImportanceError(f"{path}: {matrix} has several experts, which is not known")
            made.sums[matrix] = sums.reshape(-1).astype(np.float64)
            made.counts[matrix] = round(float(counts.reshape(-1)[0]))
        if not made.sums:
            raise ImportanceError(f"{path} holds nothing")
        return made

    def check(self, shapes: Mapping[str, tuple[int, ...]], path: Path) -> None:
        """Raise ImportanceError unless it was measured on a model with these matrices, by name
        with columns first."""
        known = [name for name in self.sums if name in shapes]
        if not known:
            raise ImportanceError(f"{path} was measured on another model: it names none of its own")
        for name in known:
            if self.sums[name].size != shapes[name][0]:
                raise ImportanceError(
                    f"{path} was measured on another model: {name} has {shapes[name][0]} columns "
                    f"here and {self.sums[name].size} there"
                )


@dataclass(frozen=True, slots=True)
class Gathering:
    """What was measured: rows and tokens read, matrices seen."""

    path: str
    texts: tuple[str, ...]
    rows: int
    tokens: int
    matrices: int
    seconds: float


def gather(
    model: Path,
    texts: Iterable[Path],
    output: Path,
    render: Render,
    *,
    whole: bool = False,
    **how: Unpack[Reading],
) -> Gathering:
    """Let a model read about `tokens` (100,000) and write what went into its matrices.

    `whole` counts the output matrix in too. Raises ImportanceError, TextError, ModelError.
    """
    begun = time.monotonic()
    texts = tuple(texts)
    made = Importance(tuple(path.name for path in texts))

    def watch(name: str, activations: npt.NDArray[np.float32]) -> None:
        if name.startswith("blk.") or (whole and name in _OUTPUT):
            made.add(name, activations)

    console = Console(stderr=True)
    hidden = not console.is_terminal
    length, threads = how.get("length", _CHUNK), how.get("threads", 0)
    with Reader(model, length=length, threads=threads, watch=watch) as reader:
        chosen = rows(reader, texts, render, tokens=how.get("tokens", 100_000))
        for row in track(chosen, "reading", console=console, disable=hidden, transient=True):
            reader.read(row.ids)
    made.save(output)
    return Gathering(
        path=str(output),
        texts=tuple(str(path) for path in texts),
        rows=len(chosen),
        tokens=sum(map(len, chosen)),
        matrices=len(made.sums),
        seconds=round(time.monotonic() - begun, 2),
    )


def main(argv: list[str], *, render: Render) -> int:
    """The verb. Returns 0; what is wrong is raised as QuantizeError or ModelError."""
    parser = argparse.ArgumentParser(prog="mrp imatrix", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("model", type=Path, metavar="F16.gguf")
    parser.add_argument(
        "texts", type=Path, nargs="+", metavar="TEXT", help="lessons (.jsonl), plain text (.txt)"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.gguf")
    parser.add_argument("--tokens", type=int, default=100_000, help="default: 100,000")
    parser.add_argument("--length", type=int, default=_CHUNK, help="tokens a row; default: 512")
    parser.add_argument("--whole", action="store_true", help="the output matrix too")
    parser.add_argument("--threads", type=int, default=0, help="default: one a core")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    chosen = parser.parse_args(argv)
    done = gather(
        chosen.model,
        chosen.texts,
        chosen.output,
        render,
        tokens=chosen.tokens,
        length=chosen.length,
        whole=chosen.whole,
        threads=chosen.threads,
    )
    if chosen.json:
        print(json.dumps(asdict(done), ensure_ascii=False))
    else:
        print(
            f"{done.path}: {done.matrices} matrices, {done.tokens:,} tokens in {done.rows} rows, "
            f"{done.seconds} s"
        )
    return 0
