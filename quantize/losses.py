"""What a smaller file lost against the one it was made from: what `mrp measure` found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Loss:
    """What one text says of a file. `kl` is the mean divergence in nats a token, `kl_error` its
    standard error, `kl_99` the 99th percentile; `top` the share of tokens where both prefer the
    same next one; `perplexity` its own."""

    text: str
    tokens: int
    perplexity: float
    kl: float
    kl_error: float
    kl_99: float
    top: float


@dataclass(frozen=True, slots=True)
class Measured:
    """One file: bytes on disk, bits a weight, tokens a second, and its losses text by text."""

    path: str
    type: str
    imatrix: str
    bytes: int
    bits_per_weight: float
    prompt_speed: float
    reply_speed: float
    losses: tuple[Loss, ...]
    voice: Mapping[str, float] = field(default_factory=dict)


def table_of(found: Sequence[Measured]) -> Table:
    """One line a file and text, for the terminal."""
    table = Table(box=None)
    voiced = list(found[0].voice)
    for heading in ("file", "type", "MB", "bits", "text", "perplexity", "KL", "KL 99%", "same top"):
        table.add_column(heading, justify="left" if heading in ("file", "text") else "right")
    for heading in ("prompt/s", "reply/s", *voiced):
        table.add_column(heading, justify="right")
    for one in found:
        for number, loss in enumerate(one.losses):
            first = number == 0
            table.add_row(
                Path(one.path).name if first else "",
                (one.type + (" i" if one.imatrix else "")) if first else "",
                f"{one.bytes / 1e6:.1f}" if first else "",
                f"{one.bits_per_weight:.2f}" if first else "",
                loss.text,
                f"{loss.perplexity:.3f}",
                f"{loss.kl:.5f} ± {loss.kl_error:.5f}",
                f"{loss.kl_99:.4f}",
                f"{loss.top:.2%}",
                f"{one.prompt_speed:.0f}" if first else "",
                f"{one.reply_speed:.0f}" if first else "",
                *[f"{one.voice[key]:.1%}" if first else "" for key in voiced],
            )
    return table
