"""Attention within each lesson of a pack, on a CPU.

A pack holds several lessons side by side, and a lesson sees only itself. PyTorch's attention on a
CPU takes that as a mask over the whole pack and computes what is masked too: in a pack of 1,024
tokens with five lessons most of it. Here each lesson is attended by itself; the result is the same.
On a GPU flash attention does this by itself (see `trainer.packs`).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

NAME = "within_lessons"  # what transformers calls it as `attn_implementation`


def within_lessons(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    position_ids: Tensor | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Causal attention of one pack; `query` (1, heads, tokens, width), returns (1, tokens, heads,
    width). A lesson begins wherever `position_ids` (1, tokens) is 0."""
    begins = [0]
    if position_ids is not None and query.shape[2] == key.shape[2]:
        begins = (position_ids[0] == 0).nonzero().flatten().tolist() or [0]
    ends = [*begins[1:], None]
    parts = [
        sdpa_attention_forward(
            module,
            query[:, :, begin:end],
            key[:, :, begin:end],
            value[:, :, begin:end],
            None,
            **kwargs,
        )[0]
        for begin, end in zip(begins, ends, strict=True)
    ]
    return (parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)), None


def no_mask(*_: Any, **__: Any) -> None:
    """Rows are never padded here, so that no mask is needed (see `transformers.masking_utils`)."""
    return None


def install() -> str:
    """Let transformers know it. Returns its name."""
    AttentionInterface.register(NAME, within_lessons)
    AttentionMaskInterface.register(NAME, no_mask)
    return NAME
