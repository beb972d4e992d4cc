"""Random-weight models of a given shape, for benchmarks and tests: nothing to download.

    python -m engine.shapes 0.5b            writes it into the cache folder and prints its path

The weights are noise in Q4_0 (as real ones would be stored), so the text is noise too; but reading,
writing and memory cost exactly what a trained model of that shape costs. The vocabulary is
byte-level BPE, so any text can be encoded, with ChatML's two control tokens.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Shape:
    """A Llama's sizes. `tied`: input and output share one table of the vocabulary."""

    layers: int
    width: int
    heads: int
    kv_heads: int
    inner: int
    vocabulary: int
    context: int
    tied: bool = False

    @property
    def head(self) -> int:
        return self.width // self.heads


SHAPES = {
    "tiny": Shape(2, 64, 4, 2, 128, 512, 4096),  # for tests: written and loaded in 0.1 s
    "0.5b": Shape(24, 896, 14, 2, 4864, 151_936, 32_768, tied=True),  # Qwen2.5-0.5B
    "1.8b": Shape(24, 2048, 16, 8, 8192, 92_544, 32_768),  # InternLM2-1.8B
    "7b": Shape(32, 4096, 32, 8, 14_336, 92_544, 32_768),  # InternLM2-7B
}

CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
# A few merges: a byte-level vocabulary without any is refused by llama.cpp.
MERGES = (("Ġ", "t"), ("h", "e"), ("Ġt", "he"), ("i", "n"), ("a", "n"), ("ä", "¸"), ("å", "Ī"))


def cached(name: str, folder: Path | None = None) -> Path:
    """The GGUF of a shape, written at the first call (0.5b: 3 s, 280 MB)."""
    folder = folder or Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mrp"
    path = folder / f"shape-{name}.gguf"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}")
        write(partial, SHAPES[name])
        partial.replace(path)  # a run that is interrupted leaves no half model under this name
    return path


CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def write(
    path: Path,
    shape: Shape,
    *,
    seed: int = 1,
    spread: float = 0.02,
    exact: bool = False,
    template: str = CHATML,
) -> None:
    """Write a random-weight GGUF. `spread` is the weights' standard deviation; `template` its
    chat template ("": none).

    `exact` writes single precision instead of Q4_0: there the result of a batch hardly depends on
    what else is in it, while llama.cpp's 4-bit kernels round by the batch's shape.
    """
    import gguf  # only who makes models needs it; a bot does not

    writer: Any = gguf.GGUFWriter(path, "llama")
    writer.add_name("random weights")
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.inner)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_dimension_count(shape.head)
    writer.add_rope_freq_base(1e6)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_string("mrp.made", "random weights, for measuring")
    write_vocabulary(writer, shape.vocabulary)
    if template:
        writer.add_chat_template(template)

    _add_tensors(writer, shape, seed=seed, spread=spread, exact=exact)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_tensors(writer: Any, shape: Shape, *, seed: int, spread: float, exact: bool) -> None:
    """Noise for every matrix, ones for every norm."""
    import gguf  # as above

    generator = np.random.default_rng(seed)

    def add(name: str, rows: int, columns: int) -> None:
        if exact:
            weights = generator.normal(0, spread, (rows, columns)).astype(np.float32)
            writer.add_tensor(name, weights)
            return
        data = noise(generator, rows, columns, spread)
        writer.add_tensor(name, data, raw_dtype=gguf.GGMLQuantizationType.Q4_0)

    def norm(name: str) -> None:
        writer.add_tensor(name, np.ones(shape.width, np.float32))

    kv = shape.kv_heads * shape.head
    add("token_embd.weight", shape.vocabulary, shape.width)
    if not shape.tied:
        add("output.weight", shape.vocabulary, shape.width)
    norm("output_norm.weight")
    for layer in range(shape.layers):
        at = f"blk.{layer}."
        norm(at + "attn_norm.weight")
        add(at + "attn_q.weight", shape.width, shape.width)
        add(at + "attn_k.weight", kv, shape.width)
        add(at + "attn_v.weight", kv, shape.width)
        add(at + "attn_output.weight", shape.width, shape.width)
        norm(at + "ffn_norm.weight")
        add(at + "ffn_gate.weight", shape.inner, shape.width)
        add(at + "ffn_up.weight", shape.inner, shape.width)
        add(at + "ffn_down.weight", shape.width, shape.inner)


def noise(
    generator: np.random.Generator, rows: int, columns: int, spread: float
) -> NDArray[np.uint8]:
    """A random matrix in Q4_0: per 32 weights one half-precision scale and 16 bytes of nibbles."""
    blocks = generator.integers(0, 256, (rows, columns // 32, 18), np.uint8)
    scale = np.array([spread / 4.6], np.float16)  # a uniform nibble - 8 has deviation 4.6
    blocks[:, :, :2] = scale.view(np.uint8)
    return blocks.reshape(rows, columns // 32 * 18)


def write_vocabulary(writer: Any, size: int) -> None:
    """Byte-level BPE with ChatML's control tokens, filled up to `size` with words of its own."""
    import gguf  # as above

    merged = ["".join(pair) for pair in MERGES]
    words = [*_byte_letters(), *merged, *CONTROL]
    words += [f"w{number}" for number in range(size - len(words))]
    kinds = [gguf.TokenType.NORMAL] * len(words)
    for word in CONTROL:
        kinds[words.index(word)] = gguf.TokenType.CONTROL
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(words)
    writer.add_token_types(kinds)
    writer.add_token_merges([" ".join(pair) for pair in MERGES])
    writer.add_bos_token_id(words.index("<|endoftext|>"))
    writer.add_eos_token_id(words.index("<|im_end|>"))
    writer.add_add_bos_token(False)


def _byte_letters() -> list[str]:
    """GPT-2's letter for each byte: printable ones stand for themselves, the rest from U+0100."""
    own = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = iter(range(0x100, 0x200))
    return [chr(byte) if byte in own else chr(next(others)) for byte in range(256)]


if __name__ == "__main__":
    print(cached(sys.argv[1] if len(sys.argv) > 1 else "0.5b"))
