"""One `llama_cpp.Llama` for one prompt at a time: how most bots use it; the bench's baseline."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

import llama_cpp

from engine.prefix_tree import common
from engine.sequence import Sampling


class SingleLlama:
    """llama-cpp-python's own class, with the cache that it keeps of the last prompt."""

    def __init__(self, path: Path, *, context: int, threads: int) -> None:
        self._llama = llama_cpp.Llama(
            str(path), n_ctx=context, n_threads=threads, n_threads_batch=threads, verbose=False
        )

    def stored(self, prompt: Sequence[int]) -> int:
        """How many tokens of a prompt it would not read again."""
        ids = array("i", self._llama.input_ids[: self._llama.n_tokens].tolist())
        return common(ids, array("i", prompt[:-1]))

    def tokens(self, prompt: Sequence[int], sampling: Sampling) -> Iterator[int]:
        """The tokens that follow, without end."""
        yield from self._llama.generate(
            prompt,
            top_k=sampling.top_k,
            top_p=sampling.top_p,
            min_p=sampling.min_p,
            temp=sampling.temperature,
            repeat_penalty=sampling.repeat_penalty,
        )

    def close(self) -> None:
        """Free the model."""
        self._llama.close()
