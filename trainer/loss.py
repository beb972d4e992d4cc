"""Cross-entropy without all logits at once.

92,544 words × 2,048 tokens × 4 bytes are 0.7 GiB for the logits and as much again for their
gradient. Only learned tokens need any, and they come in chunks whose logits are made again on the
way back (as in liger-kernel's fused linear cross-entropy, arXiv 2410.10989, in plain PyTorch).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.distributed.tensor import DTensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
from transformers.modeling_outputs import CausalLMOutputWithPast

from trainer.rows import IGNORED


def summed(hidden: Tensor, labels: Tensor, head: nn.Module, chunk: int) -> Tensor:
    """Sum of −log p (nats) of the labels that are not IGNORED.

    `hidden` (…, tokens, width) predicts `labels` (…, tokens) one place later.
    """
    taught = labels[..., 1:].flatten()
    places = (taught != IGNORED).nonzero().squeeze(1)
    hidden = hidden[..., :-1, :].flatten(0, -2)[places]
    taught = taught[places]
    total = hidden.new_zeros((), dtype=torch.float32)
    pieces = list(zip(torch.split(hidden, chunk), torch.split(taught, chunk), strict=True))
    # An empty piece costs nothing and keeps the gatherings of all processes in step.
    pieces += [(hidden[:0], taught[:0])] * (_most(len(pieces), head, hidden) - len(pieces))
    for some, right in pieces:
        if torch.is_grad_enabled():
            total = total + checkpoint(_piece, some, right, head, use_reentrant=False)
        else:
            total = total + _piece(some, right, head)
    return total


def _most(pieces: int, head: nn.Module, hidden: Tensor) -> int:
    """How many pieces the process with most of them has, where `head` is shared out among them.

    A sharded head (FSDP) is gathered from all processes each time it is called: with another
    number of calls they would wait for each other for ever.
    """
    if not isinstance(head.weight, DTensor):
        return pieces
    most = torch.tensor(pieces, device=hidden.device)
    distributed.all_reduce(most, op=distributed.ReduceOp.MAX)
    return int(most.item())


def _piece(hidden: Tensor, right: Tensor, head: nn.Module) -> Tensor:
    return F.cross_entropy(head(hidden).float(), right, reduction="sum")


def install(causal: Any, chunk: int) -> None:
    """Let a transformers causal model answer labels with a chunked loss and no logits.

    Without labels it stays as it was. The loss is a mean over learned tokens, or the sum over
    `num_items_in_batch` where the trainer gives it.
    """
    plain = causal.forward

    def forward(
        input_ids: Tensor | None = None,
        labels: Tensor | None = None,
        num_items_in_batch: Tensor | int | None = None,
        **kwargs: Any,
    ) -> CausalLMOutputWithPast:
        if labels is None:
            return plain(input_ids=input_ids, **kwargs)
        kwargs.pop("use_cache", None)
        out = causal.model(input_ids=input_ids, use_cache=False, **kwargs)
        total = summed(out.last_hidden_state, labels, causal.lm_head, chunk)
        count = num_items_in_batch
        if count is None:
            count = (labels[..., 1:] != IGNORED).sum().clamp(min=1)
        return CausalLMOutputWithPast(loss=total / count)

    causal.forward = forward
