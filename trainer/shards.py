"""Weights on disk: read one tensor at a time, written one tensor at a time.

Only safetensors (https://huggingface.co/docs/safetensors, "Format"): a pickle can run code. The
library reads; we write, because it wants a whole shard in memory and we want one tensor.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors import SafetensorError, safe_open
from torch import Tensor

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


class WeightsError(ValueError):
    """Weights that are not there, broken or of the wrong shape, or no room for new ones."""

    for_user = True


@dataclass(frozen=True, slots=True)
class Entry:
    """One tensor as a shard's header describes it."""

    file: Path
    dtype: torch.dtype
    shape: tuple[int, ...]

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


class Weights:
    """The tensors of a Hugging Face folder, by name. Only headers are read until one is asked for.

    Raises WeightsError: nothing there, pickled weights only, a shard missing or cut off.
    """

    def __init__(self, folder: Path, *, single: str = SINGLE) -> None:
        if not folder.is_dir():
            raise WeightsError(
                f"{folder} is not a folder on this machine; nothing is fetched here: download the "
                "model first (see `mrp model`) and name its folder"
            )
        self.entries: dict[str, Entry] = {}
        for file in self._files(folder, single):
            self._read(file)

    def _files(self, folder: Path, single: str) -> list[Path]:
        index = folder / INDEX
        if index.is_file():
            told = read_json(index).get("weight_map")
            if not isinstance(told, dict) or not told:
                raise WeightsError(f"{index}: has no weight_map")
            if outside := [name for name in told.values() if Path(str(name)).name != name]:
                raise WeightsError(f"{index}: names a file outside its folder: {outside[0]}")
            return [folder / name for name in sorted(set(told.values()))]
        if (folder / single).is_file():
            return [folder / single]
        if pickled := sorted(path.name for kind in _PICKLED for path in folder.glob(kind)):
            raise WeightsError(
                f"{folder}: has only pickled weights ({pickled[0]}), which can run code when they "
                "are read; take the model's safetensors"
            )
        raise WeightsError(f"{folder}: no {single} and no {INDEX} there")

    def _read(self, file: Path) -> None:
        with _opened(file) as opened:
            for name in opened.keys():  # noqa: SIM118  (not iterable)
                piece = opened.get_slice(name)
                kind = piece.get_dtype()
                if kind not in _DTYPES:
                    raise WeightsError(
                        f"{file}: {name} is {kind}; 16- or 32-bit weights are needed "
                        "(a quantized model cannot be trained further)"
                    )
                self.entries[name] = Entry(file, _DTYPES[kind], tuple(piece.get_shape()))

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    def __getitem__(self, name: str) -> Tensor:
        """One tensor, read now. Its shard is closed again, so its pages do not stay."""
        entry = self.entry(name)
        with _opened(entry.file) as opened:
            tensor: Tensor = opened.get_tensor(name).clone()
            return tensor

    def entry(self, name: str) -> Entry:
        if name not in self.entries:
            raise WeightsError(f"the weights lack {name}")
        return self.entries[name]


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    if not file.is_file():
        raise WeightsError(f"{file}: this shard is missing")
    try:
        with safe_open(file, framework="pt") as opened:
            yield opened
    except (SafetensorError, OSError) as problem:
        raise WeightsError(f"{file}: cut off or no safetensors file ({problem})") from problem


@dataclass(frozen=True, slots=True)
class Planned:
    """A tensor that will be written: `make` is called once, when its turn has come."""

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    make: Callable[[], Tensor]

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def write(
    folder: Path, planned: Sequence[Planned], limit: int, *, what: str, shown: bool = False
) -> list[str]:
    """Write shards of at most `limit` bytes (a larger tensor gets its own) and their index.

    One tensor is in memory at a time. Returns the names of the shards.

    Raises:
        WeightsError: no room, or a tensor came out in another shape than was planned.
    """
    total = sum(tensor.bytes for tensor in planned)
    room(folder, total)
    groups: list[list[Planned]] = [[]]
    for tensor in planned:
        if groups[-1] and sum(one.bytes for one in groups[-1]) + tensor.bytes > limit:
            groups.append([])
        groups[-1].append(tensor)
    names = [f"model-{n:05}-of-{len(groups):05}.safetensors" for n in range(1, len(groups) + 1)]
    if len(groups) == 1:
        names = [SINGLE]
    with _bar(what, total, shown) as advance:
        for name, group in zip(names, groups, strict=True):
            _write_shard(folder / name, group, advance)
    if len(groups) > 1:
        where = {one.name: name for name, group in zip(names, groups, strict=True) for one in group}
        index = {"metadata": {"total_size": total}, "weight_map": where}
        (folder / INDEX).write_text(json.dumps(index, indent=1) + "\n")
    return names


def _write_shard(file: Path, group: Sequence[Planned], advance: Callable[[int], Any]) -> None:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for tensor in group:
        header[tensor.name] = {
            "dtype": _NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [at, at + tensor.bytes],
        }
        at += tensor.bytes
    told = json.dumps(header).encode()
    told += b" " * (-len(told) % 8)  # values begin at a multiple of 8
    try:
        with file.open("wb") as out:
            out.write(struct.pack("<Q", len(told)) + told)
            for tensor in group:
                made = tensor.make()
                if tuple(made.shape) != tensor.shape:
                    raise WeightsError(
                        f"{tensor.name} has the shape {list(made.shape)}, but {list(tensor.shape)} "
                        "was expected"
                    )
                values = made.to(tensor.dtype).contiguous().flatten().view(torch.uint8)
                out.write(values.numpy().data)
                advance(tensor.bytes)
            out.flush()
            os.fsync(out.fileno())
    except OSError as problem:
        raise WeightsError(f"{file}: cannot be written: {problem.strerror}") from problem


def room(folder: Path, needed: int) -> None:
    """Raises WeightsError when the disk of `folder` has less than `needed` bytes free."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise WeightsError(
            f"{folder}: {needed / 1e9:.1f} GB are needed and {free / 1e9:.1f} GB are free"
        )


@contextmanager
def aside(folder: Path) -> Iterator[Path]:
    """A new folder to write into; it gets its name when the block ends well, else it is gone.

    Raises:
        WeightsError: something is there already, or the place cannot be written to.
    """
    if folder.exists():
        raise WeightsError(f"{folder}: is there already; name a new folder or remove it")
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        part.mkdir(parents=True)
        yield part
        part.rename(folder)
    except OSError as problem:
        raise WeightsError(f"{folder}: cannot be written: {problem.strerror}") from problem
    finally:
        shutil.rmtree(part, ignore_errors=True)


def read_json(file: Path) -> Mapping[str, Any]:
    """A JSON object. Raises WeightsError when it is missing or broken."""
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise WeightsError(f"{file}: is missing") from None
    except (OSError, ValueError) as problem:
        raise WeightsError(f"{file}: cannot be read as JSON: {problem}") from problem
    if not isinstance(value, dict):
        raise WeightsError(f"{file}: is not a JSON object")
    return value


_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "KI": 2**10, "MI": 2**20, "GI": 2**30}


def size(text: str) -> int:
    """Bytes of "2GB" (10⁹, as Hugging Face counts) or "8GiB" (2³⁰).

    Raises:
        WeightsError: neither.
    """
    folded = text.strip().upper().removesuffix("B")
    digits = folded.rstrip("KMGI")
    unit = folded[len(digits) :]
    try:
        if unit in _UNITS and float(digits) > 0:
            return int(float(digits) * _UNITS[unit])
    except ValueError:
        pass
    raise WeightsError(f"{text!r} is not a size; write it like 2GB or 8GiB")


@contextmanager
def _bar(what: str, total: int, shown: bool) -> Iterator[Callable[[int], Any]]:
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not shown,
        transient=True,
    )
    with bar:
        task = bar.add_task(what, total=total)
        yield lambda step: bar.advance(task, step)
