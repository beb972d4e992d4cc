"""The only door to llama_cpp: one GGUF, its cache and its samplers, behind the interface of ours.

    engine = LlamaEngine.open("models/xiyou-mini.gguf", context=2048, replies=4)
    async for piece in engine.stream(engine.encode("…"), Sampling()):
        print(piece, end="")

Written against llama-cpp-python 0.3.36, whose low-level API moves: when it does, this file does.
"""

from __future__ import annotations

import asyncio
import ctypes
import hashlib
import json
import logging
import math
import os
import re
import time
from array import array
from collections import deque
from collections.abc import AsyncIterator, Iterator
from collections.abc import Sequence as Ids
from dataclasses import replace
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
from numpy.typing import NDArray

from engine.loop import Entry, Line, Loop
from engine.resources import GiB, Layout, plan
from engine.sampling import Link
from engine.sequence import BadRequest, EngineError, Finish, ModelError, Sampling, Usage
from engine.shelf import Shelf
from engine.slots import Move, common
from engine.stats import Stats

_Log = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
log = logging.getLogger(__name__)

_VERSION = llama_cpp.__version__  # states are not portable across versions
_ERROR = 4  # ggml_log_level
_lines: deque[str] = deque(maxlen=50)  # llama.cpp's last complaints, for error messages


@_Log
def _listen(level: int, text: bytes, _: Any) -> None:
    if level == _ERROR and (line := text.decode("utf-8", "replace").strip()):
        _lines.append(line)


def _silence() -> None:
    """Keep llama.cpp's log off the terminal; its errors are kept for ours."""
    llama_cpp.llama_log_set(_listen, ctypes.c_void_p(0))
    _lines.clear()


class LlamaEngine:
    """Many replies at once from one GGUF. See `engine.sequence.Engine` for the interface.

    `ends` are the tokens that end a reply (a bias of -inf on them makes it go on); token ids are
    below `vocabulary`.
    """

    def __init__(self, model: LlamaModel, loop: Loop, state: Path | None = None) -> None:
        self.context = model.context
        self.metadata = model.metadata
        self.ends = model.ending
        self.vocabulary = model.vocabulary
        self._model = model
        self._loop = loop
        self._state = state

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        context: int | None = None,
        replies: int | None = None,
        threads: int | None = None,
        vram: float | None = None,
        cells: int | None = None,
        shelf: float = 0.5,
        state: str | Path | None = None,
        stretch: float = 2.5,
        flash: bool | None = None,
    ) -> LlamaEngine:
        """Load a model and start its thread.

        `context` is the longest prompt plus reply (tokens), `replies` how many are written at once
        (None: what `mrp fit` wrote into the model's card, else 4096 and 8, and so for `vram`),
        `threads` the processor's (None: its physical cores). `vram` bounds the GPU's memory (GiB;
        None: the whole model goes there if there is a GPU). `cells` is the size of the cache that
        all share (tokens; None: planned by `engine.resources`). `shelf` GiB of host memory keep
        what idle rooms have read; with `state` that file takes it over to the next start.
        `stretch` bounds a step with a prompt's chunk, as a multiple of one with replies only.
        `flash` is flash attention (None: where llama.cpp has it): it skips other rooms' cells, but
        adds up in half precision, so that logits vary by some 1e-2 with what lies in the cache.

        Raises:
            ModelError: the file cannot be served; the message says why.
        """
        path = Path(path)
        check_card(path)
        told = fitted(path)
        context = context or int(told.get("context", 4096))
        replies = replies or int(told.get("replies", 8))
        if vram is None:
            vram = told.get("vram")
        model = LlamaModel(
            path,
            context=context,
            replies=replies,
            threads=threads,
            vram=vram,
            cells=cells,
            flash=flash,
        )
        kept = Shelf(int(shelf * GiB))
        state = Path(state) if state is not None else None
        if state is not None:
            kept.read(state, model.name, time.monotonic())
        loop = Loop(model, replies=replies, stretch=stretch, shelf=kept, keep=state is not None)
        return cls(model, loop, state)

    def stats(self) -> Stats:
        """Counters and histograms since the engine was opened."""
        return self._loop.snapshot()

    def encode(self, text: str, control: bool = False) -> list[int]:
        """Token ids of a text. Control tokens are recognised only where `control` is true."""
        return self._model.encode(text, control)

    def stream(
        self,
        tokens: Ids[int],
        sampling: Sampling,
        *,
        room: str = "",
        person: str = "",
        waiting: bool = True,
        stable: int | None = None,
    ) -> LlamaReply:
        """Begin a reply that continues `tokens`; see `Engine.stream`."""
        line = self._loop.ask(
            tokens, sampling, room=room, person=person, waiting=waiting, stable=stable
        )
        return LlamaReply(self._loop, line)

    async def score(
        self,
        tokens: Ids[int],
        continuations: Ids[Ids[int]],
        *,
        room: str = "",
        person: str = "",
        waiting: bool = True,
    ) -> list[float]:
        """Natural-log probability of each continuation after `tokens`, read in one batch."""
        lines = [
            self._loop.ask(
                [*tokens, *continuation],
                Sampling(),
                room=room,
                person=person,
                waiting=waiting,
                stable=None,
                scored=len(tokens),
            )
            if continuation
            else None
            for continuation in continuations
        ]
        try:
            for line in lines:
                while line is not None and not line.mailbox.closed:
                    await line.mailbox.news()
                if line is not None and line.mailbox.error is not None:
                    raise line.mailbox.error
        except BaseException:
            for line in lines:
                if line is not None:
                    self._loop.leave(line)
            raise
        return [math.fsum(line.logprobs) if line is not None else 0.0 for line in lines]

    async def close(self) -> None:
        """End all replies and free the model."""
        self._model.closed = True
        await asyncio.to_thread(self._loop.close)
        if self._state is not None:
            await asyncio.to_thread(self._loop.shelf.write, self._state, self._model.name)


class LlamaReply(AsyncIterator[str]):
    """One reply being written; see `engine.sequence.Reply`."""

    def __init__(self, loop: Loop, line: Line) -> None:
        self._loop = loop
        self._line = line
        self._left = False

    @property
    def finish(self) -> Finish | None:
        return self._line.mailbox.finish

    @property
    def usage(self) -> Usage:
        return self._line.usage

    @property
    def tokens(self) -> list[int]:
        line = self._line
        written = line.tokens[line.prompt :]
        return list(written[: line.shown] if line.ended else written)

    @property
    def logprobs(self) -> list[float]:
        return self._line.logprobs[: len(self.tokens)]

    @property
    def position(self) -> int:
        return self._line.position

    def __aiter__(self) -> LlamaReply:
        return self

    async def __anext__(self) -> str:
        mailbox = self._line.mailbox
        while not mailbox.pieces:
            if mailbox.error is not None and not self._left:
                raise mailbox.error
            if mailbox.closed or self._left:
                raise StopAsyncIteration
            await mailbox.news()
        return mailbox.pieces.popleft()

    async def aclose(self) -> None:
        """Walk away; returns when the slot is free."""
        mailbox = self._line.mailbox
        if not mailbox.closed:
            self._left = True
            self._loop.leave(self._line)
            while not mailbox.closed:
                await mailbox.news()
        mailbox.pieces.clear()

    def __del__(self) -> None:
        # Whoever breaks out of `async for` drops the reply without a word.
        if not self._line.mailbox.closed and not self._left:
            self._loop.leave(self._line)


class LlamaModel:
    """llama.cpp's model, context, batch and samplers. All but `encode` from one thread.

    `cells` of the cache are shared by all sequences (unified), so that a common prefix lies there
    once. Raises ModelError where the file cannot be served.
    """

    def __init__(
        self,
        path: Path,
        *,
        context: int,
        replies: int,
        threads: int | None = None,
        vram: float | None = None,
        cells: int | None = None,
        flash: bool | None = None,
        batch: int = 512,
    ) -> None:
        self.closed = False
        layers = -1
        if vram is not None:
            # The vocabulary alone is enough to know the shape, and to plan before loading.
            peek = _load(path, vocabulary_only=True)
            shape, size = _metadata(peek), path.stat().st_size
            llama_cpp.llama_model_free(peek)
            layers = plan(shape, size, context=context, replies=replies, vram=vram).layers
        self._model = _load(path, layers=layers)
        self._vocab = llama_cpp.llama_model_get_vocab(self._model)
        self.vocabulary = llama_cpp.llama_vocab_n_tokens(self._vocab)
        self.seconds = 0.0
        self.metadata = _metadata(self._model)
        if "tokenizer.chat_template" not in self.metadata:
            log.info("%s has no chat template: is it a model for conversation?", path.name)
        self.ending = tuple(
            token
            for token in range(self.vocabulary)
            if llama_cpp.llama_vocab_is_eog(self._vocab, token)
            or llama_cpp.llama_vocab_is_control(self._vocab, token)
        )
        self._ending = frozenset(self.ending)
        self._pieces: dict[int, bytes] = {}
        uncut = llama_cpp.llama_model_is_recurrent(self._model)
        self.cuttable = not (uncut or llama_cpp.llama_model_is_hybrid(self._model))
        self.context = min(context, llama_cpp.llama_model_n_ctx_train(self._model) or context)
        self.slots = min(
            4 * replies + 32 if self.cuttable else 2 * replies + 8,
            llama_cpp.llama_max_parallel_sequences() - 1,
        )
        self.batch = batch
        # llama.cpp aborts when a context has fewer output rows than sequences.
        self.outputs = max(64, 2 * replies, self.slots + 1)
        layout = plan(
            self.metadata, path.stat().st_size, context=self.context, replies=replies, vram=vram
        )
        if cells is not None:
            layout = replace(layout, cells=max(cells, self.context))
        self.name = f"{path.name} {path.stat().st_size} {layout.kv} llama-cpp-python {_VERSION}"
        self._ctx = self._open(path, layout, threads or processors(), flash)
        self.cells = llama_cpp.llama_n_ctx(self._ctx)
        self._memory = llama_cpp.llama_get_memory(self._ctx)
        self._fill = _Batch(batch)

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
        _lines.clear()
        ctx = llama_cpp.llama_init_from_model(self._model, params)
        if not ctx:
            llama_cpp.llama_model_free(self._model)
            raise ModelError(f"{path.name} cannot be served: {_reason('no memory for its cache')}")
        return ctx

    # -- text ------------------------------------------------------------------------------------

    def encode(self, text: str, control: bool = False) -> list[int]:
        """Token ids of a text; nothing is added before or after it.

        Raises:
            EngineError: the engine is closed.
        """
        if self.closed:
            raise EngineError("the engine is closed")
        if not text:
            return []
        data = text.encode("utf-8", "replace")
        room = len(data) + 1  # no token is shorter than a byte
        ids = (llama_cpp.llama_token * room)()
        n = llama_cpp.llama_tokenize(self._vocab, data, len(data), ids, room, False, control)
        if n < 0:
            raise EngineError(f"a text of {len(text)} characters could not be encoded")
        found = list(ids[:n])
        typed = None if control else next((token for token in found if self.ends(token)), None)
        if typed is None:
            return found
        # llama.cpp's SentencePiece merges "</" and "s>" into the control token. Read in two parts
        # it stays what was typed.
        name = llama_cpp.llama_vocab_get_text(self._vocab, typed).decode("utf-8", "replace")
        at = text.find(name)
        if at < 0 or len(name) < 2:
            return [token for token in found if not self.ends(token)]
        return self.encode(text[: at + 1]) + self.encode(text[at + 1 :])

    def piece(self, token: int) -> bytes:
        """A token's bytes; none for control tokens."""
        if token not in self._pieces:
            room = ctypes.create_string_buffer(256)
            n = llama_cpp.llama_token_to_piece(self._vocab, token, room, 256, 0, False)
            self._pieces[token] = room.raw[: max(0, n)]
        return self._pieces[token]

    def ends(self, token: int) -> bool:
        """Whether a token ends a reply: any control token, for a reply cannot open a block."""
        return token in self._ending

    # -- evaluating ------------------------------------------------------------------------------

    def evaluate(self, entries: list[Entry]) -> None:
        """Read a batch. Raises EngineError with llama.cpp's reason; the slots are then unusable."""
        batch = self._fill(entries)
        _lines.clear()
        began = time.perf_counter()
        status = llama_cpp.llama_decode(self._ctx, batch)
        self.seconds += time.perf_counter() - began
        if status != 0:
            raise EngineError(f"the model could not be evaluated ({_reason(f'status {status}')})")

    def move(self, move: Move) -> None:
        if move.kind == "copy":
            llama_cpp.llama_memory_seq_cp(self._memory, move.source, move.slot, 0, move.n)
        elif not llama_cpp.llama_memory_seq_rm(self._memory, move.slot, move.n, -1):
            raise EngineError(f"the cache did not forget what follows token {move.n}")

    def save(self, slot: int, start: int) -> bytes:
        """The state of a slot from position `start` on."""
        scratch = self.slots  # one sequence more than the loop knows of
        llama_cpp.llama_memory_seq_cp(self._memory, slot, scratch, start, -1)
        size = llama_cpp.llama_state_seq_get_size(self._ctx, scratch)
        data = (ctypes.c_uint8 * size)()
        n = llama_cpp.llama_state_seq_get_data(self._ctx, data, size, scratch)
        llama_cpp.llama_memory_seq_rm(self._memory, scratch, -1, -1)
        return bytes(memoryview(data)[:n])

    def load(self, slot: int, data: bytes, start: int, end: int) -> bool:
        """Put positions `start` to `end` of a saved state behind what the slot holds."""
        scratch = self.slots
        source = (ctypes.c_uint8 * len(data)).from_buffer_copy(data)
        n = llama_cpp.llama_state_seq_set_data(self._ctx, source, len(data), scratch)
        if n:
            llama_cpp.llama_memory_seq_cp(self._memory, scratch, slot, start, end)
        llama_cpp.llama_memory_seq_rm(self._memory, scratch, -1, -1)
        return bool(n)

    def clear(self) -> None:
        llama_cpp.llama_memory_clear(self._memory, True)

    def close(self) -> None:
        self.closed = True
        llama_cpp.llama_free(self._ctx)
        llama_cpp.llama_model_free(self._model)

    # -- choosing --------------------------------------------------------------------------------

    def sampler(self, links: tuple[Link, ...], history: array[int]) -> Any:
        """A sampler chain. Raises BadRequest for a grammar that does not parse."""
        chain = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
        for link in links:
            one = self._link(link)
            if not one:
                llama_cpp.llama_sampler_free(chain)
                raise BadRequest(f"the {link.name} cannot be used: {_reason('it does not parse')}")
            if link.history:
                for token in history[-link.history :]:
                    llama_cpp.llama_sampler_accept(one, token)
            llama_cpp.llama_sampler_chain_add(chain, one)
        return chain

    def _link(self, link: Link) -> Any:
        _lines.clear()
        match link.name, link.values:
            case "greedy", ():
                return llama_cpp.llama_sampler_init_greedy()
            case "draw", (seed,):
                return llama_cpp.llama_sampler_init_dist(seed)
            case "temperature", (value,):
                return llama_cpp.llama_sampler_init_temp(value)
            case "top_k", (k,):
                return llama_cpp.llama_sampler_init_top_k(k)
            case "top_p", (p,):
                return llama_cpp.llama_sampler_init_top_p(p, 1)
            case "min_p", (p,):
                return llama_cpp.llama_sampler_init_min_p(p, 1)
            case "penalties", values:
                return llama_cpp.llama_sampler_init_penalties(self.vocabulary, *values)
            case "dry", (multiplier, base, allowed, last):
                # Without breakers a penalty would reach across turns: names end with a colon.
                texts = [b"\n", "：".encode(), b":", b'"', "“".encode()]
                breakers = (ctypes.c_char_p * len(texts))(*texts)
                return llama_cpp.llama_sampler_init_dry(
                    self._vocab, multiplier, base, allowed, last, breakers, len(texts)
                )
            case "bias", flat:
                pairs = list(zip(flat[::2], flat[1::2], strict=True))
                if any(not 0 <= int(token) < self.vocabulary for token, _ in pairs):
                    raise BadRequest("bias names a token that the model does not have")
                biases = (llama_cpp.llama_logit_bias * len(pairs))()
                for bias, (token, value) in zip(biases, pairs, strict=True):
                    bias.token, bias.bias = token, value
                return llama_cpp.llama_sampler_init_logit_bias(self.vocabulary, len(pairs), biases)
            case "grammar", (text,):
                return llama_cpp.llama_sampler_init_grammar(
                    self._vocab, str(text).encode(), b"root"
                )
        raise AssertionError(f"no sampler for {link}")

    def sample(self, sampler: Any, output: int) -> int:
        """The next token. Raises EngineError where a logit is not a number."""
        # llama.cpp's samplers abort the process on NaN; looking costs 0.03 ms of 150,000 logits.
        began = time.perf_counter()
        if np.isnan(self._logits(output).max()):
            raise EngineError("the model computed logits that are not numbers; its file is damaged")
        token = llama_cpp.llama_sampler_sample(sampler, self._ctx, self._index(output))
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
        llama_cpp.llama_sampler_free(sampler)

    def _index(self, output: int) -> int:
        """llama.cpp names an output by its token's place in the batch."""
        return self._fill.outputs[output]

    def _logits(self, output: int) -> NDArray[np.float32]:
        row = llama_cpp.llama_get_logits_ith(self._ctx, self._index(output))
        return np.ctypeslib.as_array(row, shape=(self.vocabulary,))


class _Batch:
    """A llama_batch over arrays of ours, filled by slices instead of token by token."""

    def __init__(self, size: int) -> None:
        self._token = np.zeros(size, np.int32)
        self._position = np.zeros(size, np.int32)
        self._counts = np.ones(size, np.int32)
        self._slot = np.zeros(size, np.int32)
        self._output = np.zeros(size, np.int8)
        width = self._slot.itemsize
        self._slots = (self._slot.ctypes.data + width * np.arange(size)).astype(np.uint64)
        self.outputs: list[int] = []

    def __call__(self, entries: list[Entry]) -> Any:
        self.outputs = []
        self._output[:] = 0
        begin = 0
        for entry in entries:
            n = len(entry.tokens)
            end = begin + n
            self._token[begin:end] = entry.tokens
            self._position[begin:end] = np.arange(entry.position, entry.position + n)
            self._slot[begin:end] = entry.slot
            if entry.outputs:
                self._output[end - entry.outputs : end] = 1
                self.outputs += range(end - entry.outputs, end)
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


class Alone:
    """One `llama_cpp.Llama` for one prompt at a time: how most bots use it, and our baseline."""

    def __init__(self, path: Path, *, context: int, threads: int) -> None:
        self._llama = llama_cpp.Llama(
            str(path), n_ctx=context, n_threads=threads, n_threads_batch=threads, verbose=False
        )

    def stored(self, prompt: Ids[int]) -> int:
        """How many tokens of a prompt it would not read again."""
        ids = array("i", self._llama.input_ids[: self._llama.n_tokens].tolist())
        return common(ids, array("i", prompt[:-1]))

    def tokens(self, prompt: Ids[int], sampling: Sampling) -> Iterator[int]:
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
        self._llama.close()


# -- loading ---------------------------------------------------------------------------------------


def check_card(path: Path) -> None:
    """Compare a model with the checksum of its card (`NAME.card.json` beside it), if it has one.

    Raises:
        ModelError: the file is not the one that its card describes.
    """
    card = path.with_suffix(".card.json")
    try:
        expected = json.loads(card.read_text("utf-8")).get("sha256")
    except (OSError, ValueError, AttributeError):
        return
    if expected and path.is_file():
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != expected:
            raise ModelError(f"{path} is not the file its card describes; fetch or make it again")


def fitted(path: Path) -> dict[str, float]:
    """What `mrp fit --write` put under "engine" into the model's card: context, replies, vram."""
    try:
        told = json.loads(path.with_suffix(".card.json").read_text("utf-8")).get("engine", {})
        return {
            name: float(told[name])
            for name in ("context", "replies", "vram")
            if float(told.get(name) or 0) > 0
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _load(path: Path, *, layers: int = -1, vocabulary_only: bool = False) -> Any:
    """The model of a GGUF. Raises ModelError with one sentence that says what is wrong."""
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    if magic != b"GGUF":
        raise ModelError(f"{path} is not a GGUF model (it does not begin with GGUF)")
    _silence()
    params = llama_cpp.llama_model_default_params()
    params.n_gpu_layers = layers if llama_cpp.llama_supports_gpu_offload() else 0
    params.vocab_only = vocabulary_only
    # A span of a prompt is no text of its own: SentencePiece must not put a space before it.
    override = (llama_cpp.llama_model_kv_override * 2)()
    override[0].key = b"tokenizer.ggml.add_space_prefix"
    override[0].tag = llama_cpp.LLAMA_KV_OVERRIDE_TYPE_BOOL
    override[0].value.val_bool = False
    params.kv_overrides = override
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), params)
    if not model:
        raise ModelError(f"{path} cannot be served: {_reason('llama.cpp refused it')}")
    vocabulary = llama_cpp.llama_vocab_type(llama_cpp.llama_model_get_vocab(model))
    unfit = {
        "it does not continue a text": llama_cpp.llama_model_has_encoder(model)
        or not llama_cpp.llama_model_has_decoder(model),
        "it writes by diffusion, not word by word": llama_cpp.llama_model_is_diffusion(model),
        "it has no tokenizer": vocabulary == llama_cpp.LLAMA_VOCAB_TYPE_NONE,
    }
    for reason, is_so in unfit.items():
        if is_so:
            llama_cpp.llama_model_free(model)
            raise ModelError(f"{path} cannot be served: {reason}")
    return model


def _reason(otherwise: str) -> str:
    """llama.cpp's first complaint since the last call, without the names of its functions."""
    if not _lines:
        return otherwise
    line = next((line for line in _lines if "unknown model architecture" in line), _lines[0])
    line = re.sub(r"^\w+: ", "", line)
    return line.removeprefix("error loading model: ").rstrip(".")


def _metadata(model: Any) -> dict[str, str]:
    """The GGUF's metadata as text, arrays left out."""
    metadata: dict[str, str] = {}
    for index in range(llama_cpp.llama_model_meta_count(model)):
        texts = []
        for read in (
            llama_cpp.llama_model_meta_key_by_index,
            llama_cpp.llama_model_meta_val_str_by_index,
        ):
            room = ctypes.create_string_buffer(1024)
            n = read(model, index, room, len(room))
            if n >= len(room):
                room = ctypes.create_string_buffer(n + 1)
                read(model, index, room, len(room))
            texts.append(room.value.decode("utf-8", "replace"))
        metadata[texts[0]] = texts[1]
    return metadata


def processors() -> int:
    """Physical cores that this process may use: two threads a core make llama.cpp slower."""
    try:
        allowed = sorted(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return max(1, (os.cpu_count() or 2) // 2)
    cores = set()
    for cpu in allowed:
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        cores.add(siblings.read_text().strip() if siblings.exists() else str(cpu))
    return max(1, len(cores))
