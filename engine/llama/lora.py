"""A LoRA adapter on a loaded model, applied by llama.cpp while it computes."""

from __future__ import annotations

import ctypes
from typing import Any

import llama_cpp

from engine.header import Header
from engine.llama import loading
from engine.sequence import ModelError


def load_adapter(model: Any, header: Header) -> Any:
    """An adapter for this model; before a context is made, which has to know of it. It is freed
    with the model.

    Raises:
        ModelError: llama.cpp refuses it; the message says why. The model is then freed.
    """
    loading.forget_complaints()
    adapter = llama_cpp.llama_adapter_lora_init(model, str(header.path).encode())
    if not adapter:
        llama_cpp.llama_model_free(model)
        why = loading.reason("llama.cpp refused it")
        raise ModelError(f"{header.path} cannot be applied: {why}")
    return adapter


def apply(context: Any, adapter: Any, scale: float = 1.0) -> None:
    """Compute with the adapter from now on, times `scale`. Raises ModelError."""
    adapters = (llama_cpp.llama_adapter_lora_p_ctypes * 1)(adapter)
    scales = (ctypes.c_float * 1)(scale)
    if llama_cpp.llama_set_adapters_lora(context, adapters, 1, scales) != 0:
        raise ModelError("llama.cpp does not apply the adapter to this model")
