"""A llama_batch over arrays of ours, filled by slices instead of token by token."""

from __future__ import annotations

import ctypes
from typing import Any

import llama_cpp
import numpy as np

from engine.runner import Chunk


class Batch:
    """Up to `size` tokens. `outputs` are the places of the tokens whose logits are asked for."""

    def __init__(self, size: int) -> None:
        self._token = np.zeros(size, np.int32)
        self._position = np.zeros(size, np.int32)
        self._counts = np.ones(size, np.int32)
        self._slot = np.zeros(size, np.int32)
        self._output = np.zeros(size, np.int8)
        width = self._slot.itemsize
        self._slots = (self._slot.ctypes.data + width * np.arange(size)).astype(np.uint64)
        self.outputs: list[int] = []

    def fill(self, chunks: list[Chunk]) -> Any:
        """The llama_batch of these chunks; valid until the next call."""
        self.outputs = []
        self._output[:] = 0
        begin = 0
        for chunk in chunks:
            n = len(chunk.tokens)
            end = begin + n
            self._token[begin:end] = chunk.tokens
            self._position[begin:end] = np.arange(chunk.position, chunk.position + n)
            self._slot[begin:end] = chunk.slot
            if chunk.outputs:
                self._output[end - chunk.outputs : end] = 1
                self.outputs += range(end - chunk.outputs, end)
            begin = end
        batch = llama_cpp.llama_batch()
        batch.n_tokens = begin
        for name, values in (
            ("token", self._token),
            ("pos", self._position),
            ("n_seq_id", self._counts),
            ("seq_id", self._slots),
            ("logits", self._output),
        ):
            kind = dict(llama_cpp.llama_batch._fields_)[name]
            setattr(batch, name, ctypes.cast(values.ctypes.data, kind))
        return batch
