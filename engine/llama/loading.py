"""Loading a GGUF with llama.cpp: its log, its reasons, the metadata of the file."""

from __future__ import annotations

import ctypes
import re
from collections import deque
from pathlib import Path
from typing import Any

import llama_cpp

from engine.sequence import ModelError, OutOfMemory

_ERROR, _CONTINUES = 4, 5  # ggml.h, enum ggml_log_level
_complaints: deque[str] = deque(maxlen=50)  # llama.cpp's last errors, for our own messages
_level = [0]


def _remember(level: int, text: bytes, _: Any) -> None:
    _level[0] = _level[0] if level == _CONTINUES else level
    if _level[0] == _ERROR and (line := text.decode("utf-8", "replace").strip()):
        _complaints.append(line)


# One for the whole process: llama.cpp keeps its address, so it may not go away.
_listen = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(_remember)


def silence() -> None:
    """Keep llama.cpp's log off the terminal; its errors are kept for `reason`."""
    llama_cpp.llama_log_set(_listen, ctypes.c_void_p(0))
    _complaints.clear()


def forget_complaints() -> None:
    """Before a call whose `reason` may be asked for."""
    _complaints.clear()


def reason(otherwise: str) -> str:
    """llama.cpp's first complaint since the last call, without the names of its functions."""
    if not _complaints:
        return otherwise
    known = (line for line in _complaints if "unknown model architecture" in line)
    line = re.sub(r"^\w+: ", "", next(known, _complaints[0]))
    return line.removeprefix("error loading model: ").rstrip(".")


def unfit(sentence: str) -> ModelError:
    """The error for what llama.cpp just refused: OutOfMemory where it complained of memory."""
    short = any(re.search(r"alloc|memory", line, re.IGNORECASE) for line in _complaints)
    return OutOfMemory(sentence) if short else ModelError(sentence)


def load(path: Path, *, layers: int = -1, vocabulary_only: bool = False) -> Any:
    """The model of a GGUF, with `layers` on the GPU if there is one (-1: all).

    The file was looked at before: see `engine.llama.probe.look_at`.

    Raises:
        ModelError: with one sentence that says what is wrong.
    """
    silence()
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
        raise unfit(f"{path} cannot be read: {reason('llama.cpp refused it')}")
    return model


def check_generates(path: Path, model: Any) -> None:
    """Whether a loaded model continues texts. Frees it and raises ModelError where it does not."""
    vocabulary = llama_cpp.llama_vocab_type(llama_cpp.llama_model_get_vocab(model))
    unfit = {
        "it does not continue a text": llama_cpp.llama_model_has_encoder(model)
        or not llama_cpp.llama_model_has_decoder(model),
        "it writes by diffusion, not word by word": llama_cpp.llama_model_is_diffusion(model),
        "it has no tokenizer": vocabulary == llama_cpp.LLAMA_VOCAB_TYPE_NONE,
    }
    for why, is_so in unfit.items():
        if is_so:
            llama_cpp.llama_model_free(model)
            raise ModelError(f"{path} cannot be served: {why}")


def metadata(model: Any) -> dict[str, str]:
    """The GGUF's metadata as text, arrays left out."""
    found: dict[str, str] = {}
    for index in range(llama_cpp.llama_model_meta_count(model)):
        texts = []
        for read in (
            llama_cpp.llama_model_meta_key_by_index,
            llama_cpp.llama_model_meta_val_str_by_index,
        ):
            buffer = ctypes.create_string_buffer(1024)
            n = read(model, index, buffer, len(buffer))
            if n >= len(buffer):
                buffer = ctypes.create_string_buffer(n + 1)
                read(model, index, buffer, len(buffer))
            texts.append(buffer.value.decode("utf-8", "replace"))
        found[texts[0]] = texts[1]
    return found
