"""A model without its weights: metadata, and the name and shape of every tensor.

From a GGUF, from a Hugging Face folder's config.json, or from one of the shapes that the engine
knows by name. `sparse` writes it as a GGUF whose weights are a hole in the file: it takes no disk,
and llama.cpp's quantizer, asked for a dry run, tells from it which type each tensor would get.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gguf import GGUFReader, GGUFWriter
from gguf.constants import GGML_QUANT_SIZES
from gguf.constants import GGMLQuantizationType as Kind

from engine.header import parts_of, size_of
from engine.shapes import SHAPES, Shape
from quantize import llama_quantizer
from quantize.architecture import Architecture
from quantize.error import FitError
from quantize.llama_quantizer import Order
from quantize.weights import read_json

# Types for which llama.cpp keeps a second, rearranged copy of the matrices on a CPU with AVX2
# (ggml-cpu/repack.cpp); the first is mapped from the file and may be dropped by the system.
REPACKED = ("Q4_0", "Q4_K")


@dataclass(frozen=True, slots=True)
class Outline:
    """`shapes` by tensor name, columns first, as in a GGUF; `kinds` the types they are stored in,
    and `head` the bytes before the weights, where there is a file."""

    name: str
    metadata: Mapping[str, str]
    shapes: Mapping[str, tuple[int, ...]]
    kinds: Mapping[str, str]
    head: int

    @property
    def parameters(self) -> int:
        return sum(math.prod(shape) for shape in self.shapes.values())

    def bytes(self, kinds: Mapping[str, str] | None = None) -> int:
        """Size of a file with tensors of these types (its own without)."""
        kinds = kinds or self.kinds
        return self.head + sum(
            _padded(tensor_bytes(shape, kinds[name])) for name, shape in self.shapes.items()
        )

    def copies(self, kinds: Mapping[str, str] | None = None) -> int:
        """Bytes of the second copies that a CPU with AVX2 keeps."""
        kinds = kinds or self.kinds
        tied = "output.weight" not in self.shapes
        return sum(
            tensor_bytes(shape, kinds[name])
            for name, shape in self.shapes.items()
            if kinds[name] in REPACKED
            and len(shape) > 1
            and shape[1] % 8 == 0
            and (tied or name != "token_embd.weight")
        )

    def quantized(self, type: str, folder: Path) -> dict[str, str]:
        """The types that llama.cpp would give each tensor. `folder` is for scratch.

        Raises FitError where the model is quantized already, or llama.cpp refuses.
        """
        if any(kind not in ("F32", "F16", "BF16") for kind in self.kinds.values()):
            raise FitError(f"{self.name} is quantized already; compare types with its f16 file")
        path = folder / "outline.gguf"
        if not path.exists():
            self.sparse(path)
        # A matrix of ones: llama.cpp wants to know only that there is one.
        ones = {
            name: np.ones(shape[0], np.float32)
            for name, shape in self.shapes.items()
            if len(shape) > 1
        }
        kinds, errors = llama_quantizer.plan(path, Order(type, importance=ones))
        if errors or kinds.keys() != self.shapes.keys():
            raise FitError(f"llama.cpp does not say what {self.name} would be as {type}: {errors}")
        return kinds

    def sparse(self, path: Path) -> None:
        """Write the outline as a GGUF with a hole for its weights."""
        architecture = self.metadata["general.architecture"]
        writer = GGUFWriter(path=None, arch=architecture)
        for key, value in self.metadata.items():
            if not key.startswith(f"{architecture}."):
                continue
            if value.lstrip("-").isdigit():
                writer.add_uint32(key, int(value))
            else:
                try:
                    writer.add_float32(key, float(value))
                except ValueError:
                    writer.add_string(key, value)
        for name, shape in self.shapes.items():
            kind = Kind[self.kinds[name]]
            size = tensor_bytes(shape, self.kinds[name])
            writer.add_tensor_info(name, shape[::-1], np.dtype(np.float32), size, raw_dtype=kind)
        writer.write_header_to_file(path)
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        writer.close()
        weights = sum(_padded(tensor_bytes(s, self.kinds[n])) for n, s in self.shapes.items())
        os.truncate(path, _padded(path.stat().st_size) + weights)

    @classmethod
    def open(cls, path: Path) -> Outline:
        """Of a GGUF (all parts of one that was split) or a Hugging Face folder.

        Raises FitError, ModelError for missing parts, ConvertError for a folder."""
        if path.is_dir():
            return cls.of_architecture(
                path.name, Architecture.from_config(read_json(path / "config.json"))
            )
        try:
            with path.open("rb") as file:
                magic = file.read(4)
            parts = parts_of(path)
            size = size_of(path)
        except OSError as problem:
            raise FitError(f"{path} cannot be read: {problem.strerror}") from problem
        if magic != b"GGUF":
            raise FitError(f"{path} is neither a GGUF nor a folder with a config.json")
        try:
            reader = GGUFReader(path)
            tensors = [tensor for part in parts for tensor in GGUFReader(part).tensors]
            found = {
                name: str(field.contents())
                for name, field in reader.fields.items()
                if field.types and len(field.types) == 1 and not name.startswith("tokenizer.")
            }
            tokens = reader.fields.get("tokenizer.ggml.tokens")
        except (ValueError, IndexError, KeyError, OSError) as problem:
            raise FitError(f"{path} is cut off or broken") from problem
        architecture = found.get("general.architecture", "")
        if tokens is not None:
            found.setdefault(f"{architecture}.vocab_size", str(len(tokens.data)))
        return cls(
            name=path.name,
            metadata=found,
            shapes={t.name: tuple(int(n) for n in t.shape) for t in tensors},
            kinds={t.name: t.tensor_type.name for t in tensors},
            head=size - sum(_padded(int(t.n_bytes)) for t in tensors),
        )

    @classmethod
    def of_shape(cls, name: str) -> Outline:
        """Of a shape that the engine knows by name. Raises FitError."""
        shape = SHAPES.get(name)
        if shape is None:
            raise FitError(f"the shape {name} is not known; known are {', '.join(SHAPES)}")
        return cls.of_architecture(name, architecture_of(shape))

    @classmethod
    def of_architecture(cls, name: str, model: Architecture) -> Outline:
        """Of what a config.json says, in f16."""
        gguf = model.family.gguf
        numbers = {
            "vocab_size": model.vocabulary,
            "context_length": model.context,
            "embedding_length": model.width,
            "block_count": model.layers,
            "feed_forward_length": model.feed_forward,
            "attention.head_count": model.heads,
            "attention.head_count_kv": model.kv_heads,
            "attention.key_length": model.head_width,
            "attention.value_length": model.head_width,
            "rope.dimension_count": model.head_width,
            "attention.layer_norm_rms_epsilon": model.norm_epsilon,
        }
        parts = [part for part in model.parts() if not part.optional]
        return cls(
            name=name,
            metadata={"general.architecture": gguf}
            | {f"{gguf}.{key}": str(value) for key, value in numbers.items()},
            shapes={part.name: part.shape[::-1] for part in parts},
            kinds={part.name: "F16" if len(part.shape) > 1 else "F32" for part in parts},
            head=24 * model.vocabulary,  # tokens and merges; measured 20 to 30 bytes a token
        )


def architecture_of(shape: Shape) -> Architecture:
    return Architecture.from_config(
        {
            "architectures": ["LlamaForCausalLM"],
            "vocab_size": shape.vocabulary,
            "max_position_embeddings": shape.context,
            "hidden_size": shape.width,
            "num_hidden_layers": shape.layers,
            "num_attention_heads": shape.heads,
            "num_key_value_heads": shape.kv_heads,
            "intermediate_size": shape.inner,
            "tie_word_embeddings": shape.tied,
        }
    )


def tensor_bytes(shape: tuple[int, ...], kind: str) -> int:
    values, width = GGML_QUANT_SIZES[Kind[kind]]
    return int(math.prod(shape) // values * width)


def _padded(size: int) -> int:
    return -(-size // 32) * 32
