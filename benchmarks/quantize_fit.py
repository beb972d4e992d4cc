"""Does `mrp fit` say what llama.cpp takes? Models of random weights, opened as the engine does.

    python -m benchmarks.quantize_fit [--shapes 0.5b,1.8b,7b] [--folder build/shapes]

For each shape a process of its own opens the model, reads a full batch, and reports the buffers
that llama.cpp logs and the memory that the system counts (Linux). The last line is JSON.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import re
import subprocess
import sys
from array import array
from pathlib import Path
from typing import Any

import llama_cpp

from engine import shapes
from engine.llama import loading
from engine.llama.model import LlamaModel
from engine.resources import Layout, needs
from engine.runner import Chunk
from quantize.outline import Outline

_BUFFER = re.compile(r"(\S+)\s+(model|KV|compute|output) buffer size =\s+([\d.]+) MiB")
MiB = 1 << 20


def opened(path: Path, context: int, replies: int) -> dict[str, Any]:
    """Buffers in MiB by kind, and what the process grew by (MiB), after a full batch."""
    said: list[str] = []

    @llama_cpp.llama_log_callback
    def listen(_: int, text: bytes, __: Any) -> None:
        said.append(text.decode("utf-8", "replace"))

    loading.silence = lambda: llama_cpp.llama_log_set(listen, ctypes.c_void_p(0))
    before = _resident()
    model = LlamaModel(path, context=context, replies=replies, threads=1)
    tokens = array("i", [n % 500 for n in range(min(model.batch, model.context))])
    model.evaluate([Chunk(0, tokens, 0, 1)])
    after = _resident()
    buffers: dict[str, float] = {}
    for place, kind, size in _BUFFER.findall("".join(said)):
        kind = "copies" if "REPACK" in place else kind
        buffers[kind] = buffers.get(kind, 0.0) + float(size)
    return {
        "cells": model.cells,
        "buffers": buffers,
        "grew": {key: (after[key] - before[key]) / MiB for key in after},
    }


def _resident() -> dict[str, int]:
    lines = Path("/proc/self/status").read_text().splitlines()
    pairs = (line.split(":") for line in lines if line.startswith(("VmRSS", "RssAnon")))
    return {key: int(value.split()[0]) * 1024 for key, value in pairs}


def compared(path: Path, context: int, replies: int) -> dict[str, Any]:
    """Planned against reported, MiB."""
    words = [sys.executable, "-m", "benchmarks.quantize_fit", "--one", str(path)]
    words += ["--context", str(context), "--replies", str(replies)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    outline = Outline.open(path)
    need = needs(outline.metadata, outline.bytes(), Layout(found["cells"]), replies)
    planned = {
        "KV": need.cache / MiB,
        "compute": need.compute / MiB,
        "output": need.outputs / MiB,
        "copies": outline.copies() / MiB,
        "file": need.weights / MiB,
    }
    reported = {**found["buffers"], "file": path.stat().st_size / MiB}
    reported.pop("model")
    return {
        "model": path.name,
        "context": context,
        "replies": replies,
        "cells": found["cells"],
        "planned": {key: round(value, 1) for key, value in planned.items()},
        "reported": {key: round(value, 1) for key, value in reported.items()},
        "off": round(sum(planned.values()) / sum(reported.values()) - 1, 4),
        "resident": round(found["grew"]["VmRSS"], 1),
        "off_resident": round(sum(planned.values()) / found["grew"]["VmRSS"] - 1, 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shapes", default="0.5b,1.8b")
    parser.add_argument("--folder", type=Path, default=Path("build/shapes"))
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--context", type=int, default=2048)
    parser.add_argument("--replies", type=int, default=8)
    chosen = parser.parse_args()
    if chosen.one:
        print(json.dumps(opened(chosen.one, chosen.context, chosen.replies)))
        return
    rows = []
    for name in chosen.shapes.split(","):
        path = Path(name) if name.endswith(".gguf") else shapes.cached(name, chosen.folder)
        row = compared(path, chosen.context, chosen.replies)
        print(json.dumps(row, ensure_ascii=False), flush=True)
        rows.append(row)
    print(json.dumps({"rows": rows}, ensure_ascii=False))


if __name__ == "__main__":
    main()
