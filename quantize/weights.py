"""Safetensors, read lazily: one block of rows of one tensor at a time, never a whole file.

The format (https://huggingface.co/docs/safetensors, "Format"): 8 bytes little-endian length N,
N bytes of JSON {name: {dtype, shape, data_offsets: [begin, end)}}, then the values, little-endian,
row-major, offsets counted from behind the JSON. A sharded folder has `model.safetensors.index.json`
with {"weight_map": {tensor name: file name}}.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from quantize.error import ConvertError

# Bytes a value; the only kinds of weights that are read. bf16 has no numpy type: it is read as
# the upper half of a float32.
WIDTHS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
# Bits that are all set in an infinity or a NaN, and only there.
_EXPONENT = {"F16": 0x7C00, "BF16": 0x7F80}
# The JSON part of a 100 B model is below 10 MB; more is a broken or hostile file (the reference
# reader has the same limit).
_HEADER_LIMIT = 100_000_000
# Read, convert and write about this many values at a time: bounds memory, whatever the tensor.
BLOCK_VALUES = 4 << 20
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


@dataclass(frozen=True, slots=True)
class Tensor:
    """Where one tensor lies. `shape` is as PyTorch has it: rows first."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    path: Path
    offset: int

    @property
    def rows(self) -> int:
        return self.shape[0] if len(self.shape) > 1 else 1

    @property
    def columns(self) -> int:
        return math.prod(self.shape) // self.rows if self.rows else 0

    def blocks(self, multiple: int = 1) -> Iterator[npt.NDArray[Any]]:
        """The rows in order, in blocks of shape [≤ about BLOCK_VALUES / columns, columns].

        float32 and float64 come as they are; F16 as float16; BF16 as uint16 (see `to_float32`).
        Every block but the last has a multiple of `multiple` rows. Raises ConvertError for a
        value that is not a number or infinite, and for a file that ends too early.
        """
        kind = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}[self.dtype]
        step = max(1, BLOCK_VALUES // max(1, self.columns) // multiple) * multiple
        with self.path.open("rb") as file:
            file.seek(self.offset)
            for begin in range(0, self.rows, step):
                count = min(step, self.rows - begin) * self.columns
                values = np.fromfile(file, dtype=kind, count=count)
                if values.size != count:
                    raise ConvertError(f"{self.path} ends in the middle of {self.name}")
                if not finite(values, self.dtype):
                    raise ConvertError(
                        f"{self.path}: {self.name} holds values that are not numbers "
                        f"(NaN or infinity) in rows {begin} to {begin + step}"
                    )
                yield values.reshape(-1, self.columns)


def finite(values: npt.NDArray[Any], dtype: str) -> bool:
    """Whether no value is NaN or infinite. Half floats are looked at as bits: ten times faster."""
    if mask := _EXPONENT.get(dtype):
        return not bool(((values.view(np.uint16) & mask) == mask).any())
    return bool(np.isfinite(values).all())


def to_float32(values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """A block as float32; uint16 are the bits of bfloat16."""
    if values.dtype == np.uint16:
        return (values.astype(np.uint32) << 16).view(np.float32)
    return values.astype(np.float32, copy=False)


def find(folder: Path) -> dict[str, Tensor]:
    """All tensors of a Hugging Face folder by name; reads headers only.

    Raises ConvertError: no safetensors (pickled weights are refused, they can run code), a shard
    that is missing, cut off or broken, or an index that names a tensor its shard lacks.
    """
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        weight_map = read_json(index).get("weight_map")
        if not isinstance(weight_map, dict) or not weight_map:
            raise ConvertError(f"{index} has no weight_map")
        names = sorted({str(name) for name in weight_map.values()})
        for name in names:
            if Path(name).name != name:
                raise ConvertError(f"{index} names a file outside its folder: {name}")
        shards = {name: header(folder / name) for name in names}
        for tensor, name in weight_map.items():
            if tensor not in shards[name]:
                raise ConvertError(f"{folder / name} lacks {tensor}, which {index.name} promises")
        return {tensor: shards[name][tensor] for tensor, name in weight_map.items()}
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        pickled = sorted(path.name for pattern in _PICKLED for path in folder.glob(pattern))
        if pickled:
            raise ConvertError(
                f"{folder} has only pickled weights ({pickled[0]}), which can run code when they "
                "are read; save the model as safetensors"
            )
        raise ConvertError(f"{folder} has no *.safetensors file")
    if len(files) > 1 and (folder / "model.safetensors") in files:
        files = [folder / "model.safetensors"]
    found: dict[str, Tensor] = {}
    for path in files:
        for tensor, where in header(path).items():
            if tensor in found:
                raise ConvertError(f"{tensor} is in {found[tensor].path.name} and in {path.name}")
            found[tensor] = where
    return found


def header(path: Path) -> dict[str, Tensor]:
    """The tensors of one safetensors file. Raises ConvertError when it is missing or broken."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > min(size, _HEADER_LIMIT):
                raise ConvertError(f"{path} is cut off or no safetensors file")
            entries = json.loads(file.read(length))
    except FileNotFoundError:
        raise ConvertError(f"{path} is missing") from None
    except OSError as problem:
        raise ConvertError(f"{path} cannot be read: {problem.strerror}") from problem
    except (struct.error, ValueError, RecursionError) as problem:
        raise ConvertError(f"{path} is cut off or no safetensors file") from problem
    if not isinstance(entries, dict):
        raise ConvertError(f"{path} is no safetensors file")
    tensors = {}
    for name, entry in entries.items():
        if name == "__metadata__":
            continue
        try:
            dtype, shape = str(entry["dtype"]), tuple(int(n) for n in entry["shape"])
            begin, end = (int(n) for n in entry["data_offsets"])
        except (KeyError, TypeError, ValueError) as problem:
            raise ConvertError(f"{path}: the entry of {name} is broken") from problem
        start = 8 + length
        if start + end > size:
            raise ConvertError(
                f"{path} is cut off: {size:,} bytes, but {name} ends at byte {start + end:,}"
            )
        if dtype in WIDTHS and (begin < 0 or end - begin != math.prod(shape) * WIDTHS[dtype]):
            raise ConvertError(f"{path}: the size of {name} does not match its shape {shape}")
        tensors[name] = Tensor(name, dtype, shape, path, start + begin)
    return tensors


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file. Raises ConvertError when it is missing or broken."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConvertError(f"{path} is missing") from None
    except OSError as problem:
        raise ConvertError(f"{path} cannot be read: {problem.strerror}") from problem
    except ValueError as problem:
        raise ConvertError(f"{path} is not valid JSON: {problem}") from problem
    except RecursionError:
        raise ConvertError(f"{path} is not valid JSON: it is nested too deeply") from None
    if not isinstance(value, dict):
        raise ConvertError(f"{path} is not a JSON object")
    return value
