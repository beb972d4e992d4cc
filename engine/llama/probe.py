"""Whether llama.cpp survives a file: it is opened in a process of its own first.

llama.cpp asserts what it does not check (of 401 headers with one number changed, 8 ended the
process), and an abort cannot be caught. `engine.checks` knows the usual cases; here is the rest. A
header that was survived once is remembered in the user's cache folder, so that only the first start
with a model pays for it (about half a second).
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import llama_cpp

from engine.checks import check_chat_model
from engine.header import Header, parts_of, read_header
from engine.sequence import ModelError

WHOLE = 256 << 20  # bytes; of a larger file only the graph is built, without its weights
_CHILD = "import sys; from engine.llama.probe import main; sys.exit(main(sys.argv[1]))"
PATIENCE_S = 120.0  # a header that keeps llama.cpp busy for longer is not opened here


def look_at(path: Path) -> Header:
    """The header of a chat model that llama.cpp can be trusted with.

    Raises:
        ModelError: it is none, or would end the process.
    """
    parts_of(path)  # all there, and this is the first
    header = read_header(path)
    check_chat_model(header)
    check_survives(header)
    return header


def check_survives(header: Header) -> None:
    """Open a file in a child process.

    Raises:
        ModelError: the child was killed by a signal or did not come back.
    """
    known = _remembered(header)
    if known.exists():
        return
    command = [sys.executable, "-c", _CHILD, str(header.path)]
    root = str(Path(__file__).resolve().parents[2])
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([root, *filter(None, sys.path)]),
        "GGML_NO_BACKTRACE": "1",  # it would call a debugger, which can hang
    }
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, timeout=PATIENCE_S, check=False
        )
    except subprocess.TimeoutExpired as problem:
        raise ModelError(
            f"{header.path} is corrupted: llama.cpp does not come to an end with its header; "
            "fetch it again"
        ) from problem
    except OSError:  # no process can be started here: go on without
        return
    if done.returncode < 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        asserted = next((line for line in said if "GGML_ASSERT" in line), "")
        raise ModelError(
            f"{header.path} is corrupted: llama.cpp dies of its header "
            f"({asserted.rpartition('GGML_ASSERT')[2].strip() or f'signal {-done.returncode}'}); "
            "fetch it again"
        )
    try:
        known.parent.mkdir(parents=True, exist_ok=True)
        known.touch()
    except OSError:  # it is looked at again next time
        return


def _remembered(header: Header) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "mrp" / "headers" / f"{header.digest}-{llama_cpp.__version__}"


_quiet = llama_cpp.llama_log_callback(lambda level, text, data: None)


def main(path: str) -> int:
    """In the child: load, build the graph, and evaluate a token. What llama.cpp refuses in words,
    the parent hears itself."""
    llama_cpp.llama_log_set(_quiet, ctypes.c_void_p(0))
    whole = Path(path).stat().st_size <= WHOLE
    params = llama_cpp.llama_model_default_params()
    params.n_gpu_layers = 0
    if not whole:
        params.no_alloc = True
        params.load_mode = llama_cpp.LLAMA_LOAD_MODE_NONE
    model = llama_cpp.llama_model_load_from_file(path.encode(), params)
    if not model:
        return 0
    for embeddings in (False, True):
        settings = llama_cpp.llama_context_default_params()
        settings.n_ctx = settings.n_batch = settings.n_ubatch = 32
        settings.n_threads = settings.n_threads_batch = 1
        settings.embeddings = embeddings
        context = llama_cpp.llama_init_from_model(model, settings)
        if context and whole:
            llama_cpp.llama_decode(
                context, llama_cpp.llama_batch_get_one((ctypes.c_int32 * 1)(0), 1)
            )
        if context:
            llama_cpp.llama_free(context)
    return 0
