"""The door to llama.cpp's own quantizer, and nothing else: ctypes in, lines of its log out.

`llama_model_quantize` and its parameters are declared in llama.cpp's include/llama.h.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path

import llama_cpp

_MOSTLY = "LLAMA_FTYPE_MOSTLY_"
# Types by the names people know ("Q4_K_M") -> llama_ftype, read from the library, so that the list
# can never differ from what it does.
TYPES: dict[str, int] = {
    name.removeprefix(_MOSTLY): int(getattr(llama_cpp, name))
    for name in dir(llama_cpp)
    if name.startswith(_MOSTLY)
} | {"F32": int(llama_cpp.LLAMA_FTYPE_ALL_F32)}

_ERROR, _CONTINUES = 4, 5  # ggml.h, enum ggml_log_level


def quantize(
    source: Path, target: Path, type: str, threads: int, heard: Callable[[str], None]
) -> list[str]:
    """Write `target` from `source`; returns what llama.cpp calls errors, an empty list when well.

    Blocks until it is done and cannot be interrupted. `heard` gets each piece of llama.cpp's log,
    from whichever thread writes it. `threads` 0: as many as there are cores.
    """
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = TYPES[type]
    parameters.nthread = threads
    errors: list[str] = []
    level_before = 0

    @llama_cpp.llama_log_callback
    def listen(level: int, text: bytes, _: ctypes.c_void_p) -> None:
        nonlocal level_before
        level_before = level_before if level == _CONTINUES else level
        said = text.decode("utf-8", "replace")
        heard(said)
        if level_before == _ERROR and said.strip(" \n="):
            errors.append(said.strip())

    # The log is one for the whole process: take it, and give it back to whoever had it.
    former, its_data = llama_cpp.llama_log_callback(), ctypes.c_void_p()
    llama_cpp.llama_log_get(ctypes.byref(former), ctypes.byref(its_data))
    llama_cpp.llama_log_set(listen, ctypes.c_void_p(0))
    try:
        status = llama_cpp.llama_model_quantize(
            str(source).encode(), str(target).encode(), ctypes.byref(parameters)
        )
    finally:
        llama_cpp.llama_log_set(former, its_data)
    return [] if status == 0 else errors or [f"status {status}"]
