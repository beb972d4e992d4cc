"""The tokenizer of a GGUF's metadata as a Hugging Face tokenizer that gives llama.cpp's ids.

`tokenizer.ggml.model` "gpt2" is byte-level BPE with a word split named by `tokenizer.ggml.pre`,
"llama" is SentencePiece BPE. https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    pre_tokenizers,
    processors,
)
from transformers import PreTrainedTokenizerFast

from trainer import sentencepiece
from trainer.sentencepiece import CONTROL, UNKNOWN, UNUSED, USER, Pieces
from trainer.shards import WeightsError

Get = Callable[..., Any]  # (key, otherwise) -> the metadata's value

_CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_ONE_DIGIT = rf"{_CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}|{_REST}"
_THREE_DIGITS = rf"{_CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}|{_REST}"
# `tokenizer.ggml.pre` -> (patterns in turn; "" is GPT-2's own, whole words are looked up before
# they are merged). The patterns are data of the published tokenizers.
_SPLITS: dict[str, tuple[tuple[str, ...], bool]] = {
    "gpt-2": (("",), False),
    "qwen2": ((_ONE_DIGIT,), False),
    "deepseek-r1-qwen": ((_ONE_DIGIT,), False),
    "llama-bpe": ((_THREE_DIGITS,), True),
    "smollm": ((r"\p{N}", ""), False),
}
# Tokens that end a turn by their name.
_TURN_ENDS = ("<|im_end|>", "<|eot_id|>", "<|end|>")


def read(get: Get, file: Path, rows: int) -> tuple[PreTrainedTokenizerFast, list[int], list[str]]:
    """The tokenizer, the ids that end a reply, and notes for the reader.

    Raises:
        WeightsError: no vocabulary, one larger than the embedding's `rows`, a kind of tokenizer or
            a word split that is not known here.
    """
    texts = get("tokenizer.ggml.tokens")
    if not texts:
        raise WeightsError(f"{file}: has no vocabulary")
    texts = _distinct(texts)
    kinds = get("tokenizer.ggml.token_type") or [sentencepiece.NORMAL] * len(texts)
    if len(texts) > rows or len(kinds) != len(texts):
        raise WeightsError(
            f"{file}: {len(texts)} tokens of {len(kinds)} kinds, but the embedding has {rows} rows"
        )
    special = {
        role: number
        for role in ("bos", "eos", "eot", "unknown", "padding")
        if isinstance(number := get(f"tokenizer.ggml.{role}_token_id"), int)
        and 0 <= number < len(texts)
    }
    notes: list[str] = []
    model = get("tokenizer.ggml.model")
    if model == "gpt2":
        made = _byte_level(get, file, texts, kinds, special.get("bos"))
    elif model == "llama":
        made = _pieces(get, file, texts, kinds, special)
    else:
        raise WeightsError(
            f"{file}: its tokenizer is of kind {model!r}; known here are gpt2 and llama"
        )
    ends = [special[role] for role in ("eos", "eot") if role in special]
    ends += [number for number, text in enumerate(texts) if text in _TURN_ENDS]
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=made,
        clean_up_tokenization_spaces=False,
        **{
            f"{name}_token": texts[special[role]] if role in special else None
            for name, role in (
                ("bos", "bos"),
                ("eos", "eos"),
                ("unk", "unknown"),
                ("pad", "padding"),
            )
        },
    )
    template = get("tokenizer.chat_template")
    if template:
        wrapped.chat_template = template
    else:
        notes.append("the file has no chat template: is it a base model, not a chat model?")
    return wrapped, list(dict.fromkeys(ends)), notes


def _distinct(texts: Sequence[str]) -> list[str]:
    """The same texts; one that stood before gets its id behind it (filler has no other use)."""
    seen: set[str] = set()
    made = []
    for number, text in enumerate(texts):
        made.append(f"{text}#{number}" if text in seen else text)
        seen.add(made[-1])
    return made


def _byte_level(
    get: Get, file: Path, texts: Sequence[str], kinds: Sequence[int], begin: int | None
) -> Tokenizer:
    name = str(get("tokenizer.ggml.pre", "default"))
    if name not in _SPLITS:
        raise WeightsError(
            f"{file}: its text is cut into words in the way {name!r}, which is not known here "
            f"(known: {', '.join(_SPLITS)}); take the publisher's safetensors"
        )
    merges = get("tokenizer.ggml.merges")
    if not merges:
        raise WeightsError(f"{file}: a byte-level BPE vocabulary without merges")
    patterns, whole_words = _SPLITS[name]
    vocabulary = {
        text: number
        for number, (text, kind) in enumerate(zip(texts, kinds, strict=True))
        if kind != UNUSED
    }
    pairs = [tuple(merge.split(" ", 1)) for merge in merges]
    if broken := next((p for p in pairs if len(p) != 2 or "".join(p) not in vocabulary), None):
        raise WeightsError(f"{file}: the merge {' '.join(broken)!r} makes no token")
    made = Tokenizer(models.BPE(vocabulary, pairs, ignore_merges=whole_words))
    steps: list[Any] = [
        pre_tokenizers.Split(Regex(pattern), behavior="isolated") for pattern in patterns if pattern
    ]
    steps.append(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=patterns[-1] == ""))
    made.pre_tokenizer = pre_tokenizers.Sequence(steps) if len(steps) > 1 else steps[0]
    made.decoder = decoders.ByteLevel()
    control = [t for t, kind in zip(texts, kinds, strict=True) if kind in (CONTROL, UNKNOWN)]
    made.add_special_tokens([AddedToken(text, normalized=False, special=True) for text in control])
    own = [text for text, kind in zip(texts, kinds, strict=True) if kind == USER]
    made.add_tokens([AddedToken(text, normalized=False, special=False) for text in own])
    if begin is not None and get("tokenizer.ggml.add_bos_token", False):
        first = texts[begin]
        made.post_processor = processors.TemplateProcessing(
            single=f"{first} $A", pair=f"{first} $A $B", special_tokens=[(first, begin)]
        )
    return made


def _pieces(
    get: Get, file: Path, texts: Sequence[str], kinds: Sequence[int], special: dict[str, int]
) -> Tokenizer:
    scores = get("tokenizer.ggml.scores")
    if not scores or len(scores) != len(texts) or sentencepiece.BYTE not in kinds:
        raise WeightsError(f"{file}: a SentencePiece vocabulary without scores or byte pieces")
    return sentencepiece.tokenizer(
        Pieces(
            texts=texts,
            kinds=kinds,
            scores=scores,
            unknown=special.get("unknown", 0),
            begin=special.get("bos") if get("tokenizer.ggml.add_bos_token", True) else None,
            prefix=bool(get("tokenizer.ggml.add_space_prefix", True)),
        )
    )
