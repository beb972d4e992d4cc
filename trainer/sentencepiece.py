"""SentencePiece BPE as a `tokenizers` tokenizer: pieces with scores become ranked merges.

SentencePiece merges, of all neighbours that make a piece together, those with the highest score
first (https://github.com/google/sentencepiece, bpe_model.cc); `tokenizers` merges by the rank of a
pair. Ranking the pairs by the score of what they make gives the same tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, processors

SPACE = "▁"
# SentencePiece's kinds of pieces; a GGUF's `tokenizer.ggml.token_type` has the same numbers.
NORMAL, UNKNOWN, CONTROL, USER, UNUSED, BYTE = 1, 2, 3, 4, 5, 6


@dataclass(frozen=True, slots=True)
class Pieces:
    """A SentencePiece vocabulary by id: texts, kinds, scores; the ids of <unk> and of the token
    that begins a text (None: none does); whether a text gets a space before it (`prefix`)."""

    texts: Sequence[str]
    kinds: Sequence[int]
    scores: Sequence[float]
    unknown: int
    begin: int | None
    prefix: bool


def tokenizer(pieces: Pieces) -> Tokenizer:
    """The tokenizer that gives the ids SentencePiece (and llama.cpp) gives."""
    spoken = (NORMAL, USER, UNUSED)
    rows = list(zip(pieces.texts, pieces.kinds, pieces.scores, strict=True))
    # Control pieces have no score: whoever types `</s>` writes four letters, not a token.
    scores = {text: score for text, kind, score in rows if kind in spoken}
    vocabulary = {text: number for number, text in enumerate(pieces.texts)}
    made = Tokenizer(
        models.BPE(
            vocabulary,
            merges(scores, vocabulary),
            unk_token=pieces.texts[pieces.unknown],
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    spaces = normalizers.Replace(" ", SPACE)
    made.normalizer = normalizers.Sequence(
        [normalizers.Prepend(SPACE), spaces] if pieces.prefix else [spaces]
    )
    made.decoder = decoders.Sequence(
        [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
        + ([decoders.Strip(" ", left=1, right=0)] if pieces.prefix else [])
    )
    special = [text for text, kind, _ in rows if kind in (UNKNOWN, CONTROL)]
    made.add_special_tokens([AddedToken(p, normalized=False, special=True) for p in special])
    # SentencePiece looks for these after it has written spaces as ▁, so they are normalized.
    own = [text for text, kind, _ in rows if kind == USER]
    made.add_tokens([AddedToken(p, normalized=SPACE in p, special=False) for p in own])
    if pieces.begin is not None:
        begin = pieces.texts[pieces.begin]
        made.post_processor = processors.TemplateProcessing(
            single=f"{begin} $A", pair=f"{begin} $A $B", special_tokens=[(begin, pieces.begin)]
        )
    return made


def merges(scores: Mapping[str, float], vocabulary: Mapping[str, int]) -> list[tuple[str, str]]:
    """Every pair of pieces that makes a piece, best score first, then by id, then from the left."""
    made = []
    for piece, score in scores.items():
        for cut in range(1, len(piece)):
            left, right = piece[:cut], piece[cut:]
            if left in scores and right in scores:
                made.append((-score, vocabulary[piece], cut, left, right))
    return [(left, right) for *_, left, right in sorted(made)]
