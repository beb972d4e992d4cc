"""The door to llama.cpp's own quantizer, and nothing else: ctypes in, lines of its log out.

`llama_model_quantize` and its parameters are declared in llama.cpp's include/llama.h.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt
from llama_cpp import _ggml

_MOSTLY = "LLAMA_FTYPE_MOSTLY_"
# Types by the names people know ("Q4_K_M") -> llama_ftype, read from the library, so that the list
# can never differ from what it does.
TYPES: dict[str, int] = {
    name.removeprefix(_MOSTLY): int(getattr(llama_cpp, name))
    for name in dir(llama_cpp)
    if name.startswith(_MOSTLY)
} | {"F32": int(llama_cpp.LLAMA_FTYPE_ALL_F32)}
# Types of one tensor ("Q6_K") -> ggml_type.
KINDS: dict[str, int] = {
    name.removeprefix("GGML_TYPE_"): int(getattr(llama_cpp, name))
    for name in dir(llama_cpp)
    if name.startswith("GGML_TYPE_") and not re.search(r"COUNT|_I\d|_F64|Q8_1|Q8_K", name)
}

_ERROR, _CONTINUES = 4, 5  # ggml.h, enum ggml_log_level
# Rows of a tensor that are worked on at once, in bytes: bounds memory whatever the tensor
# (llama.cpp's own default is 8 GiB).
_SLAB = 256 << 20
_PLANNED = re.compile(
    r"\[ *\d+/ *\d+\] (\S+) +- \[.*?\], type = +(\w+), size = .*?MiB(?: -> .*?\((\w+)\))?\n"
)


@dataclass(frozen=True, slots=True)
class Order:
    """How to quantize: `type` by llama.cpp's name; `importance` mean squares a channel by matrix;
    `tensors` (regular expression, tensor type) pairs that overrule it, the first that matches;
    `entries` texts and numbers to write into the file; `threads` 0: one a core."""

    type: str
    threads: int = 0
    importance: Mapping[str, npt.NDArray[np.float32]] = field(default_factory=dict)
    tensors: Sequence[tuple[str, str]] = ()
    entries: Mapping[str, str | int] = field(default_factory=dict)


def quantize(source: Path, target: Path, order: Order, heard: Callable[[str], None]) -> list[str]:
    """Write `target` from `source`; returns what llama.cpp calls errors, an empty list when well.

    Blocks until it is done and cannot be interrupted. `heard` gets each piece of llama.cpp's log,
    from whichever thread writes it.
    """
    return _run(source, target, order, heard, dry=False)


def plan(source: Path, order: Order) -> tuple[dict[str, str], list[str]]:
    """The type each tensor would get, by name, without doing it; and llama.cpp's errors."""
    said: list[str] = []
    errors = _run(source, source.with_suffix(".none"), order, said.append, dry=True)
    return {
        name: (after or before).upper() for name, before, after in _PLANNED.findall("".join(said))
    }, errors


def _run(
    source: Path, target: Path, order: Order, heard: Callable[[str], None], *, dry: bool
) -> list[str]:
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = TYPES[order.type]
    parameters.nthread = order.threads
    parameters.dry_run = dry
    parameters.max_buf_size = _SLAB
    # The arrays have to live until the call is over.
    importance = _importance(order.importance)
    tensors = _tensors(order.tensors)
    entries = _entries(order.entries)
    if order.importance:
        parameters.imatrix = importance
    if order.tensors:
        parameters.tt_overrides = tensors
    if order.entries:
        parameters.kv_overrides = entries
    errors: list[str] = []
    level_before = 0

    def listen(level: int, text: bytes, _: ctypes.c_void_p) -> None:
        nonlocal level_before
        level_before = level_before if level == _CONTINUES else level
        said = text.decode("utf-8", "replace")
        heard(said)
        if level_before == _ERROR and said.strip(" \n="):
            errors.append(said.strip())

    callback = llama_cpp.llama_log_callback(listen)
    # The log is one for the whole process: take it, and give it back to whoever had it.
    former, its_data = llama_cpp.llama_log_callback(), ctypes.c_void_p()
    llama_cpp.llama_log_get(ctypes.byref(former), ctypes.byref(its_data))
    llama_cpp.llama_log_set(callback, ctypes.c_void_p(0))
    try:
        status = llama_cpp.llama_model_quantize(
            str(source).encode(), str(target).encode(), ctypes.byref(parameters)
        )
    finally:
        llama_cpp.llama_log_set(former, its_data)
    return [] if status == 0 else errors or [f"status {status}"]


def _importance(means: Mapping[str, npt.NDArray[np.float32]]) -> Any:
    made = (llama_cpp.llama_model_imatrix_data * (len(means) + 1))()  # the last is empty: the end
    for slot, (name, values) in zip(made, means.items(), strict=False):
        slot.name = name.encode()
        slot.data = values.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        slot.size = values.size
    return made


def _tensors(overrides: Sequence[tuple[str, str]]) -> Any:
    made = (llama_cpp.llama_model_tensor_override * (len(overrides) + 1))()
    for slot, (pattern, kind) in zip(made, overrides, strict=False):
        slot.pattern, slot.type = pattern.encode(), KINDS[kind]
    made[len(overrides)].type = int(llama_cpp.GGML_TYPE_COUNT)
    return made


def _entries(entries: Mapping[str, str | int]) -> Any:
    made = (llama_cpp.llama_model_kv_override * (len(entries) + 1))()
    for slot, (key, value) in zip(made, entries.items(), strict=False):
        slot.key = key.encode()
        if isinstance(value, int):
            slot.tag, slot.value.val_i64 = llama_cpp.LLAMA_KV_OVERRIDE_TYPE_INT, value
        else:
            slot.tag = llama_cpp.LLAMA_KV_OVERRIDE_TYPE_STR
            slot.value.val_str = value.encode()[:127].decode("utf-8", "ignore").encode()
    return made


def pack(
    rows: npt.NDArray[np.float32], kind: str, importance: npt.NDArray[np.float32] | None = None
) -> npt.NDArray[np.uint8]:
    """Rows (n, columns) in a tensor type, uint8 (n, bytes a row), as `quantize` would store them.

    The columns must be a multiple of what the type packs together.
    """
    rows = np.ascontiguousarray(rows, np.float32)
    count, columns = rows.shape
    pointer = ctypes.POINTER(ctypes.c_float)
    chunk = _ggml.libggml.ggml_quantize_chunk  # ggml.h; ggml-base is loaded with ggml
    chunk.restype = ctypes.c_size_t
    chunk.argtypes = [
        ctypes.c_int,
        pointer,
        ctypes.c_void_p,
        *[ctypes.c_int64] * 3,
        pointer,
    ]
    room = np.empty(rows.nbytes + 1024, np.uint8)
    size = chunk(
        KINDS[kind],
        rows.ctypes.data_as(pointer),
        room.ctypes.data,
        0,
        count,
        columns,
        None if importance is None else importance.ctypes.data_as(pointer),
    )
    return room[:size].reshape(count, -1)
