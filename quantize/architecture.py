"""What a model is made of: config.json in, GGUF metadata and the list of tensors out.

Names and keys on the GGUF side: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md and the
`gguf` package's constants; on the Hugging Face side: the modeling files of transformers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from quantize.error import ConvertError


@dataclass(frozen=True, slots=True)
class Family:
    """What sets one line of models apart.

    `gguf` is llama.cpp's name for its graph. `interleave`: that graph rotates neighbouring
    channels (2i, 2i+1) where transformers rotates (i, i + d/2), so the rows of q and k change
    places. `head_norm`: q and k are normalised per head. `biases`: projections that may carry one.
    """

    gguf: str
    interleave: bool = False
    head_norm: bool = False
    biases: tuple[str, ...] = ()


_LLAMA = Family("llama", interleave=True, biases=("q", "k", "v", "o", "gate", "up", "down"))
FAMILIES: dict[str, Family] = {
    "LlamaForCausalLM": _LLAMA,
    "MistralForCausalLM": _LLAMA,
    "Qwen2ForCausalLM": Family("qwen2", biases=("q", "k", "v")),
    "Qwen3ForCausalLM": Family("qwen3", head_norm=True),
}
# Buffers that old checkpoints carry; they are computed from the configuration.
IGNORED_ENDINGS = (".rotary_emb.inv_freq", ".attention.masked_bias", ".attention.bias")


@dataclass(frozen=True, slots=True)
class Part:
    """One tensor: its name there and here, its shape (rows first), and rows a head where the rows
    of a head are interleaved (0: they stay)."""

    source: str
    name: str
    shape: tuple[int, ...]
    interleave: int = 0
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Rope:
    """Rotary position: base frequency; `kind` "none", "linear", "yarn" or "llama3"; its numbers."""

    theta: float
    kind: str
    numbers: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Architecture:
    """A dense decoder as llama.cpp wants to know it. Sizes in channels, heads, layers, tokens."""

    family: Family
    vocabulary: int
    context: int
    width: int
    layers: int
    heads: int
    kv_heads: int
    head_width: int
    feed_forward: int
    norm_epsilon: float
    tied: bool
    head_width_given: bool
    rope: Rope
    notes: tuple[str, ...] = ()

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Architecture:
        """Read a config.json. Raises ConvertError for an unknown or unsupported model."""
        named = config.get("architectures")
        name = str(named[0])[:80] if isinstance(named, list) and named else "(none named)"
        family = FAMILIES.get(name)
        if family is None:
            raise ConvertError(
                f"the architecture {name} is not known; known are {', '.join(FAMILIES)}"
            )
        if "quantization_config" in config:
            raise ConvertError(
                "the weights are quantized already (quantization_config in config.json); "
                "convert the model they were made from"
            )
        if (act := config.get("hidden_act", "silu")) != "silu":
            raise ConvertError(
                f"the activation {str(act)[:80]!r} is not known for {name}; known is 'silu'"
            )
        heads = _positive(config, "num_attention_heads")
        width = _positive(config, "hidden_size")
        given = config.get("head_dim") is not None
        if not given and width % heads:
            raise ConvertError(f"hidden_size {width} cannot be divided among {heads} heads")
        head_width = _positive(config, "head_dim") if given else width // heads
        kv_given = config.get("num_key_value_heads") is not None
        kv_heads = _positive(config, "num_key_value_heads") if kv_given else heads
        if heads % kv_heads or head_width % 2:
            raise ConvertError(f"{heads} heads, {kv_heads} kv heads of {head_width} do not fit")
        notes = []
        window = config.get("sliding_window")
        # Mistral has no use_sliding_window: there a window that is set is used.
        uses_window = bool(config.get("use_sliding_window", name == "MistralForCausalLM"))
        context = _positive(config, "max_position_embeddings")
        if window and uses_window and _positive(config, "sliding_window") < context:
            notes.append(
                f"the model looks back only {window} tokens (sliding window); llama.cpp looks at "
                f"all of them, so keep contexts within {window} tokens"
            )
        rope, rope_note = _rope(config)
        if rope_note:
            notes.append(rope_note)
        return cls(
            family=family,
            vocabulary=_positive(config, "vocab_size"),
            context=context,
            width=width,
            layers=_positive(config, "num_hidden_layers"),
            heads=heads,
            kv_heads=kv_heads,
            head_width=head_width,
            feed_forward=_positive(config, "intermediate_size"),
            norm_epsilon=_number(config, "rms_norm_eps", 1e-6, most=1),
            tied=bool(config.get("tie_word_embeddings", False)),
            head_width_given=given,
            rope=rope,
            notes=tuple(notes),
        )

    def parts(self) -> list[Part]:
        """Every tensor the model consists of, in the order of the graph."""
        wide, narrow = self.heads * self.head_width, self.kv_heads * self.head_width
        turn = self.head_width if self.family.interleave else 0
        inner = self.feed_forward
        # (Hugging Face, GGUF, rows, columns, rows a head to interleave)
        projections = {
            "q": ("self_attn.q_proj", "attn_q", wide, self.width, turn),
            "k": ("self_attn.k_proj", "attn_k", narrow, self.width, turn),
            "v": ("self_attn.v_proj", "attn_v", narrow, self.width, 0),
            "o": ("self_attn.o_proj", "attn_output", self.width, wide, 0),
            "gate": ("mlp.gate_proj", "ffn_gate", inner, self.width, 0),
            "up": ("mlp.up_proj", "ffn_up", inner, self.width, 0),
            "down": ("mlp.down_proj", "ffn_down", self.width, inner, 0),
        }
        parts = [
            Part("model.embed_tokens.weight", "token_embd.weight", (self.vocabulary, self.width))
        ]
        for layer in range(self.layers):
            here, there = f"model.layers.{layer}", f"blk.{layer}"
            norms = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}
            for source, name in norms.items():
                parts.append(
                    Part(f"{here}.{source}.weight", f"{there}.{name}.weight", (self.width,))
                )
            if self.family.head_norm:
                for side in "qk":
                    source, name = f"self_attn.{side}_norm.weight", f"attn_{side}_norm.weight"
                    parts.append(Part(f"{here}.{source}", f"{there}.{name}", (self.head_width,)))
            for key, (source, name, rows, columns, head) in projections.items():
                source, name = f"{here}.{source}", f"{there}.{name}"
                parts.append(Part(f"{source}.weight", f"{name}.weight", (rows, columns), head))
                if key in self.family.biases:
                    parts.append(Part(f"{source}.bias", f"{name}.bias", (rows,), head, True))
        parts.append(Part("model.norm.weight", "output_norm.weight", (self.width,)))
        if not self.tied:
            parts.append(Part("lm_head.weight", "output.weight", (self.vocabulary, self.width)))
        return parts

    def frequency_factors(self) -> npt.NDArray[np.float32] | None:
        """Llama 3's stretched rotary frequencies: by what each of head_width / 2 is divided.

        Source: "Llama 3.1" rope scaling as in transformers' `_compute_llama3_parameters`: short
        waves stay, long ones are stretched by `factor`, those between are mixed.
        """
        if self.rope.kind != "llama3":
            return None
        number = self.rope.numbers
        exponents = np.arange(0, self.head_width, 2, dtype=np.float64) / self.head_width
        waves = 2 * math.pi * self.rope.theta**exponents
        low, high = number["low_freq_factor"], number["high_freq_factor"]
        turns = number["original_max_position_embeddings"] / waves
        smooth = np.clip((turns - low) / (high - low), 0.0, 1.0)
        return (1 / ((1 - smooth) / number["factor"] + smooth)).astype(np.float32)


def _rope(config: Mapping[str, Any]) -> tuple[Rope, str | None]:
    """The rotary settings: `rope_parameters` (transformers 5), else `rope_theta` and
    `rope_scaling` (before)."""
    settings: dict[str, Any] = {}
    for key in ("rope_scaling", "rope_parameters"):
        given = config.get(key) or {}
        if not isinstance(given, Mapping):
            raise ConvertError(f"config.json: {key} is {str(given)[:80]!r}, not an object")
        settings.update(given)
    theta = _number(settings, "rope_theta", _number(config, "rope_theta", 10000.0))
    kind = str(settings.get("rope_type", settings.get("type", "default")))
    numbers = {
        key: float(value)
        for key, value in settings.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    numbers.setdefault(
        "original_max_position_embeddings", _number(config, "max_position_embeddings", 0.0)
    )
    if _number(settings, "partial_rotary_factor", 1.0) != 1.0:
        raise ConvertError("a partial rotary embedding is not known for this architecture")
    if kind == "default":
        return Rope(theta, "none", {}), None
    if kind == "dynamic":
        # Nothing changes up to max_position_embeddings; beyond it llama.cpp cannot follow.
        note = "rope scaling 'dynamic' is left out: keep contexts within max_position_embeddings"
        return Rope(theta, "none", {}), note
    needed = {
        "linear": ("factor",),
        "yarn": ("factor", "original_max_position_embeddings"),
        "llama3": (
            "factor",
            "low_freq_factor",
            "high_freq_factor",
            "original_max_position_embeddings",
        ),
    }
    if kind not in needed:
        raise ConvertError(
            f"rope scaling {kind[:80]!r} is not known; known are default, dynamic, "
            f"{', '.join(needed)}"
        )
    for key in needed[kind]:
        if numbers.get(key, 0.0) <= 0:
            raise ConvertError(f"rope scaling {kind!r} needs a positive {key} in config.json")
    return Rope(theta, kind, numbers), None


def _positive(config: Mapping[str, Any], key: str) -> int:
    value = config.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 1 << 31:
        shown = str(value)[:80] if isinstance(value, str | float) else value
        raise ConvertError(f"config.json: {key} is {shown!r}, not a positive number")
    return value


def _number(config: Mapping[str, Any], key: str, otherwise: float, *, most: float = 1e30) -> float:
    """A number above zero and at most `most`; `otherwise` where the key is missing or null."""
    value = config.get(key)
    if value is None:
        return otherwise
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
        raise ConvertError(f"config.json: {key} is {str(value)[:80]!r}, not a positive number")
    return float(value)
