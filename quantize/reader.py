"""A model that reads: token ids in, logits out; whoever wants to may watch its matrices at work.

    with Reader(Path("build/xiyou-mini-f16.gguf"), length=512) as reader:
        ids = reader.encode("<|im_start|>", True) + reader.encode("悟空！")
        logits = reader.read(ids)                      # float32 (tokens, vocabulary)

Apart from the engine: one text at a time, logits of every token, no sampling. This is the door
through which llama.cpp's evaluation callback is reached (`cb_eval`, include/llama.h).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt
from llama_cpp import _ggml

from engine.llama import loading
from engine.llama.probe import look_at
from engine.llama.tokenizer import Tokenizer
from engine.processors import processors
from engine.sequence import EngineError, ModelError

_SILENT = "llama.cpp does not say why"
# What a matrix is multiplied with: (its name, float32 (tokens, columns)).
Watch = Callable[[str, npt.NDArray[np.float32]], None]

_F32 = 0  # ggml.h, enum ggml_type


class _Tensor(ctypes.Structure):
    """`struct ggml_tensor` of ggml.h, as far as its name. Checked against ggml at the first use."""


_Tensor._fields_ = [
    ("type", ctypes.c_int),
    ("buffer", ctypes.c_void_p),
    ("ne", ctypes.c_int64 * 4),
    ("nb", ctypes.c_size_t * 4),
    ("op", ctypes.c_int),
    ("op_params", ctypes.c_int32 * 16),
    ("flags", ctypes.c_int32),
    ("src", ctypes.c_void_p * 10),
    ("view_src", ctypes.c_void_p),
    ("view_offs", ctypes.c_size_t),
    ("data", ctypes.c_void_p),
    ("name", ctypes.c_char * 64),
]


def _inspection() -> Any:
    """The library below llama.cpp, with the functions that look into tensors."""
    library = _ggml.libggml  # ggml-base, which has them, is loaded with it
    for name, kind, arguments in (
        ("ggml_get_name", ctypes.c_void_p, [ctypes.c_void_p]),
        ("ggml_op_desc", ctypes.c_char_p, [ctypes.c_void_p]),
        ("ggml_nbytes", ctypes.c_size_t, [ctypes.c_void_p]),
        ("ggml_backend_tensor_get", None, [ctypes.c_void_p] * 2 + [ctypes.c_size_t] * 2),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = kind, arguments
    return library


class Reader:
    """One GGUF and a context of `length` tokens that is emptied before every text.

    `watch` is told of every product of a weight matrix with activations. `threads` 0: one a core.
    Raises ModelError for a file that llama.cpp cannot open.
    """

    def __init__(
        self, path: Path, *, length: int = 512, threads: int = 0, watch: Watch | None = None
    ) -> None:
        if not path.is_file():
            raise ModelError(f"there is no model {path}")
        self.path = path
        self._crash: BaseException | None = None
        look_at(path)
        self._model = loading.load(path)
        self._tokenizer = Tokenizer(llama_cpp.llama_model_get_vocab(self._model))
        self.vocabulary = self._tokenizer.size
        self.metadata = loading.metadata(self._model)
        self.length = min(length, llama_cpp.llama_model_n_ctx_train(self._model) or length)
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = self.length
        params.n_threads = params.n_threads_batch = threads or processors()
        params.flash_attn_type = 0  # its sums in half precision would be noise in a comparison
        params.no_perf = True
        if watch is not None:
            self._callback = llama_cpp.ggml_backend_sched_eval_callback(self._watcher(watch))
            params.cb_eval = self._callback
        self._context = llama_cpp.llama_init_from_model(self._model, params)
        if not self._context:
            llama_cpp.llama_model_free(self._model)
            raise ModelError(f"{path} cannot be read: {loading.reason(_SILENT)}")
        self._batch = llama_cpp.llama_batch_init(self.length, 0, 1)

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def encode(self, text: str, control: bool = False) -> list[int]:
        """Token ids of a text; nothing is added before or after. Control tokens are recognised
        only where `control` is true."""
        return self._tokenizer.encode(text, control)

    def read(self, tokens: Sequence[int]) -> npt.NDArray[np.float32]:
        """Logits after each token, float32 (tokens, vocabulary); valid until the next call.

        At most `length` tokens. Raises EngineError when llama.cpp cannot, and whatever `watch`
        raised.
        """
        if not 0 < len(tokens) <= self.length:
            raise ValueError(f"{len(tokens)} tokens do not fit 1 to {self.length}")
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self._context), True)
        batch = self._batch
        batch.n_tokens = len(tokens)
        for index, token in enumerate(tokens):
            batch.token[index] = token
            batch.pos[index] = index
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = 0
            batch.logits[index] = True
        loading.forget_complaints()
        status = llama_cpp.llama_decode(self._context, batch)
        if self._crash is not None:
            raise self._crash
        if status != 0:
            raise EngineError(self._failed())
        row = llama_cpp.llama_get_logits(self._context)
        return np.ctypeslib.as_array(row, shape=(len(tokens), self.vocabulary))

    def generate(self, tokens: Sequence[int], n: int) -> list[int]:
        """`n` most likely tokens, one after the other, behind a text that fits with them."""
        following = [int(self.read(tokens)[-1].argmax())]
        batch = self._batch
        while len(following) < n:
            batch.n_tokens = 1
            batch.token[0] = following[-1]
            batch.pos[0] = len(tokens) + len(following) - 1
            if llama_cpp.llama_decode(self._context, batch) != 0:
                raise EngineError(
                    f"{self.path.name} could not be evaluated: {loading.reason(_SILENT)}"
                )
            row = llama_cpp.llama_get_logits(self._context)
            logits = np.ctypeslib.as_array(row, shape=(self.vocabulary,))
            following.append(int(logits.argmax()))
        return following

    def _failed(self) -> str:
        return f"{self.path.name} could not be evaluated: {loading.reason(_SILENT)}"

    def close(self) -> None:
        llama_cpp.llama_batch_free(self._batch)
        llama_cpp.llama_free(self._context)
        llama_cpp.llama_model_free(self._model)

    def _watcher(self, watch: Watch) -> Callable[..., bool]:
        ggml = _inspection()

        def products(address: int, ask: bool, _: Any) -> bool:
            """Asked of every step of the graph, and called again after those it wants."""
            try:
                tensor = _Tensor.from_address(address)
                if not ask:
                    weight = _Tensor.from_address(tensor.src[0])
                    watch(weight.name.decode(), _rows(ggml, tensor.src[1]))
                    return True
                kind = ggml.ggml_op_desc(address)
                if kind not in (b"MUL_MAT", b"MUL_MAT_ID"):
                    return False
                if ggml.ggml_get_name(address) != address + _Tensor.name.offset:
                    raise EngineError("llama.cpp's tensors are laid out in another way than known")
                weight = _Tensor.from_address(tensor.src[0])
                if not weight.name.endswith(b".weight"):
                    return False
                if kind == b"MUL_MAT_ID":
                    raise EngineError("mixtures of experts cannot be watched yet")
                return bool(_Tensor.from_address(tensor.src[1]).type == _F32)
            except BaseException as problem:  # C cannot pass it on; `read` does
                self._crash = problem
                return False

        return products


def _rows(ggml: Any, address: int) -> npt.NDArray[np.float32]:
    """The values of a float32 tensor as rows, wherever it lies."""
    tensor = _Tensor.from_address(address)
    raw = np.empty(ggml.ggml_nbytes(address), np.uint8)
    ggml.ggml_backend_tensor_get(address, raw.ctypes.data, 0, raw.nbytes)
    shape, strides = tuple(tensor.ne)[::-1], tuple(tensor.nb)[::-1]
    values: npt.NDArray[np.float32] = np.ndarray(shape, np.float32, raw.data, strides=strides)
    return values.reshape(-1, shape[-1])
