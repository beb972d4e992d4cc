"""How fast a 1.8B becomes a GGUF and is shrunk, beside llama.cpp's own tools.

    python -m benchmarks.quantize_1_8b [--shape 1.8b] [--folder build/bench] \\
        [--llama-cpp SOURCES] [--llama-quantize BINARY]

Writes a Hugging Face folder of random f16 weights (Llama, 3.8 GB for 1.8b), converts and shrinks it
to Q4_K_M with this package and with convert_hf_to_gguf.py and llama-quantize, each in a process of
its own, one after the other, and prints seconds on the clock, seconds of processor time and the
largest memory (MB). The last line is JSON. llama.cpp's tools come from the sources in
llama-cpp-python's source distribution; without them only ours are measured.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from engine.shapes import SHAPES
from quantize.outline import architecture_of

_ROWS = 4096  # of random weights that are repeated: their making is not what is measured


def make(folder: Path, name: str) -> None:
    """A folder as transformers writes it, with a byte-level tokenizer; kept from run to run."""
    shape = SHAPES[name]
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.width,
        "intermediate_size": shape.inner,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "max_position_embeddings": shape.context,
        "rms_norm_eps": 1e-6,
        "rope_theta": 1e6,
        "hidden_act": "silu",
        "tie_word_embeddings": shape.tied,
        "eos_token_id": 2,
        "torch_dtype": "float16",
    }
    (folder / "config.json").write_text(json.dumps(config))
    letters = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = iter(range(0x100, 0x200))
    alphabet = [chr(byte) if byte in letters else chr(next(others)) for byte in range(256)]
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    words = [*special, *alphabet]
    words += [f"w{number}" for number in range(shape.vocabulary - len(words))]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    tokenizer = {
        "version": "1.0",
        "added_tokens": [
            {
                "id": number,
                "content": word,
                "special": True,
                "normalized": False,
                "lstrip": False,
                "rstrip": False,
                "single_word": False,
            }
            for number, word in enumerate(special)
        ],
        "normalizer": None,
        "pre_tokenizer": {**byte_level, "use_regex": True},
        "post_processor": None,
        "decoder": {**byte_level, "use_regex": True},
        "model": {
            "type": "BPE",
            "vocab": {word: number for number, word in enumerate(words)},
            "merges": ["w 1", "w 2"],
        },
    }
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|im_end|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    weights = folder / "model.safetensors"
    if weights.exists():
        return
    parts = [part for part in architecture_of(shape).parts() if not part.optional]
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for part in parts:
        size = 2 * int(np.prod(part.shape))
        header[part.source] = {
            "dtype": "F16",
            "shape": list(part.shape),
            "data_offsets": [offset, offset + size],
        }
        offset += size
    text = json.dumps(header).encode()
    generator = np.random.default_rng(1)
    with weights.with_suffix(".part").open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for part in parts:
            columns = part.shape[-1]
            noise = generator.normal(0, 0.02, (min(_ROWS, part.shape[0]), columns))
            data = noise.astype(np.float16).tobytes()
            left = 2 * int(np.prod(part.shape))
            while left > 0:
                left -= file.write(data[:left])
    weights.with_suffix(".part").replace(weights)


def timed(words: list[str], environment: dict[str, str] | None = None) -> dict[str, float]:
    """Run a command. Its seconds, processor seconds and peak memory (MB; Linux: what is mapped from
    files is counted too, so `anonymous` says what it really holds)."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.monotonic()
    process = subprocess.Popen(
        words,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
    )
    peak = {"VmRSS": 0, "RssAnon": 0}

    def watch() -> None:
        while process.poll() is None:
            try:
                lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
            except OSError:
                return
            for line in lines:
                key = line.split(":")[0]
                if key in peak:
                    peak[key] = max(peak[key], int(line.split()[1]))
            time.sleep(0.05)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    status = process.wait()
    seconds = time.monotonic() - begun
    thread.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if status != 0:
        raise SystemExit(f"{' '.join(words)} ended with {status}")
    return {
        "seconds": round(seconds, 1),
        "processor": round(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, 1),
        "peak_mb": round(peak["VmRSS"] / 1024),
        "anonymous_mb": round(peak["RssAnon"] / 1024),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--shape", default="1.8b", choices=SHAPES)
    parser.add_argument("--folder", type=Path, default=Path("build/bench"))
    parser.add_argument("--llama-cpp", type=Path, help="sources with convert_hf_to_gguf.py")
    parser.add_argument("--llama-quantize", type=Path, help="the built binary")
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    home = chosen.folder / f"hf-{chosen.shape}"
    make(home, chosen.shape)
    ours, theirs = chosen.folder / "ours", chosen.folder / "theirs"
    mrp = [sys.executable, "-m", "mrp"]
    threads = str(chosen.threads)
    found: dict[str, Any] = {}

    def step(name: str, words: list[str], environment: dict[str, str] | None = None) -> None:
        found[name] = timed(words, environment)
        print(name, json.dumps(found[name]), flush=True)

    step("convert", [*mrp, "convert", str(home), "-o", f"{ours}-f16.gguf", "--type", "f16"])
    if chosen.llama_cpp:
        # It knows published tokenizers by a checksum; for ours a wrapper names the word split.
        wrapper = (
            "import sys; sys.path[:0] = [sys.argv[1], sys.argv[1] + '/gguf-py']; "
            "sys.argv = [sys.argv[1] + '/convert_hf_to_gguf.py', *sys.argv[2:]]; "
            "import conversion.base as base; "
            "base.TextModel.get_vocab_base_pre = lambda *a: 'gpt-2'; "
            "import runpy; runpy.run_path(sys.argv[0], run_name='__main__')"
        )
        words = [sys.executable, "-c", wrapper, str(chosen.llama_cpp), str(home)]
        step("convert_hf_to_gguf", [*words, "--outfile", f"{theirs}-f16.gguf", "--outtype", "f16"])
    shrinking = ["shrink", f"{ours}-f16.gguf", f"{ours}-q4.gguf", "--type", "Q4_K_M"]
    step("shrink", [*mrp, *shrinking, "--threads", threads])
    if chosen.llama_quantize:
        words = [str(chosen.llama_quantize), f"{ours}-f16.gguf", f"{theirs}-q4.gguf", "Q4_K_M"]
        step("llama-quantize", [*words, threads])
    print(json.dumps({"shape": chosen.shape, "threads": chosen.threads, **found}))


if __name__ == "__main__":
    main()
