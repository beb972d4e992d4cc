"""Token rows: what one optimizer step reads. Pure apart from the tokenizer that is handed in."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from characters.prompt import Encoder, Span, Style
from trainer.lessons import Lesson, LessonError

IGNORED = -100  # the label PyTorch's cross-entropy skips

Row = tuple[list[int], list[int]]  # token ids, labels; same length
Batch = dict[str, Tensor]  # input_ids and labels, int64 (rows, tokens)


def labelled(spans: Iterable[Span], encoder: Encoder) -> Row:
    """Ids and labels of one lesson; only learned spans have labels."""
    ids: list[int] = []
    labels: list[int] = []
    for span in spans:
        tokens = encoder(span.text, span.control)
        ids += tokens
        labels += tokens if span.learned else [IGNORED] * len(tokens)
    return ids, labels


def fitting(one: Lesson, style: Style, encoder: Encoder, longest: int) -> Row:
    """A lesson of at most `longest` tokens. Its reply is never cut: the oldest turns go.

    Raises:
        LessonError: cards and reply alone are longer.
    """
    while True:
        row = labelled(one.spans(style), encoder)
        if len(row[0]) <= longest:
            return row
        one = one.without_oldest_turn()


def those_that_fit(
    found: Iterable[Lesson], style: Style, encoder: Encoder, longest: int
) -> tuple[list[Row], list[str]]:
    """Every lesson that can be brought to at most `longest` tokens, and the ids of those that
    cannot."""
    made, over = [], []
    for one in found:
        try:
            made.append(fitting(one, style, encoder, longest))
        except LessonError:
            over.append(one.id)
    return made, over


def left_out(over: Sequence[str], longest: int) -> str:
    """What is said of lessons that are too long; "" where there are none."""
    if not over:
        return ""
    more = f" and {len(over) - 3} more" if len(over) > 3 else ""
    return f"; {len(over)} longer than {longest} tokens left out: {', '.join(over[:3])}{more}"


def novel_rows(ids: Sequence[int], length: int) -> list[Row]:
    """A long text cut into rows of `length` tokens, all learned; the last short one is dropped."""
    rows = []
    for start in range(0, len(ids) - length + 1, length):
        row = list(ids[start : start + length])
        rows.append((row, row))
    return rows


def batches(rows: Sequence[Row], tokens: int, pad: int, rng: random.Random) -> list[Batch]:
    """Batches of about `tokens` tokens, padding included, in random order.

    Rows of like length come together, so little is padding. Padding stands at the right, where
    causal attention cannot see it from a real token; so no attention mask is needed, and
    attention stays on its fast path.
    """
    order = list(range(len(rows)))
    rng.shuffle(order)  # among rows of the same length
    order.sort(key=lambda index: len(rows[index][0]))
    made: list[Batch] = []
    for group in _groups([len(rows[index][0]) for index in order], tokens):
        made.append(_padded([rows[order[position]] for position in group], pad))
    rng.shuffle(made)
    return made


def _groups(lengths: Sequence[int], tokens: int) -> Iterator[range]:
    """Runs of positions whose count × longest stays within `tokens` (at least one each)."""
    start = 0
    for position, length in enumerate(lengths):
        if position > start and (position + 1 - start) * length > tokens:
            yield range(start, position)
            start = position
    if start < len(lengths):
        yield range(start, len(lengths))


def _padded(rows: Sequence[Row], pad: int) -> Batch:
    width = max(len(ids) for ids, _ in rows)
    ids = torch.full((len(rows), width), pad)
    labels = torch.full((len(rows), width), IGNORED)
    for line, (row_ids, row_labels) in enumerate(rows):
        ids[line, : len(row_ids)] = torch.tensor(row_ids)
        labels[line, : len(row_labels)] = torch.tensor(row_labels)
    return {"input_ids": ids, "labels": labels}


class Batches(Dataset[Batch]):
    """Ready-made batches as a dataset: one item is one step."""

    def __init__(self, made: Sequence[Batch]) -> None:
        self.made = made

    def __len__(self) -> int:
        return len(self.made)

    def __getitem__(self, index: int) -> Batch:
        return self.made[index]


def unwrap(items: list[Any]) -> Any:
    """The collator of ready-made batches."""
    (batch,) = items
    return batch
