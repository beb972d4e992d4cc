"""Sentence vectors from a GGUF embedding model, for the dense half of a search.

    embed = open_embedder(Path("bge-small-zh-v1.5-q8_0.gguf"))
    embed(["你老婆是谁", "高老庄招亲"])        # float32 (2, d), unit length

Apart from the engine: another model, read whole texts at a time, and nobody waits in a queue.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import llama_cpp
import numpy as np
from jinja2 import TemplateError
from numpy.typing import NDArray

from engine.checks import check_numbers
from engine.header import read_header
from engine.llama.probe import check_survives
from engine.sequence import ModelError

Embed = Callable[[Sequence[str]], NDArray[np.float32]]

# Passages are at most 400 characters; embedding models for Chinese read 512 tokens.
_LONGEST = 512


def open_embedder(path: Path) -> Embed:
    """A function from texts to unit vectors, float32 of shape (texts, d).

    Pooling is the model's own (CLS for bge, last token for Qwen3-Embedding); a model that names
    none is averaged over its tokens. Longer texts are cut at 512 tokens.

    Raises:
        ModelError: the file is missing or cannot be used.
    """
    if not path.is_file():
        raise ModelError(f"there is no embedding model {path}")
    header = read_header(path)
    check_numbers(header)
    check_survives(header)
    model = _open(path, llama_cpp.LLAMA_POOLING_TYPE_UNSPECIFIED)
    if model.pooling_type() == llama_cpp.LLAMA_POOLING_TYPE_NONE:
        model.close()
        model = _open(path, llama_cpp.LLAMA_POOLING_TYPE_MEAN)

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        if not texts:
            return np.zeros((0, model.n_embd()), np.float32)
        # A text without a token has no vector.
        rows = model.embed([text or " " for text in texts], normalize=True, truncate=True)
        return np.asarray(rows, np.float32)

    return embed


def _open(path: Path, pooling: int) -> llama_cpp.Llama:
    try:
        return llama_cpp.Llama(
            str(path),
            embedding=True,
            pooling_type=pooling,
            n_ctx=_LONGEST,
            n_batch=_LONGEST,
            n_ubatch=_LONGEST,
            verbose=False,
        )
    except (ValueError, OSError, TemplateError) as problem:  # it parses chat templates too
        raise ModelError(f"{path} cannot be used as an embedding model: {problem}") from problem
