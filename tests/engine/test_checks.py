"""Headers that describe no chat model, or one that cannot be."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from engine.checks import check_chat_model, check_numbers, notes
from engine.header import Header, ManyValues, TensorInfo, read_header
from engine.sequence import ModelError


def header(**changes: Any) -> Header:
    """The header of a small Llama, with `__` for dots in the names of what is changed."""
    values: dict[str, Any] = {
        "general.architecture": "llama",
        "llama.block_count": 2,
        "llama.embedding_length": 64,
        "llama.feed_forward_length": 128,
        "llama.context_length": 512,
        "llama.attention.head_count": 4,
        "llama.attention.head_count_kv": 2,
        "llama.attention.layer_norm_rms_epsilon": 1e-6,
        "llama.rope.freq_base": 1e4,
        "llama.rope.dimension_count": 16,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "qwen2",
        "tokenizer.ggml.tokens": ManyValues(100),
        "tokenizer.ggml.token_type": ManyValues(100),
    }
    tensors = changes.pop("tensors", {"token_embd.weight": TensorInfo((64, 100), 1, 0)})
    for name, value in changes.items():
        values[name.replace("__", ".")] = value
    values = {name: value for name, value in values.items() if value is not None}
    return Header(Path("m.gguf"), values, tensors, 1, "")


def test_what_can_be_served_is_not_refused(tiny: Path) -> None:
    check_chat_model(header())
    check_chat_model(header(llama__pooling_type=0, llama__attention__causal=True))
    check_chat_model(header(llama__attention__head_count_kv=(2, 2)))
    check_chat_model(header(llama__context_length=0))
    check_chat_model(read_header(tiny))
    assert notes(header()) == ()


@pytest.mark.parametrize(
    ("changes", "saying"),
    [
        ({"llama__pooling_type": 1}, "embedding model"),
        ({"llama__pooling_type": 2}, "embedding model"),
        ({"llama__pooling_type": 3}, "embedding model"),
        ({"llama__attention__causal": False}, "embedding model"),
        ({"llama__pooling_type": 4}, "reranker"),
        ({"tensors": {"cls.output.weight": TensorInfo((64, 1), 0, 0)}}, "reranker"),
        ({"tensors": {}}, "vocabulary without weights"),
        ({"tokenizer__ggml__model": None}, "no tokenizer"),
        ({"tokenizer__ggml__model": "no_vocab"}, "no tokenizer"),
        ({"general__type": "adapter"}, "--voice"),
        ({"general__type": "imatrix"}, "importance matrix"),
        ({"general__type": "mmproj"}, "pictures"),
        ({"general__architecture": None}, "architecture"),
    ],
)
def test_what_writes_no_text_is_named(changes: dict[str, Any], saying: str) -> None:
    with pytest.raises(ModelError, match=saying) as caught:
        check_chat_model(header(**changes))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"llama__block_count": 0},
        {"llama__block_count": 513},
        {"llama__block_count": 100_000},
        {"llama__block_count": 2.0},
        {"llama__embedding_length": 0},
        {"llama__embedding_length": 65},
        {"llama__context_length": 2**32 - 1},
        {"llama__attention__head_count": 100_000},
        {"llama__attention__head_count": 3},
        {"llama__attention__head_count": 96, "llama__attention__head_count_kv": 96},
        {"llama__attention__head_count": (4,)},
        {"llama__attention__layer_norm_rms_epsilon": math.nan},
        {"llama__attention__layer_norm_rms_epsilon": -1e30},
        {"llama__attention__layer_norm_rms_epsilon": math.inf},
        {"llama__rope__freq_base": 0.0},
        {"llama__rope__freq_base": math.nan},
        {"llama__rope__scaling__factor": math.inf},
        {"llama__expert_count": 100_000},
        {"llama__expert_count": 2, "llama__expert_used_count": 3},
        {"tokenizer__ggml__scores": ManyValues(7)},
        {"tokenizer__ggml__token_type": ManyValues(99)},
    ],
)
def test_numbers_that_no_model_has_are_one_sentence(changes: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="corrupted") as caught:
        check_numbers(header(**changes))
    assert "\n" not in str(caught.value)


def test_an_unknown_word_split_is_said() -> None:
    (note,) = notes(header(tokenizer__ggml__pre=None))
    assert "tokenizer.ggml.pre" in note
    assert notes(header(tokenizer__ggml__pre="default")) == ()
    assert notes(header(tokenizer__ggml__model="llama", tokenizer__ggml__pre=None)) == ()
