"""Rows and batches: what one step reads."""

import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from characters.prompt import Span
from trainer.rows import IGNORED, Batches, batches, labelled, novel_rows, unwrap

PAD = 0


def letters(text: str, control: bool) -> list[int]:
    return [ord(c) + (1000 if control else 0) for c in text]


def test_only_learned_spans_have_labels():
    spans = [Span("ab", control=True), Span("c"), Span("de", learned=True)]
    ids, labels = labelled([*spans, Span("f", control=True, learned=True)], letters)
    assert ids == [1097, 1098, 99, 100, 101, 1102]
    assert labels == [IGNORED, IGNORED, IGNORED, 100, 101, 1102]


def test_nothing_becomes_nothing():
    assert labelled([], letters) == ([], [])


@settings(deadline=None)
@given(st.integers(0, 60), st.integers(1, 12))
def test_a_novel_is_cut_into_whole_rows_in_order(size, length):
    rows = novel_rows(range(size), length)
    assert all(len(ids) == length for ids, _ in rows)
    assert all(ids == labels for ids, labels in rows)
    joined = [token for ids, _ in rows for token in ids]
    assert joined == list(range(size // length * length))


# Rows whose ids are their own number (from 1), so that each can be known again.
row_lengths = st.lists(st.integers(1, 40), max_size=40)


def made_rows(lengths):
    return [
        ([number] * length, [IGNORED] + [number] * (length - 1))
        for number, length in enumerate(lengths, start=1)
    ]


@settings(deadline=None)
@given(row_lengths, st.integers(1, 200), st.integers(0, 5))
def test_every_row_is_in_exactly_one_batch(lengths, tokens, seed):
    rows = made_rows(lengths)
    found = []
    for batch in batches(rows, tokens, PAD, random.Random(seed)):
        for ids, labels in zip(batch["input_ids"].tolist(), batch["labels"].tolist(), strict=True):
            size = sum(token != PAD for token in ids)
            found.append((ids[:size], labels[:size]))
            assert ids[size:] == [PAD] * (len(ids) - size), "padding stands at the right"
            assert labels[size:] == [IGNORED] * (len(ids) - size), "padding is never learned"
    assert sorted(found) == sorted(rows)


@settings(deadline=None)
@given(row_lengths, st.integers(1, 200), st.integers(0, 5))
def test_a_batch_is_as_large_as_asked_unless_one_row_is_larger(lengths, tokens, seed):
    for batch in batches(made_rows(lengths), tokens, PAD, random.Random(seed)):
        rows, _ = batch["input_ids"].shape
        assert batch["input_ids"].shape == batch["labels"].shape
        assert batch["input_ids"].dtype == batch["labels"].dtype == torch.int64
        assert rows == 1 or batch["input_ids"].numel() <= tokens
        assert (batch["input_ids"] != PAD).any(dim=0).all(), "no column is only padding"


def test_rows_of_one_length_fill_the_batches():
    made = batches(made_rows([8] * 20), 32, PAD, random.Random(1))
    assert [tuple(batch["input_ids"].shape) for batch in made] == [(4, 8)] * 5


def test_rows_of_like_length_come_together():
    made = batches(made_rows([4, 30] * 16), 120, PAD, random.Random(1))
    padding = sum(int((batch["input_ids"] == PAD).sum()) for batch in made)
    assert padding <= 26 * 4  # at most one batch mixes the two


def flat(made):
    return [(batch["input_ids"].tolist(), batch["labels"].tolist()) for batch in made]


def test_the_same_seed_makes_the_same_batches_and_another_does_not():
    rows = made_rows([random.Random(3).randint(1, 30) for _ in range(60)])
    one, again, other = (flat(batches(rows, 90, PAD, random.Random(seed))) for seed in (1, 1, 2))
    assert one == again
    assert one != other


def test_batches_come_in_random_order():
    made = batches(made_rows(range(1, 60)), 60, PAD, random.Random(1))
    widths = [batch["input_ids"].shape[1] for batch in made]
    assert widths != sorted(widths)
    assert widths != sorted(widths, reverse=True)


def test_ready_made_batches_pass_the_loader_unchanged():
    made = batches(made_rows([3, 4, 5]), 8, PAD, random.Random(1))
    data = Batches(made)
    assert len(data) == len(made)
    for index, batch in enumerate(made):
        assert unwrap([data[index]]) is batch
    with pytest.raises(ValueError, match="unpack"):
        unwrap([made[0], made[0]])
