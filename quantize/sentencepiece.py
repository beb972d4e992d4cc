"""SentencePiece BPE as Hugging Face keeps it in tokenizer.json, for llama.cpp's "llama" tokenizer.

There, merges are ranked pairs; llama.cpp ranks the merged token by one score, as SentencePiece
does (https://github.com/google/sentencepiece, bpe_model.cc): of all neighbours that make a token
together, those with the highest score merge first. The scores are read back from the ranks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from quantize.error import ConvertError

SPACE = "▁"
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
# Tokens that no merge makes: below every score that one makes.
_NEVER = -1e9


def is_byte(token: str) -> bool:
    """Whether a token stands for one byte, such as <0x0A>."""
    return _BYTE.fullmatch(token) is not None


def scores(
    vocabulary: Mapping[str, int],
    merges: Sequence[tuple[str, str]],
    path: Path,
    notes: list[str],
    control: frozenset[str] = frozenset(),
) -> dict[str, float]:
    """Token -> score: minus the rank at which it is first made, or below all where it never is.

    `control` are tokens that no plain text may make. Raises ConvertError where llama.cpp would make
    a token that these merges cannot: it tries every pair of neighbours whose texts together are a
    token, whether the pair is listed or not. For control tokens that is only noted; the engine
    reads such a text in two parts.
    """
    if missing := [f"<0x{n:02X}>" for n in range(256) if f"<0x{n:02X}>" not in vocabulary]:
        raise ConvertError(f"{path}: the byte token {missing[0]} is missing")
    first: dict[str, int] = {}
    last = ""
    shuffled = False
    for left, right in merges:
        made = left + right
        shuffled |= made in first and made != last
        first.setdefault(made, len(first))
        last = made
    if shuffled:
        notes.append("some merges are ranked by pair, which llama.cpp ranks by what they make")
    listed = set(merges)
    for token in vocabulary:
        for cut in range(1, len(token)):
            pair = token[:cut], token[cut:]
            if pair[0] in vocabulary and pair[1] in vocabulary and pair not in listed:
                if token in control:
                    notes.append(f"llama.cpp takes a typed {token!r} for the control token")
                    break
                raise ConvertError(
                    f"{path}: llama.cpp would merge {pair[0]!r} and {pair[1]!r}, which this "
                    "tokenizer does not; it is not one made by SentencePiece"
                )
    return {token: -float(first[token]) if token in first else _NEVER for token in vocabulary}


def space_prefix(tokenizer: Mapping[str, Any], path: Path, notes: list[str]) -> bool:
    """Whether a text begins with a space that nobody wrote. Raises ConvertError for a normalizer
    or pre-tokenizer that does more than to write spaces as ▁."""
    normalizer, pre = tokenizer.get("normalizer"), tokenizer.get("pre_tokenizer")
    steps = normalizer.get("normalizers", [normalizer]) if isinstance(normalizer, dict) else []
    replace = {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}
    if pre is None and steps:
        prefix = bool(steps[0] == {"type": "Prepend", "prepend": SPACE})
        if (steps[1:] if prefix else steps) == [replace]:
            return prefix
    if isinstance(pre, dict) and pre.get("type") == "Metaspace" and not steps:
        scheme = pre.get("prepend_scheme", "always")
        if pre.get("replacement") == SPACE and pre.get("split") is False:
            if scheme != "never":
                notes.append(
                    "a text that begins with a space, at the start or behind a control token, "
                    "gets a second one from llama.cpp"
                )
            if scheme == "first":
                notes.append(
                    "behind a control token llama.cpp puts a space that this tokenizer does not"
                )
            return bool(scheme != "never")
    raise ConvertError(
        f"{path}: the normalizer {str(normalizer)[:200]} with the pre-tokenizer {str(pre)[:200]} "
        "is not known to llama.cpp's SentencePiece"
    )
