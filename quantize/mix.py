"""The best mix of tensor types under a size: more bits where an error would be heard most.

For every matrix a few rows are packed in each type that its shape allows, and the error is compared
with the signal: the sum of ΔW²·E[x²] over that of W²·E[x²], where E[x²] is the importance matrix
(1 where there is none). Starting from the smallest types, the step that buys the most error for a
byte is taken until the size is reached (steps on each matrix's lower convex hull, so this is the
optimum of the linear relaxation). How much an error counts depends on where it goes, see `counts`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from gguf.constants import GGML_QUANT_SIZES
from gguf.constants import GGMLQuantizationType as Kind
from gguf.quants import dequantize

from quantize.error import ShrinkError
from quantize.llama_quantizer import pack

# Under this key a file says that it is a mix.
KEY = "mrp.mix"
# Types that pack 256 values of a row, and 32 for rows that are no multiple of that.
_WIDE = ("Q2_K", "Q3_K", "IQ4_XS", "Q4_K", "Q5_K", "Q6_K", "Q8_0")
_NARROW = ("Q4_0", "Q5_0", "Q5_1", "Q8_0")
_SAMPLE = 48  # rows of a matrix that are tried
_PADDING = 32  # GGUF's alignment


@dataclass(frozen=True, slots=True)
class Choice:
    """A matrix in one type: what it costs in bytes, and its error over its signal."""

    kind: str
    bytes: int
    error: float


def choices(
    values: npt.NDArray[np.float32],
    rows: int,
    importance: npt.NDArray[np.float32] | None,
    *,
    counts: float = 1.0,
) -> list[Choice]:
    """The types a matrix could have, from sample rows (n, columns) of its `rows`; their errors
    multiplied by `counts`."""
    columns = values.shape[1]
    weights = np.ones(columns, np.float32) if importance is None else importance
    signal = float((values.astype(np.float64) ** 2 * weights).sum()) or 1.0
    found = []
    for kind in _WIDE if columns % 256 == 0 else _NARROW:
        packed, width = GGML_QUANT_SIZES[Kind[kind]]
        if columns % packed:
            continue
        # Q8_0 takes no importance; nor does any type where there is none.
        back = dequantize(pack(values, kind, importance), Kind[kind]).reshape(values.shape)
        error = float(((back - values).astype(np.float64) ** 2 * weights).sum()) / signal
        found.append(Choice(kind, rows * columns // packed * width, counts * error))
    return found or [Choice("F16", rows * columns * 2, 0.0)]


def counts(name: str, layers: int, tied: bool) -> float:
    """How much a matrix's relative error counts, next to that of one inside a layer.

    A layer adds two parts to a stream that holds 2 × layers of them, so the output matrix, which
    reads the whole stream, counts 2 × layers as much; the table of inputs, whose error is diluted
    on the way, half of that. Values, attention output and down projection go into the stream as
    they are, the others through a softmax or a gate: they count half.
    """
    if name == "output.weight" or (tied and name == "token_embd.weight"):
        return 2.0 * layers
    if name == "token_embd.weight":
        return 1.0 * layers
    return 2.0 if re.search(r"\.(attn_v|attn_output|ffn_down)\.", name) else 1.0


def mix(offers: Mapping[str, Sequence[Choice]], budget: int) -> dict[str, Choice]:
    """One choice a matrix, at most `budget` bytes together, paddings counted.

    Raises ShrinkError when even the smallest do not fit.
    """
    hulls = {name: _hull(offer) for name, offer in offers.items()}
    taken = {name: hull[0] for name, hull in hulls.items()}
    left = budget - sum(_padded(choice.bytes) for choice in taken.values())
    if left < 0:
        raise ShrinkError(
            f"the smallest mix is {-left / 1e6:.1f} MB larger than that; take a larger size"
        )
    steps = sorted(
        (
            ((before.error - after.error) / (after.bytes - before.bytes), name, number)
            for name, hull in hulls.items()
            for number, (before, after) in enumerate(itertools.pairwise(hull), start=1)
        ),
        reverse=True,
    )
    for _, name, number in steps:
        hull = hulls[name]
        cost = _padded(hull[number].bytes) - _padded(taken[name].bytes)
        # A hull's steps come in order, each worth less than the one before; where one did not fit,
        # the next may not be taken without it.
        if taken[name] is hull[number - 1] and cost <= left:
            taken[name] = hull[number]
            left -= cost
    return taken


def _padded(size: int) -> int:
    return -(-size // _PADDING) * _PADDING


def _hull(offer: Sequence[Choice]) -> list[Choice]:
    """The choices on the lower convex hull of error over bytes, smallest first."""
    hull: list[Choice] = []
    for choice in sorted(offer, key=lambda one: (one.bytes, one.error)):
        if hull and choice.error >= hull[-1].error:
            continue
        while len(hull) > 1 and _slope(hull[-2], choice) <= _slope(hull[-2], hull[-1]):
            hull.pop()
        hull.append(choice)
    return hull


def _slope(before: Choice, after: Choice) -> float:
    return (after.error - before.error) / (after.bytes - before.bytes)


def sample(tensor: Any) -> npt.NDArray[np.float32]:
    """Rows of a GGUF's f32, f16 or bf16 matrix, evenly spread, float32 (n, columns)."""
    rows: npt.NDArray[Any] = tensor.data  # (rows, columns), or bytes of bf16
    picked: npt.NDArray[Any] = rows[np.unique(np.linspace(0, len(rows) - 1, _SAMPLE).astype(int))]
    if tensor.tensor_type == Kind.BF16:
        bits = picked.view(np.uint16).astype(np.uint32) << 16
        return np.asarray(bits).view(np.float32)
    return np.asarray(picked, np.float32)


_SIZE = re.compile(r"([\d.]+)\s*([KMGT]i?)?B?", re.IGNORECASE)


def size_of(text: str) -> int:
    """Bytes of "4.6GiB", "900MB" or "123456". Raises ShrinkError."""
    match = _SIZE.fullmatch(text.strip())
    try:
        number = float(match[1]) if match else -1.0
    except ValueError:
        number = -1.0
    if match is None or number <= 0:
        raise ShrinkError(f"{text!r} is no size; write it like 4.6GiB or 900MB")
    unit = (match[2] or "").upper()
    power = " KMGT".index(unit[0]) if unit else 0
    return int(number * (1024 if unit.endswith("I") else 1000) ** power)
