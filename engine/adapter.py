"""A LoRA adapter as a GGUF, and whether it belongs to a base model.

`mrp convert ADAPTER --base FOLDER` writes two things about the base into it: its name under
`general.base_model.0.name` (as llama.cpp's converter does), and a fingerprint under
`mrp.base.fingerprint`: SHA-256 over the names and float32 values of all norm weights. Norms are
trained with the model and kept in float32 by every quantization, so the fingerprint is the same for
the f16 file and for Q4_K_M of it, and another one for every other model that was trained. (A model
that was merged from a LoRA has the norms of its base, and so its fingerprint.)
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from pathlib import Path

from engine.header import Header, TensorInfo, parts_of, read_header
from engine.sequence import ModelError

FINGERPRINT = "mrp.base.fingerprint"
BASE_NAME = "general.base_model.0.name"
NORM = "norm.weight"  # what the names of norm weights end in
_F32 = 0  # ggml.h, enum ggml_type
_KINDS = {_F32: "f32", 1: "f16", 8: "q8_0", 30: "bf16"}  # what halves may be stored in
_A, _B, _EMBEDDING = ".lora_a", ".lora_b", "token_embd.weight"


def fingerprint(norms: Iterable[tuple[str, bytes]]) -> str:
    """The fingerprint of a model from its norm weights: (GGUF name, float32 little-endian). ""
    where there are none."""
    digest, seen = hashlib.sha256(), False
    for name, values in sorted(norms):
        digest.update(f"{name} {len(values)}\n".encode())
        digest.update(values)
        seen = True
    return digest.hexdigest() if seen else ""


def fingerprint_of(path: Path) -> str:
    """The fingerprint of a GGUF, all of its parts. Raises ModelError."""
    norms: list[tuple[str, bytes]] = []
    for part in parts_of(path):
        header = read_header(part)
        with part.open("rb") as file:
            for name, tensor in header.tensors.items():
                if name.endswith(NORM) and tensor.kind == _F32:
                    file.seek(header.data_start + tensor.offset)
                    norms.append((name, file.read(4 * math.prod(tensor.shape))))
    return fingerprint(norms)


def read_adapter(path: Path) -> Header:
    """The header of a LoRA adapter.

    Raises:
        ModelError: it is none, or of a kind that llama.cpp does not apply.
    """
    header = read_header(path)
    if header.type != "adapter" or header.values.get("adapter.type") != "lora":
        raise ModelError(
            f"{path} is no LoRA adapter (general.type is {str(header.type)[:40]!r}); make one with "
            "`mrp convert ADAPTER --base FOLDER`, or name a whole model with --model"
        )
    alpha = header.values.get("adapter.lora.alpha")
    if not isinstance(alpha, float) or not math.isfinite(alpha):
        raise ModelError(f"{path} is corrupted: adapter.lora.alpha is {alpha}; make it again")
    if "adapter.alora.invocation_tokens" in header.values:
        raise ModelError(f"{path} is an adapter that some words switch on (aLoRA), not known here")
    if not header.tensors:
        raise ModelError(f"{path} holds no matrices; make it again")
    return header


def check_belongs(adapter: Header, base: Path) -> tuple[str, ...]:
    """What is doubtful about an adapter on this base, a sentence each.

    Raises:
        ModelError: it belongs to another model; one sentence that says in what they differ.
    """
    header = read_header(base)
    if adapter.architecture != header.architecture:
        raise ModelError(
            f"{adapter.path} does not belong to {base.name}: it is an adapter for "
            f"{adapter.architecture}, and the model is a {header.architecture}{_made_for(adapter)}"
        )
    tensors: dict[str, TensorInfo] = {}
    for part in parts_of(base):
        tensors |= read_header(part).tensors
    for name in dict.fromkeys(_matrix(name) for name in adapter.tensors):
        _check_matrix(adapter, name, tensors, base)
    told = adapter.values.get(FINGERPRINT)
    if told:
        found = fingerprint_of(base)
        if found and told != found:
            raise ModelError(
                f"{adapter.path} does not belong to {base.name}: it was trained on another model "
                f"of the same shape{_made_for(adapter)}"
            )
        return ()
    named, own = adapter.values.get(BASE_NAME), header.values.get("general.name")
    said = f"it was made for {named}" if named else "it does not name the model it was made for"
    return (
        f"whether {adapter.path.name} belongs to {own or base.name} cannot be checked ({said})",
    )


def own_metadata(adapter: Header) -> dict[str, str]:
    """What an adapter says under `mrp.…`, such as how it wants to be asked."""
    return {
        key: value
        for key, value in adapter.values.items()
        if key.startswith("mrp.") and isinstance(value, str)
    }


def _made_for(adapter: Header) -> str:
    named = adapter.values.get(BASE_NAME)
    return f"; it was made for {str(named)[:80]}" if named else ""


def _matrix(name: str) -> str:
    return name.removesuffix(_A).removesuffix(_B)


def _check_matrix(adapter: Header, name: str, tensors: dict[str, TensorInfo], base: Path) -> None:
    """Both halves of a matrix against the matrix itself: W (columns, rows), A (columns, rank), B
    (rank, rows), with columns first as in a GGUF."""
    if name.endswith("_norm.weight") and name in adapter.tensors:
        return  # llama.cpp leaves these out
    matrix, a, b = tensors.get(name), adapter.tensors.get(name + _A), adapter.tensors.get(name + _B)
    if a is None or b is None:
        raise ModelError(f"{adapter.path} is corrupted: {name} has no two halves; make it again")
    if a.kind not in _KINDS or b.kind not in _KINDS:
        known = ", ".join(_KINDS.values())
        raise ModelError(f"{adapter.path}: {name} is stored in a type that is none of {known}")
    if matrix is None:
        raise ModelError(
            f"{adapter.path} does not belong to {base.name}: it changes {name}, which the model "
            f"does not have{_made_for(adapter)}"
        )
    columns, rows = a.shape[0], b.shape[-1]
    fits = len(a.shape) == len(b.shape) == len(matrix.shape) == 2 and a.shape[1] == b.shape[0]
    if name == _EMBEDDING:  # there the halves change places
        columns, rows = b.shape[-1], a.shape[-1]
        fits = len(a.shape) == len(b.shape) == 2
    if not fits or (columns, rows) != matrix.shape:
        raise ModelError(
            f"{adapter.path} does not belong to {base.name}: {name} is {rows} × {columns} there "
            f"and {' × '.join(map(str, reversed(matrix.shape)))} here{_made_for(adapter)}"
        )
