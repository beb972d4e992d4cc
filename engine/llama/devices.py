"""What llama.cpp can compute on: the devices of its build, with their memory.

for device in devices():
    print(device)          CUDA0, NVIDIA GeForce RTX 3070, 8.0 GiB

The Python package has no names for ggml's devices, so its library is asked directly.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import llama_cpp
from llama_cpp import _ggml

from engine.cards import cards
from engine.resources import GiB

_CPU, _GPU, _IGPU = 0, 1, 2  # ggml-backend.h, enum ggml_backend_dev_type


@dataclass(frozen=True, slots=True)
class Device:
    """A graphics device. `name` is llama.cpp's (CUDA0, Vulkan0, Metal), `card` the maker's;
    `free` and `total` are bytes, 0 where its driver does not tell."""

    name: str
    card: str
    free: int
    total: int

    def __str__(self) -> str:
        size = f", {self.total / GiB:.1f} GiB" if self.total else ""
        return f"{self.name}, {self.card}{size}"


def devices() -> tuple[Device, ...]:
    """The graphics devices that this build of llama.cpp computes on; none where it was built for
    the CPU, or finds no card."""
    if not llama_cpp.llama_supports_gpu_offload():
        return ()
    try:
        library = _ggml.libggml
        count, get = library.ggml_backend_dev_count, library.ggml_backend_dev_get
        name, card = library.ggml_backend_dev_name, library.ggml_backend_dev_description
        memory, kind = library.ggml_backend_dev_memory, library.ggml_backend_dev_type
    except AttributeError:  # a build whose library does not hand these out
        return ()
    count.restype, get.restype = ctypes.c_size_t, ctypes.c_void_p
    name.restype = card.restype = ctypes.c_char_p
    get.argtypes = (ctypes.c_size_t,)
    for asked in (name, card, kind):
        asked.argtypes = (ctypes.c_void_p,)
    size = ctypes.POINTER(ctypes.c_size_t)
    memory.argtypes = (ctypes.c_void_p, size, size)
    found = []
    for index in range(count()):
        device = get(index)
        if kind(device) in (_GPU, _IGPU):
            found.append(_read(device, name, card, memory))
    return tuple(found)


def placed(layers: int, of: int, here: tuple[Device, ...] | None = None) -> str:
    """What a model with `layers` of its layers offloaded (-1: all) computes on, in words; a card
    that lies idle is told."""
    here = devices() if here is None else here
    if not here:
        idle = next((card.name for card in cards()), "")
        return f"CPU; {idle} lies idle (docs/gpu.md)" if idle else "CPU"
    on = " + ".join(map(str, here))
    if layers == 0:
        return f"CPU; {on} lies idle, as nothing of the model fits there"
    whole = layers < 0 or layers >= of
    return f"{on}: {f'all {of}' if whole else f'{layers} of {of}'} layers"


def on_processor(placement: str) -> bool:
    """Whether `placed` said that nothing of the model is on a card."""
    return placement.startswith("CPU")


def _read(device: Any, name: Any, card: Any, memory: Any) -> Device:
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    memory(device, ctypes.byref(free), ctypes.byref(total))
    told = [(text or b"").decode("utf-8", "replace") for text in (name(device), card(device))]
    return Device(told[0], told[1], free.value, total.value)
