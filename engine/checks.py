"""Whether the header of a GGUF describes a chat model that llama.cpp can serve: one sentence where
it does not, instead of an abort of the process or of replies that are noise."""

from __future__ import annotations

import math
from collections.abc import Iterator

from engine.header import Header, Value
from engine.sequence import ModelError

# What other kinds of GGUF are for (general.type).
_OTHERS = {
    "adapter": "a LoRA adapter, no model; name its base with --model and the adapter with --voice",
    "imatrix": "an importance matrix of `mrp imatrix`, no model",
    "mmproj": "the part of a model that looks at pictures; name the model itself",
    "vocab": "a vocabulary without weights",
}
_RANK = 4  # llama.h, enum llama_pooling_type: 1 to 3 pool vectors, 4 ranks documents
_HEADS = "attention.head_count"

# Sizes of a model: key -> (smallest, largest). LLAMA_MAX_LAYERS is 512, LLAMA_MAX_EXPERTS 512 to
# 1,024 by version; a larger number there is an assertion in llama.cpp. The rest is far above any
# model there is, and below what would overflow.
_SIZES: dict[str, tuple[int, int]] = {
    "block_count": (1, 512),
    "context_length": (0, 1 << 30),
    "embedding_length": (1, 1 << 18),
    "feed_forward_length": (0, 1 << 22),
    _HEADS: (0, 4096),
    "attention.head_count_kv": (0, 4096),
    "attention.key_length": (1, 1 << 14),
    "attention.value_length": (1, 1 << 14),
    "rope.dimension_count": (0, 1 << 14),
    "expert_count": (0, 512),
    "expert_used_count": (0, 512),
    "vocab_size": (1, 1 << 24),
    "leading_dense_block_count": (0, 512),
    "attention.sliding_window": (0, 1 << 31),
}


def check_chat_model(header: Header) -> None:
    """Refuse what is no chat model, or whose numbers no model can have.

    Raises:
        ModelError: with one sentence.
    """
    check_numbers(header)
    pooling, architecture = header.own("pooling_type"), header.architecture
    ranks = [name for name in header.tensors if name in ("cls.weight", "cls.output.weight")]
    if pooling == _RANK or ranks:
        raise ModelError(
            f"{header.path} cannot be served: it is a reranker (it scores documents and writes no "
            "text); name a chat model"
        )
    if (isinstance(pooling, int) and pooling > 0) or header.own("attention.causal") is False:
        raise ModelError(
            f"{header.path} cannot be served: it is an embedding model (it makes vectors and "
            "writes no text); name a chat model"
        )
    if not header.tensors:
        raise ModelError(f"{header.path} cannot be served: it is {_OTHERS['vocab']}")
    if header.values.get("tokenizer.ggml.model") in (None, "none", "no_vocab"):
        raise ModelError(f"{header.path} cannot be served: it has no tokenizer ({architecture})")


def check_numbers(header: Header) -> None:
    """Refuse numbers that no model can have.

    Raises:
        ModelError: with one sentence.
    """
    if header.type in _OTHERS:
        raise ModelError(f"{header.path} cannot be served: it is {_OTHERS[header.type]}")
    if not header.architecture:
        raise ModelError(f"{header.path} cannot be served: it does not name its architecture")
    wrong = next(_absurd(header), None)
    if wrong is not None:
        raise ModelError(f"{header.path} is corrupted: {wrong}; fetch or convert it again")


def notes(header: Header) -> tuple[str, ...]:
    """What is doubtful about a model that can be served, a sentence each."""
    found = []
    model, split = (header.values.get(f"tokenizer.ggml.{key}") for key in ("model", "pre"))
    if model == "gpt2" and split is None:
        found.append(
            f"{header.path.name} does not say how its tokenizer splits words (tokenizer.ggml.pre), "
            "so it reads other tokens than it was trained with and replies are worse; take a newer "
            "conversion of the model"
        )
    return tuple(found)


def _absurd(header: Header) -> Iterator[str]:
    """What is impossible, in words."""
    prefix = f"{header.architecture}."
    for key, (least, most) in _SIZES.items():
        for number in _numbers(header.own(key)):
            if not isinstance(number, int) or not least <= number <= most:
                yield f"{prefix}{key} is {number}"
    for key, value in header.values.items():
        if not key.startswith(prefix):
            continue
        wrong = next((one for one in _numbers(value) if not _is_possible(key, one)), None)
        if wrong is not None:
            yield f"{key} is {wrong}"
    yield from _misfits(header)
    tokens = header.count("tokenizer.ggml.tokens")
    for key in ("tokenizer.ggml.token_type", "tokenizer.ggml.scores"):
        count = header.count(key)
        if count is not None and count != tokens:
            yield f"its vocabulary has {tokens} tokens and {count} values of {key}"


def _is_possible(key: str, number: int | float) -> bool:
    if not math.isfinite(number):
        return False
    if key.endswith("_epsilon"):
        return 0 <= number < 1
    return number > 0 or not key.endswith(("freq_base", "freq_base_swa"))


def _misfits(header: Header) -> Iterator[str]:
    """Sizes that contradict each other."""
    prefix = f"{header.architecture}."
    width = header.own("embedding_length")
    table = header.tensors.get("token_embd.weight")
    if table is not None and isinstance(width, int) and table.shape[0] != width:
        yield f"{prefix}embedding_length is {width}, but its embedding has {table.shape[0]} columns"
    layers = _numbers(header.own("block_count"))
    for key in (_HEADS, "attention.head_count_kv", "feed_forward_length"):
        each = header.own(key)
        if isinstance(each, tuple) and layers and len(each) < layers[0]:
            yield f"{prefix}{key} has {len(each)} values for {layers[0]} layers"
    heads, shared = header.own(_HEADS), header.own("attention.head_count_kv")
    if isinstance(heads, int) and isinstance(shared, int) and shared and heads % shared:
        yield f"{prefix}{_HEADS} is {heads}, which {shared} key and value heads cannot share"
    given = header.own("attention.key_length")
    if given is None and isinstance(heads, int) and isinstance(width, int) and heads > width:
        yield f"{prefix}{_HEADS} is {heads}, but the model is only {width} wide"
    experts, used = header.own("expert_count"), header.own("expert_used_count")
    if isinstance(experts, int) and isinstance(used, int) and used > experts:
        yield f"{prefix}expert_used_count is {used} of {experts}"


def _numbers(value: Value | None) -> list[int | float]:
    many = value if isinstance(value, tuple) else (value,)
    return [one for one in many if isinstance(one, int | float) and not isinstance(one, bool)]
