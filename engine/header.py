"""The header of a GGUF, read without llama.cpp: its metadata, its tensors, and the files of a model
that was split.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. llama.cpp trusts what stands
there and aborts the process on some of it, so a file is looked at before it is opened.
"""

from __future__ import annotations

import hashlib
import math
import mmap
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from engine.sequence import ModelError

_SCALARS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
_STRING, _ARRAY = 8, 9
_MOST_ENTRIES, _MOST_TENSORS, _LONGEST_KEPT = 1 << 16, 1 << 18, 1 << 12
_SPLIT = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.gguf")


@dataclass(frozen=True, slots=True)
class ManyValues:
    """An array that is too long to be kept, or one of texts: how many elements it has."""

    count: int


Value = str | int | float | bool | tuple[Any, ...] | ManyValues


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """A tensor: its sizes (columns first), its ggml type, and where its data begin (bytes after
    the header)."""

    shape: tuple[int, ...]
    kind: int
    offset: int


@dataclass(frozen=True)
class Header:
    """What stands before the weights. `size` is how many bytes of the file it takes, `digest` the
    SHA-256 of these bytes: files of the same digest are built in the same way."""

    path: Path
    values: Mapping[str, Value]
    tensors: Mapping[str, TensorInfo]
    size: int
    digest: str

    @cached_property
    def architecture(self) -> str:
        """llama.cpp's name of the model's graph; "" where the file does not say."""
        return str(self.values.get("general.architecture", ""))

    @property
    def type(self) -> str:
        """What kind of GGUF it is: "model", "adapter", "imatrix", "mmproj"."""
        return str(self.values.get("general.type", "model"))

    @property
    def data_start(self) -> int:
        """Where the tensors' data begin in the file."""
        alignment = self.values.get("general.alignment", 32)
        step = alignment if isinstance(alignment, int) and alignment > 0 else 32
        return -(-self.size // step) * step

    def own(self, key: str) -> Value | None:
        """A value of the architecture, such as "block_count"."""
        return self.values.get(f"{self.architecture}.{key}")

    def count(self, key: str) -> int | None:
        """The length of an array; None where there is none."""
        value = self.values.get(key)
        if isinstance(value, ManyValues):
            return value.count
        return len(value) if isinstance(value, tuple) else None


def read_header(path: Path) -> Header:
    """The header of a GGUF.

    Raises:
        ModelError: the file is missing, cut off, or no GGUF; one sentence that says so.
    """
    try:
        with path.open("rb") as file:
            begin = file.read(8)
            if begin[:4] != b"GGUF":
                raise ModelError(f"{path} is not a GGUF model ({_what_it_is(begin)})")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _Parser(path, data).header()
    except OSError as problem:
        raise ModelError(f"{path} cannot be read: {problem.strerror}") from problem
    except struct.error as problem:
        raise ModelError(
            f"{path} cannot be read: failed to read its header, the file is cut off; fetch it again"
        ) from problem


def _what_it_is(begin: bytes) -> str:
    if not begin:
        return "it is empty"
    for magic, what in (
        (b"PK", "it is a zip file, such as PyTorch's pickled weights"),
        (b"<", "it is a web page: the download went wrong"),
        (b"version ", "it is a Git LFS pointer: the weights were not fetched"),
        (b"tjgg", "it is an old GGML file, which llama.cpp no longer reads"),
    ):
        if begin.startswith(magic):
            return what
    return "it does not begin with GGUF"


class _Parser:
    """Reads on from `at`; struct.error where the data end."""

    def __init__(self, path: Path, data: mmap.mmap) -> None:
        self._path = path
        self._data = data
        self._at = 4

    def header(self) -> Header:
        version = self._number("I")
        if version not in (2, 3):
            swapped = int.from_bytes(version.to_bytes(4, "little"), "big") in (1, 2, 3)
            what = "big-endian" if swapped else f"of GGUF version {version}"
            raise ModelError(f"{self._path} is {what}, which llama.cpp does not read here")
        tensors, entries = self._number("Q"), self._number("Q")
        if entries > _MOST_ENTRIES or tensors > _MOST_TENSORS:
            raise self._broken(f"it announces {entries} entries and {tensors} tensors")
        values: dict[str, Value] = {}
        for _ in range(entries):
            key = self._text()
            values[key] = self._value(self._number("I"))
        found: dict[str, TensorInfo] = {}
        for _ in range(tensors):
            name = self._text()
            dimensions = self._number("I")
            if not 1 <= dimensions <= 4:
                raise self._broken(f"its tensor {name!r} has {dimensions} dimensions")
            shape = tuple(self._number("Q") for _ in range(dimensions))
            if not 0 < math.prod(shape) < 1 << 48:
                raise self._broken(f"its tensor {name!r} has the sizes {shape}")
            found[name] = TensorInfo(shape, self._number("I"), self._number("Q"))
        digest = hashlib.sha256(memoryview(self._data)[: self._at]).hexdigest()
        return Header(self._path, values, found, self._at, digest)

    def _number(self, code: str) -> Any:
        form = "<" + code
        (value,) = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return value

    def _text(self) -> str:
        length = self._number("Q")
        if self._at + length > len(self._data):
            raise struct.error("a text goes beyond the end")
        self._at += length
        return self._data[self._at - length : self._at].decode("utf-8", "replace")

    def _value(self, kind: int) -> Value:
        if kind == _STRING:
            return self._text()
        if kind == _ARRAY:
            return self._array()
        if kind not in _SCALARS:
            raise self._broken(f"it has a value of the unknown type {kind}")
        value: Value = self._number(_SCALARS[kind])
        return value

    def _array(self) -> Value:
        kind, count = self._number("I"), self._number("Q")
        if kind == _STRING:
            data, at, end = self._data, self._at, len(self._data)
            length = struct.Struct("<Q").unpack_from
            for _ in range(count):
                at += 8 + length(data, at)[0]
                if at > end:
                    raise struct.error("a text goes beyond the end")
            self._at = at
            return ManyValues(count)
        if kind not in _SCALARS:
            raise self._broken(f"it has an array of the unknown type {kind}")
        size = struct.calcsize("<" + _SCALARS[kind]) * count
        if self._at + size > len(self._data):
            raise struct.error("an array goes beyond the end")
        self._at += size
        if count > _LONGEST_KEPT:
            return ManyValues(count)
        return struct.unpack_from(f"<{count}{_SCALARS[kind]}", self._data, self._at - size)

    def _broken(self, why: str) -> ModelError:
        return ModelError(f"{self._path} is corrupted: {why}; fetch it again")


def parts_of(path: Path) -> list[Path]:
    """All files of a model: itself, or every part of one that was split
    (`NAME-00001-of-00003.gguf`).

    Raises:
        ModelError: it is not the first part, or a part is missing.
    """
    match = _SPLIT.fullmatch(path.name)
    if match is None or int(match[3]) < 2:
        return [path]
    stem, number, count = match[1], int(match[2]), int(match[3])
    parts = [path.with_name(f"{stem}-{n:05}-of-{count:05}.gguf") for n in range(1, count + 1)]
    if number != 1:
        raise ModelError(f"{path} is part {number} of {count}; name the first: {parts[0].name}")
    if missing := [part.name for part in parts if not part.is_file()]:
        raise ModelError(
            f"{path} is the first of {count} parts, but {missing[0]} is not beside it; fetch all"
        )
    return parts


def size_of(path: Path) -> int:
    """Bytes of a model, all of its parts together; what later parts repeat of the first one's
    header is not counted. Raises ModelError as `parts_of` and `read_header`."""
    try:
        first, *others = parts_of(path)
        rest = sum(part.stat().st_size - read_header(part).size for part in others)
        return first.stat().st_size + rest
    except OSError as problem:
        raise ModelError(f"{path} cannot be read: {problem.strerror}") from problem
