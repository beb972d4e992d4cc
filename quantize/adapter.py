"""A LoRA adapter as PEFT saves it: adapter_config.json and the two halves of each matrix.

    W' = W + (alpha / rank) · B · A      A (rank, columns), B (rows, rank)

llama.cpp reads one alpha for all and each matrix's rank from its halves (src/llama-adapter.cpp);
whatever PEFT does differently (a scale by √rank, patterns of ranks and alphas) goes into B.
Names: PEFT's `base_model.model.NAME.lora_A.weight`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from quantize.architecture import Architecture, Part
from quantize.error import ConvertError
from quantize.weights import Tensor, read_json

_HALF = re.compile(r"base_model\.model\.(.+)\.lora_([AB])(?:\.default)?\.weight")


@dataclass(frozen=True, slots=True)
class Adapter:
    """What adapter_config.json says."""

    path: Path
    config: Mapping[str, Any]
    rank: int
    alpha: float

    def factor(self, module: str, rank: int) -> float:
        """What B is multiplied with so that llama.cpp's alpha / rank is PEFT's scale."""
        alpha = float(_pattern(self.config.get("alpha_pattern"), module, self.alpha))
        root = math.sqrt(rank) if self.config.get("use_rslora") else float(rank)
        return (alpha / root) / (self.alpha / rank)


@dataclass(frozen=True, slots=True)
class Half:
    """A or B of one matrix: as it will be called, where it lies, and its factor."""

    part: Part
    source: Tensor
    factor: float = 1.0


def read(folder: Path) -> Adapter:
    """Raises ConvertError for an adapter that is no plain LoRA."""
    path = folder / "adapter_config.json"
    config = read_json(path)
    if config.get("peft_type") != "LORA":
        raise ConvertError(f"{path}: an adapter of kind {config.get('peft_type')!r}; known is LORA")
    for key, why in (
        ("use_dora", "DoRA scales whole matrices"),
        ("modules_to_save", "it replaces whole matrices"),
        ("fan_in_fan_out", "its base keeps matrices the other way round"),
        ("trainable_token_indices", "it changes the embedding"),
    ):
        if config.get(key):
            raise ConvertError(
                f"{path}: {key} is {config[key]!r} ({why}), which llama.cpp cannot apply; merge "
                "the adapter into its base and convert that"
            )
    if config.get("bias", "none") != "none":
        raise ConvertError(f"{path}: it trains biases, which llama.cpp cannot apply; merge it")
    rank, alpha = config.get("r"), config.get("lora_alpha")
    if not isinstance(rank, int) or rank < 1 or not isinstance(alpha, int | float) or alpha <= 0:
        raise ConvertError(f"{path}: r is {rank!r} and lora_alpha {alpha!r}, not positive numbers")
    return Adapter(path, config, rank, float(alpha))


def halves(
    adapter: Adapter, architecture: Architecture, found: Mapping[str, Tensor]
) -> Iterator[Half]:
    """All halves in the order of the model. Raises ConvertError where they do not fit it."""
    pairs: dict[str, dict[str, Tensor]] = {}
    for name, tensor in found.items():
        match = _HALF.fullmatch(name)
        if match is None:
            raise ConvertError(f"{tensor.path}: {name} is no half of a LoRA matrix")
        pairs.setdefault(match[1], {})[match[2]] = tensor
    parts = {
        part.source.removesuffix(".weight"): part
        for part in architecture.parts()
        if len(part.shape) == 2 and part.name.startswith("blk.")
    }
    for module in [*parts, *sorted(pairs.keys() - parts.keys())]:
        if module not in pairs:
            continue
        part, pair = parts.get(module), pairs[module]
        if part is None:
            raise ConvertError(
                f"{adapter.path.parent}: {module} is no matrix of {architecture.family.gguf}'s "
                "layers; merge the adapter into its base and convert that"
            )
        if pair.keys() != {"A", "B"}:
            raise ConvertError(f"{adapter.path.parent}: {module} has only half {'/'.join(pair)}")
        rows, columns = part.shape
        rank = pair["A"].shape[0]
        wanted = {"A": (rank, columns), "B": (rows, rank)}
        for half, shape in wanted.items():
            if pair[half].shape != shape:
                raise ConvertError(
                    f"{pair[half].path}: {module}.lora_{half} has the shape "
                    f"{list(pair[half].shape)}, but the base asks for {list(shape)}"
                )
        yield Half(
            replace(part, name=f"{part.name}.lora_a", shape=wanted["A"], interleave=0), pair["A"]
        )
        yield Half(
            replace(part, name=f"{part.name}.lora_b", shape=wanted["B"]),
            pair["B"],
            adapter.factor(module, rank),
        )
    if not pairs:
        raise ConvertError(f"{adapter.path.parent} holds no matrices")


def _pattern(patterns: Any, module: str, otherwise: float) -> float:
    """PEFT's per-module numbers: keys are endings of names, or regular expressions of them."""
    for pattern, value in (patterns or {}).items():
        if re.fullmatch(rf"(.*\.)?({pattern})", module):
            return float(value)
    return otherwise
