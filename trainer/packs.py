"""Lessons side by side in rows of one length, so that no step reads padding.

A lesson is never cut. Where lessons are isolated, positions begin again at 0 with each of them:
that is how transformers knows to let nobody look across (a block mask for SDPA, sequence lengths
for flash attention; `transformers.masking_utils.find_packed_sequence_indices`).
"""

from __future__ import annotations

import bisect
import random
from collections.abc import Sequence

import torch

from trainer.rows import IGNORED, Batch, Row

Pack = list[Row]


def pack(rows: Sequence[Row], length: int, rng: random.Random) -> list[Pack]:
    """Packs of at most `length` tokens in random order: longest first, each where it fits best.

    Every row must fit by itself.
    """
    order = list(range(len(rows)))
    rng.shuffle(order)  # among rows of the same length
    order.sort(key=lambda index: -len(rows[index][0]))
    packs: list[Pack] = []
    free: list[tuple[int, int]] = []  # (free tokens, pack), sorted
    for index in order:
        size = len(rows[index][0])
        at = bisect.bisect_left(free, (size, -1))
        if at == len(free):
            packs.append([rows[index]])
            left, number = length - size, len(packs) - 1
        else:
            left, number = free.pop(at)
            packs[number].append(rows[index])
            left -= size
        bisect.insort(free, (left, number))
    for lessons in packs:
        rng.shuffle(lessons)
    rng.shuffle(packs)
    return packs


def waste(packs: Sequence[Pack], length: int) -> float:
    """The share of the packs' room that no token uses, in 0..1."""
    used = sum(len(ids) for lessons in packs for ids, _ in lessons)
    return 1 - used / (len(packs) * length) if packs else 0.0


def batch(lessons: Pack, *, isolated: bool) -> Batch:
    """One pack as tensors of shape (1, tokens): input_ids, labels, position_ids."""
    ids: list[int] = []
    labels: list[int] = []
    positions: list[int] = []
    for row_ids, row_labels in lessons:
        positions += range(len(row_ids)) if isolated else range(len(ids), len(ids) + len(row_ids))
        ids += row_ids
        # The token before a lesson is the end of another: nothing is to be learned from it.
        labels += [IGNORED, *row_labels[1:]]
    made = {"input_ids": ids, "labels": labels, "position_ids": positions}
    return {name: torch.tensor([values]) for name, values in made.items()}
