"""A loaded GGUF: llama.cpp's model, context, batch and samplers, as the loop's `ModelRunner`."""

from __future__ import annotations

import ctypes
import logging
import math
import time
from array import array
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

import llama_cpp
import numpy as np
from numpy.typing import NDArray

from engine.adapter import check_belongs, own_metadata, read_adapter
from engine.checks import notes
from engine.header import size_of
from engine.llama import loading
from engine.llama.batch import Batch
from engine.llama.devices import placed
from engine.llama.loading import reason
from engine.llama.lora import apply, load_adapter
from engine.llama.probe import look_at
from engine.llama.sampler import make_chain
from engine.llama.tokenizer import Tokenizer
from engine.processors import processors
from engine.resources import Layout, plan
from engine.runner import Chunk
from engine.sampling import Link
from engine.sequence import EngineError, OutOfMemory
from engine.slots import Move

log = logging.getLogger(__name__)

BATCH = 512  # tokens
_VERSION = llama_cpp.__version__  # states are not portable across versions


class ModelOptions(TypedDict, total=False):
    """How a model is opened; all may be left out.

    `context` is the longest prompt plus reply (tokens), `replies` how many are written at once,
    `threads` the processor's (None: its physical cores). `vram` bounds the GPU's memory (GiB;
    None: the whole model goes there if there is a GPU; 0: nothing does). `cells` is the size of
    the cache that all share (tokens; None: planned by `engine.resources`). `flash` is flash
    attention (None: where llama.cpp has it): it skips other rooms' cells, but adds up in half
    precision, so that logits vary by some 1e-2 with what lies in the cache. `adapter` is a LoRA
    as a GGUF that is applied to the model; what it says under `mrp.…` counts before what the
    model says.
    """

    context: int | None
    replies: int | None
    threads: int | None
    vram: float | None
    cells: int | None
    flash: bool | None
    adapter: str | Path | None


class LlamaModel:
    """One GGUF and its KV cache. All but `tokenizer` from one thread.

    `cells` of the cache are shared by all sequences (unified), so that a common prefix lies there
    once. `name` says what states of this cache can be read by, `notes` what is doubtful about the
    file, `placement` what it computes on. Raises ModelError where it cannot be served, OutOfMemory
    where less of it might be: `engine.llama.opening` then asks for less.
    """

    batch = BATCH

    def __init__(self, path: Path, **options: Unpack[ModelOptions]) -> None:
        context, replies = options.get("context") or 4096, options.get("replies") or 8
        vram, size, layers = options.get("vram"), size_of(path), -1
        if vram == 0:
            vram, layers = None, 0
        self.notes = notes(look_at(path))
        named = options.get("adapter")
        adapter = read_adapter(Path(named)) if named else None
        if adapter is not None:
            self.notes += check_belongs(adapter, path)
            size += adapter.path.stat().st_size
        for note in self.notes:
            log.warning("%s", note)
        if vram is not None:
            # The vocabulary alone is enough to know the shape, and to plan before loading.
            peek = loading.load(path, vocabulary_only=True)
            shape = loading.metadata(peek)
            llama_cpp.llama_model_free(peek)
            layers = plan(shape, size, context=context, replies=replies, vram=vram).layers
        self._model = loading.load(path, layers=layers)
        loading.check_generates(path, self._model)
        self.placement = placed(layers, llama_cpp.llama_model_n_layer(self._model) + 1)
        self.metadata = loading.metadata(self._model)
        lora = load_adapter(self._model, adapter) if adapter is not None else None
        if adapter is not None:
            self.metadata |= own_metadata(adapter)
        self.tokenizer = Tokenizer(llama_cpp.llama_model_get_vocab(self._model))
        self.seconds = 0.0
        if "tokenizer.chat_template" not in self.metadata:
            log.info("%s has no chat template: is it a model for conversation?", path.name)
        self.can_truncate = not (
            llama_cpp.llama_model_is_recurrent(self._model)
            or llama_cpp.llama_model_is_hybrid(self._model)
        )
        self.context = min(context, llama_cpp.llama_model_n_ctx_train(self._model) or context)
        self.slots = min(
            4 * replies + 32 if self.can_truncate else 2 * replies + 8,
            llama_cpp.llama_max_parallel_sequences() - 1,
        )
        # llama.cpp aborts when a context has fewer output rows than sequences.
        self.outputs = max(64, 2 * replies, self.slots + 1)
        layout = plan(self.metadata, size, context=self.context, replies=replies, vram=vram)
        if cells := options.get("cells"):
            layout = replace(layout, cells=max(cells, self.context))
        model = f"{path.name} + {adapter.digest}" if adapter is not None else path.name
        self.name = f"{model} {size} {layout.kv} llama-cpp-python {_VERSION}"
        threads = options.get("threads") or processors()
        self._context = self._open(path, layout, threads, options.get("flash"))
        if lora is not None:
            apply(self._context, lora)
        self.cells = int(llama_cpp.llama_n_ctx(self._context))
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._batch = Batch(BATCH)

    def _open(self, path: Path, layout: Layout, threads: int, flash: bool | None) -> Any:
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = -(-layout.cells // 256) * 256
        if layout.kv == "q8_0":
            params.type_k = params.type_v = llama_cpp.GGML_TYPE_Q8_0
            flash = True  # without it llama.cpp cannot quantize the values
        if flash is not None:
            params.flash_attn_type = int(flash)  # LLAMA_FLASH_ATTN_TYPE_DISABLED, _ENABLED
        params.n_batch = params.n_ubatch = self.batch
        params.n_seq_max = self.slots + 1  # one to save and load through
        # Logits are wanted of few tokens; the default would hold a row for each token of a batch.
        params.n_outputs_max = self.outputs
        params.n_threads = params.n_threads_batch = threads
        params.kv_unified = True
        # Sliding-window layers keep everything, so that any prefix can be continued.
        params.swa_full = True
        params.no_perf = True
        loading.forget_complaints()
        context = llama_cpp.llama_init_from_model(self._model, params)
        if not context:
            llama_cpp.llama_model_free(self._model)
            raise OutOfMemory(f"{path.name} cannot be served: {reason('no memory for its cache')}")
        return context

    # -- text ------------------------------------------------------------------------------------

    @property
    def vocabulary(self) -> int:
        """Token ids are below it."""
        return self.tokenizer.size

    def encode(self, text: str, control: bool = False) -> list[int]:
        """Token ids of a text; see `Tokenizer.encode`."""
        return self.tokenizer.encode(text, control)

    def piece(self, token: int) -> bytes:
        """A token's bytes; none for control tokens."""
        return self.tokenizer.piece(token)

    def ends(self, token: int) -> bool:
        """Whether a token ends a reply."""
        return self.tokenizer.ends(token)

    # -- evaluating ------------------------------------------------------------------------------

    def evaluate(self, chunks: list[Chunk]) -> None:
        """Evaluate a batch. Raises EngineError with llama.cpp's reason; the slots are then
        unusable."""
        batch = self._batch.fill(chunks)
        loading.forget_complaints()
        began = time.perf_counter()
        status = llama_cpp.llama_decode(self._context, batch)
        self.seconds += time.perf_counter() - began
        if status != 0:
            raise EngineError(f"the model could not be evaluated ({reason(f'status {status}')})")

    def move(self, move: Move) -> None:
        """Copy or truncate a sequence."""
        if move.kind == "copy":
            llama_cpp.llama_memory_seq_cp(self._memory, move.source, move.slot, 0, move.n)
        elif not llama_cpp.llama_memory_seq_rm(self._memory, move.slot, move.n, -1):
            raise EngineError(f"the cache did not forget what follows token {move.n}")

    def save(self, slot: int, start: int) -> bytes:
        """The state of a slot from position `start` on."""
        scratch = self.slots  # one sequence more than the loop knows of
        llama_cpp.llama_memory_seq_cp(self._memory, slot, scratch, start, -1)
        size = llama_cpp.llama_state_seq_get_size(self._context, scratch)
        data = (ctypes.c_uint8 * size)()
        n = llama_cpp.llama_state_seq_get_data(self._context, data, size, scratch)
        llama_cpp.llama_memory_seq_rm(self._memory, scratch, -1, -1)
        return bytes(memoryview(data)[:n])

    def load(self, slot: int, data: bytes, start: int, end: int) -> bool:
        """Put positions `start` to `end` of a saved state behind what the slot holds."""
        scratch = self.slots
        source = (ctypes.c_uint8 * len(data)).from_buffer_copy(data)
        n = llama_cpp.llama_state_seq_set_data(self._context, source, len(data), scratch)
        if n:
            llama_cpp.llama_memory_seq_cp(self._memory, scratch, slot, start, end)
        llama_cpp.llama_memory_seq_rm(self._memory, scratch, -1, -1)
        return bool(n)

    def clear(self) -> None:
        """Empty the cache."""
        llama_cpp.llama_memory_clear(self._memory, True)

    def close(self) -> None:
        """Free the model."""
        self.tokenizer.closed = True
        llama_cpp.llama_free(self._context)
        llama_cpp.llama_model_free(self._model)

    # -- choosing --------------------------------------------------------------------------------

    def sampler(self, links: tuple[Link, ...], history: array[int]) -> Any:
        """A sampler chain. Raises BadRequest for a grammar that does not parse."""
        return make_chain(links, history, self.tokenizer)

    def sample(self, sampler: Any, output: int) -> int:
        """The next token. Raises EngineError where a logit is not a number."""
        # llama.cpp's samplers abort the process on NaN; looking costs 0.03 ms of 150,000 logits.
        began = time.perf_counter()
        if np.isnan(self._logits(output).max()):
            raise EngineError("the model computed logits that are not numbers; its file is damaged")
        token = llama_cpp.llama_sampler_sample(sampler, self._context, self._index(output))
        self.seconds += time.perf_counter() - began
        return int(token)

    def logprob(self, output: int, token: int) -> float:
        """Natural-log probability of a token under the model, before any sampling."""
        logits = self._logits(output).astype(np.float64)
        top = logits.max()
        if np.isnan(top):
            raise EngineError("the model computed logits that are not numbers; its file is damaged")
        return float(logits[token] - top - math.log(np.exp(logits - top).sum()))

    def discard(self, sampler: Any) -> None:
        """Free a sampler chain."""
        llama_cpp.llama_sampler_free(sampler)

    def _index(self, output: int) -> int:
        """llama.cpp names an output by its token's place in the batch."""
        return self._batch.outputs[output]

    def _logits(self, output: int) -> NDArray[np.float32]:
        row = llama_cpp.llama_get_logits_ith(self._context, self._index(output))
        return np.ctypeslib.as_array(row, shape=(self.vocabulary,))
