"""A GGUF file as a Hugging Face folder: dequantized weights, config.json, tokenizer.

So a voice can be trained on the very weights that are chatted with: what the quantization changed
is in the base already, and the adapter learns around it.

Names and keys of the GGUF side: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md and the
constants of the `gguf` package, which also unpacks every kind of block. llama.cpp's Llama graph
rotates channels 2i and 2i + 1 where transformers rotates i and i + head/2; q and k are put back.

Weights go tensor by tensor, so memory stays at one tensor, whatever the model's size.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt
import torch
from gguf import GGMLQuantizationType as Kind
from gguf.quants import dequantize
from transformers import GenerationConfig, LlamaConfig, Qwen2Config, Qwen3Config
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from trainer import gguf_tokenizer, shards
from trainer.shards import Planned, WeightsError

DTYPES = {"f16": torch.float16, "bf16": torch.bfloat16, "f32": torch.float32}
_PLAIN = {Kind.F32: torch.float32, Kind.F16: torch.float16, Kind.BF16: torch.bfloat16}
# Expected error of a weight, as a share of the weights' standard deviation: measured by quantizing
# two million normal values with llama.cpp's own quantizer, without an importance matrix.
_ERROR = {
    "Q8_0": 0.0054,
    "Q6_K": 0.0178,
    "Q5_K": 0.0361,
    "Q5_1": 0.0379,
    "Q5_0": 0.0427,
    "Q4_K": 0.0714,
    "IQ4_NL": 0.0761,
    "IQ4_XS": 0.0767,
    "Q4_1": 0.0783,
    "Q4_0": 0.0860,
    "Q3_K": 0.1509,
    "IQ3_S": 0.1658,
    "IQ3_XXS": 0.2132,
    "IQ2_S": 0.2488,
    "Q2_K": 0.2968,
    "IQ2_XS": 0.2995,
    "IQ2_XXS": 0.3435,
    "IQ1_S": 0.4855,
}
_BLOCK = 4 << 20  # values unpacked at a time


@dataclass(frozen=True, slots=True)
class Layout:
    """How one of llama.cpp's graphs is laid out in transformers.

    `permuted`: rows of q and k are in another order. `head_norm`: q and k are normalised per head.
    `biases`: projections that may have one.
    """

    config: Any
    permuted: bool = False
    head_norm: bool = False
    biases: tuple[str, ...] = ()


LAYOUTS: dict[str, Layout] = {
    "llama": Layout(LlamaConfig, permuted=True, biases=("q", "k", "v", "o", "gate", "up", "down")),
    "qwen2": Layout(Qwen2Config, biases=("q", "k", "v")),
    "qwen3": Layout(Qwen3Config, head_norm=True),
}
_CAUSAL = {"llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM", "qwen3": "Qwen3ForCausalLM"}
MATRICES = {  # ours -> (transformers, llama.cpp)
    "q": ("self_attn.q_proj", "attn_q"),
    "k": ("self_attn.k_proj", "attn_k"),
    "v": ("self_attn.v_proj", "attn_v"),
    "o": ("self_attn.o_proj", "attn_output"),
    "gate": ("mlp.gate_proj", "ffn_gate"),
    "up": ("mlp.up_proj", "ffn_up"),
    "down": ("mlp.down_proj", "ffn_down"),
}
_FREQUENCIES = "rope_freqs.weight"


class GgufFile:
    """Metadata and tensors of a GGUF, all parts of a split one together. Only headers are read
    until a tensor is asked for.

    Raises WeightsError: no GGUF, cut off, a part missing, or no `kind` ("model" or "adapter").
    """

    def __init__(self, file: Path, kind: str = "model") -> None:
        self.file = file
        first = _opened(file)
        self.metadata: Mapping[str, Any] = first.fields
        self.tensors: dict[str, Any] = {tensor.name: tensor for tensor in first.tensors}
        for part in self._other_parts():
            self.tensors |= {tensor.name: tensor for tensor in _opened(part).tensors}
        found = str(self.get("general.type", "model"))
        if found != kind:
            told = "an adapter, not a model" if kind == "model" else f"a {found}, not an adapter"
            raise WeightsError(f"{file}: is {told}; name the {kind} itself")

    def _other_parts(self) -> Iterator[Path]:
        count = int(self.get("split.count", 1))
        if count < 2:
            return
        name = re.fullmatch(r"(.+)-00001-of-(\d{5})\.gguf", self.file.name)
        if name is None or int(name[2]) != count:
            raise WeightsError(
                f"{self.file}: is one of {count} parts; name the first, …-00001-of-{count:05}.gguf"
            )
        for number in range(2, count + 1):
            yield self.file.with_name(f"{name[1]}-{number:05}-of-{count:05}.gguf")

    def get(self, key: str, otherwise: Any = None) -> Any:
        """A value of the metadata, or `otherwise`."""
        found = self.metadata.get(key)
        return otherwise if found is None else found.contents()

    def number(self, key: str, otherwise: float | None = None) -> float:
        """A positive, finite number. Raises WeightsError when it is missing or none."""
        value = self.get(key, otherwise)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise WeightsError(f"{self.file}: {key} is {value!r}, not a number")
        if not (math.isfinite(value) and value > 0):
            raise WeightsError(f"{self.file}: {key} is {value!r}, not a positive number")
        return float(value)

    def whole(self, key: str, otherwise: int | None = None, most: int = 10**7) -> int:
        """A whole number in 1..most. Raises WeightsError."""
        value = self.number(key, otherwise)
        if value != int(value) or value > most:
            raise WeightsError(f"{self.file}: {key} is {value:g}, no whole number up to {most}")
        return int(value)

    def shape(self, name: str) -> tuple[int, ...]:
        """A tensor's shape as PyTorch has it: rows first. Raises WeightsError: it is missing."""
        return tuple(int(side) for side in self._tensor(name).shape[::-1])

    def read(self, name: str, dtype: torch.dtype) -> torch.Tensor:
        """One tensor, unpacked block by block.

        Raises WeightsError: a value is no number, or too large for `dtype`.
        """
        tensor, shape = self._tensor(name), self.shape(name)
        made = torch.empty(shape, dtype=dtype)
        rows = made if len(shape) > 1 else made[None]
        packed = tensor.data if len(shape) > 1 else tensor.data[None]
        step = max(1, _BLOCK // rows.shape[1])
        for start in range(0, len(rows), step):
            values = _unpacked(packed[start : start + step], tensor.tensor_type)
            rows[start : start + step] = torch.from_numpy(values).to(dtype)
        if not torch.isfinite(made).all():
            raise WeightsError(
                f"{self.file}: {name} holds values that are no numbers, or too large for "
                f"{str(dtype).removeprefix('torch.')} (--type f32 keeps all that are numbers)"
            )
        return made

    def _tensor(self, name: str) -> Any:
        if name not in self.tensors:
            raise WeightsError(f"{self.file}: lacks the tensor {name}")
        return self.tensors[name]


def _opened(file: Path) -> Any:
    if not file.is_file():
        raise WeightsError(f"{file}: is not a file on this machine; nothing is fetched here")
    try:
        return gguf.GGUFReader(file)
    except (ValueError, KeyError, IndexError, OverflowError, MemoryError, OSError) as problem:
        raise WeightsError(f"{file}: cut off or no GGUF ({problem})") from problem


def _unpacked(block: npt.NDArray[Any], kind: Kind) -> npt.NDArray[np.float32]:
    values = dequantize(np.ascontiguousarray(block), kind)
    return np.array(values, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of the network, in channels, heads, layers and tokens."""

    layout: Layout
    width: int
    layers: int
    heads: int
    groups: int
    head_width: int
    feed_forward: int
    vocabulary: int
    tied: bool


def read_shape(file: GgufFile) -> Shape:
    """Raises WeightsError: a graph that is not known here, or sizes that do not go together."""
    kind = str(file.get("general.architecture"))
    if kind not in LAYOUTS:
        raise WeightsError(
            f"{file.file}: its architecture is {kind!r}; known here are {', '.join(LAYOUTS)} "
            "(for another one take the publisher's safetensors)"
        )
    if file.get(f"{kind}.expert_count", 0):
        raise WeightsError(f"{file.file}: is a mixture of experts, which is not known here")
    if file.get(f"{kind}.pooling_type", 0) or not file.get(f"{kind}.attention.causal", True):
        raise WeightsError(f"{file.file}: is an embedding model; it cannot learn to speak")
    heads = file.whole(f"{kind}.attention.head_count")
    width = file.whole(f"{kind}.embedding_length")
    groups = file.whole(f"{kind}.attention.head_count_kv", heads)
    head = file.whole(f"{kind}.attention.key_length", max(1, width // heads))
    if heads % groups or head % 2:
        raise WeightsError(f"{file.file}: {heads} heads of {head} do not divide into {groups}")
    return Shape(
        layout=LAYOUTS[kind],
        width=width,
        layers=file.whole(f"{kind}.block_count", most=1000),
        heads=heads,
        groups=groups,
        head_width=head,
        feed_forward=file.whole(f"{kind}.feed_forward_length"),
        vocabulary=file.shape("token_embd.weight")[0],
        tied="output.weight" not in file.tensors,
    )


def plan(file: GgufFile, shape: Shape, dtype: torch.dtype) -> list[Planned]:
    """Every tensor of the folder, in the order it is written. Vectors stay float32.

    Raises:
        WeightsError: a tensor is missing, has another shape, or is left over.
    """
    left = set(file.tensors) - {_FREQUENCIES}
    planned: list[Planned] = []

    def take(old: str, new: str, asked: tuple[int, ...], *, permuted: bool = False) -> None:
        if file.shape(old) != asked:
            raise WeightsError(
                f"{file.file}: {old} has the shape {list(file.shape(old))}, but its metadata asks "
                f"for {list(asked)}"
            )
        left.discard(old)
        wide = dtype if len(asked) > 1 else torch.float32

        def make() -> torch.Tensor:
            made = file.read(old, wide)
            return unpermuted(made, shape.head_width) if permuted else made

        planned.append(Planned(new, wide, asked, make))

    d, f = shape.width, shape.feed_forward
    inner, group = shape.heads * shape.head_width, shape.groups * shape.head_width
    sizes = {"q": (inner, d), "k": (group, d), "v": (group, d), "o": (d, inner)}
    sizes |= {"gate": (f, d), "up": (f, d), "down": (d, f)}
    take("token_embd.weight", "model.embed_tokens.weight", (shape.vocabulary, d))
    for layer in range(shape.layers):
        old, new = f"blk.{layer}", f"model.layers.{layer}"
        take(f"{old}.attn_norm.weight", f"{new}.input_layernorm.weight", (d,))
        take(f"{old}.ffn_norm.weight", f"{new}.post_attention_layernorm.weight", (d,))
        for key, (theirs, ours) in MATRICES.items():
            turned = shape.layout.permuted and key in ("q", "k")
            name, there = f"{new}.{theirs}", f"{old}.{ours}"
            take(f"{there}.weight", f"{name}.weight", sizes[key], permuted=turned)
            if key in shape.layout.biases and f"{there}.bias" in file.tensors:
                take(f"{there}.bias", f"{name}.bias", sizes[key][:1], permuted=turned)
        if shape.layout.head_norm:
            for side in "qk":
                name = f"{new}.self_attn.{side}_norm.weight"
                take(f"{old}.attn_{side}_norm.weight", name, (shape.head_width,))
    take("output_norm.weight", "model.norm.weight", (d,))
    if not shape.tied:
        take("output.weight", "lm_head.weight", (shape.vocabulary, d))
    if left:
        raise WeightsError(
            f"{file.file}: {len(left)} tensors are no part of its architecture: {sorted(left)[0]}"
        )
    return planned


def unpermuted(rows: torch.Tensor, head: int) -> torch.Tensor:
    """Rows in transformers' order: of each head first the even ones, then the odd ones."""
    rest = rows.shape[1:]
    return rows.reshape(-1, head // 2, 2, *rest).swapaxes(1, 2).reshape(rows.shape)


def config_of(file: GgufFile, shape: Shape) -> Any:
    """The config.json's value. Raises WeightsError for rotary settings that are not known here."""
    kind = str(file.get("general.architecture"))
    context = file.whole(f"{kind}.context_length", most=10**9)
    settings: dict[str, Any] = {
        "architectures": [_CAUSAL[kind]],
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.width,
        "intermediate_size": shape.feed_forward,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.groups,
        "head_dim": shape.head_width,
        "max_position_embeddings": context,
        "rms_norm_eps": file.number(f"{kind}.attention.layer_norm_rms_epsilon"),
        "rope_parameters": _rope(file, kind, shape),
        "tie_word_embeddings": shape.tied,
    }
    if kind == "llama":
        settings["attention_bias"] = "blk.0.attn_q.bias" in file.tensors
        settings["mlp_bias"] = "blk.0.ffn_up.bias" in file.tensors
    return shape.layout.config(**settings)


def _rope(file: GgufFile, kind: str, shape: Shape) -> dict[str, Any]:
    theta = file.number(f"{kind}.rope.freq_base", 10_000.0)
    scaling = str(file.get(f"{kind}.rope.scaling.type", "none"))
    turned = file.whole(f"{kind}.rope.dimension_count", shape.head_width)
    if turned != shape.head_width:
        raise WeightsError(f"{file.file}: only {turned} channels of a head are rotated")
    if _FREQUENCIES in file.tensors:
        return _stretched(file, theta, shape.head_width)
    if scaling == "none":
        return {"rope_theta": theta, "rope_type": "default"}
    told = {"rope_theta": theta, "rope_type": scaling}
    told["factor"] = file.number(f"{kind}.rope.scaling.factor")
    if scaling == "yarn":
        original = file.whole(f"{kind}.rope.scaling.original_context_length", most=10**9)
        told["original_max_position_embeddings"] = original
    elif scaling != "linear":
        raise WeightsError(f"{file.file}: rope scaling {scaling!r} is not known here")
    return told


def _stretched(file: GgufFile, theta: float, head: int) -> dict[str, Any]:
    """Llama 3's rotary settings, found again by the frequency factors that they give.

    A GGUF keeps the factors only. Those published have low 1, high 4 and 8,192 positions; whether
    these give the same factors is checked, not believed.
    """
    found = file.read(_FREQUENCIES, torch.float32)
    told = {
        "rope_theta": theta,
        "rope_type": "llama3",
        "factor": float(found.max()),
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    }
    trial = LlamaConfig(
        hidden_size=head, num_attention_heads=1, head_dim=head, rope_parameters=told
    )
    made, _ = ROPE_INIT_FUNCTIONS["llama3"](trial, torch.device("cpu"))
    plain = 1.0 / theta ** (torch.arange(0, head, 2, dtype=torch.float32) / head)
    if found.shape != plain.shape or not torch.allclose(plain / made, found, rtol=1e-3):
        raise WeightsError(
            f"{file.file}: its rotary frequencies are stretched in a way that is not known here"
        )
    return told


def matrix_type(file: GgufFile) -> torch.dtype:
    """What most weights are stored as, where that is no quantization; else float16, which holds
    what quantized blocks unpack to more closely than bfloat16."""
    weights: Counter[Kind] = Counter()
    for tensor in file.tensors.values():
        if len(tensor.shape) > 1:
            weights[tensor.tensor_type] += int(tensor.n_elements)
    most = weights.most_common(1)[0][0] if weights else Kind.F16
    return _PLAIN.get(most, torch.float16)


def cost(file: GgufFile) -> dict[str, Any]:
    """What the file's quantization took: tensors by type, bits a weight, and the error of a weight
    as a share of the weights' spread that such types have on normal values (None: a type that was
    not measured)."""
    kinds: Counter[str] = Counter()
    values = size = 0
    error: float | None = 0.0
    for tensor in file.tensors.values():
        if len(tensor.shape) < 2:
            continue
        kind, count = tensor.tensor_type.name, int(tensor.n_elements)
        kinds[kind] += 1
        values, size = values + count, size + int(tensor.n_bytes)
        each = 0.0 if tensor.tensor_type in _PLAIN else _ERROR.get(kind)
        error = None if error is None or each is None else error + count * each**2
    return {
        "types": dict(kinds.most_common()),
        "bits_per_weight": round(8 * size / max(1, values), 2),
        "expected_error": None if error is None else round(math.sqrt(error / max(1, values)), 4),
    }


def convert(
    source: Path, out: Path, *, limit: int, shown: bool = False, dtype: torch.dtype | None = None
) -> dict[str, Any]:
    """Write a GGUF as a new Hugging Face folder `out`. Returns its card.

    Matrices are written as `dtype` (None: see `matrix_type`).

    Raises:
        WeightsError: see `GgufFile`, `read_shape`, `plan`, `config_of` and `gguf_tokenizer.read`;
            or `out` is there or has no room.
    """
    file = GgufFile(source)
    shape = read_shape(file)
    wide = dtype or matrix_type(file)
    planned = plan(file, shape, wide)
    config = config_of(file, shape)
    tokenizer, ends, notes = gguf_tokenizer.read(file.get, source, shape.vocabulary)
    tokenizer.model_max_length = config.max_position_embeddings
    config.dtype = wide
    for role in ("bos", "eos", "pad"):
        setattr(config, f"{role}_token_id", getattr(tokenizer, f"{role}_token_id"))
    generation = GenerationConfig(
        bos_token_id=config.bos_token_id,
        eos_token_id=ends or None,
        pad_token_id=config.pad_token_id,
    )
    with shards.aside(out) as part:
        names = shards.write(part, planned, limit, what="unpacking", shown=shown)
        config.save_pretrained(part)
        generation.save_pretrained(part)
        tokenizer.save_pretrained(part)
        card = {
            "name": str(file.get("general.name") or source.stem),
            "made_by": "mrp base",
            "from": {"format": "gguf", "name": source.name, "bytes": source.stat().st_size},
            "quantization": cost(file),
            "parameters": sum(math.prod(one.shape) for one in planned),
            "shards": names,
            "notes": notes,
        }
        if licence := file.get("general.license"):
            card["license"] = str(licence)
        (part / "card.json").write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n")
    return card
