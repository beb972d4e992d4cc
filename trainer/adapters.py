"""A LoRA adapter as PEFT saves it: what adapter_config.json says, and what of it can be merged.

    W' = W + scale · B · A        scale = alpha / rank, or alpha / √rank (rsLoRA)

Rank and alpha may differ from matrix to matrix (`rank_pattern`, `alpha_pattern`). Everything that
PEFT can do besides is refused by its name, and not left out in silence: DoRA scales whole matrices,
PiSSA, OLoRA and their kin change the base before they begin, and so on.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from trainer import shards
from trainer.shards import WeightsError

FILE = "adapter_model.safetensors"
# Settings that are read here, or that say how it was trained but change nothing of what it says.
_READ = {
    "r",
    "lora_alpha",
    "rank_pattern",
    "alpha_pattern",
    "use_rslora",
    "peft_type",
    "bias",
    "init_lora_weights",
}
_INDIFFERENT = {
    "task_type",
    "auto_mapping",
    "peft_version",
    "base_model_name_or_path",
    "revision",
    "inference_mode",
    "target_modules",
    "exclude_modules",
    "lora_dropout",
    "layers_to_transform",
    "layers_pattern",
    "megatron_core",
    "qalora_group_size",
    "eva_config",
    "runtime_config",
    "velora_config",  # saves memory in training only
    "ensure_weight_tying",
}
# Ways to begin that leave the base's weights as they were.
_PLAIN_BEGINNINGS = {"true", "false", "gaussian", "eva", "orthogonal", "none"}


@dataclass(frozen=True, slots=True)
class Adapter:
    """`rank` and `alpha` count where no pattern names a matrix."""

    folder: Path
    base: str
    rank: int
    alpha: float
    root: bool
    ranks: Mapping[str, int]
    alphas: Mapping[str, float]

    def scale(self, module: str, rank: int) -> float:
        """What B · A is multiplied with, for a module such as model.layers.0.mlp.down_proj whose A
        has `rank` rows. Raises WeightsError when adapter_config.json says another rank."""
        told = _matching(self.ranks, module, self.rank)
        if told != rank:
            raise WeightsError(
                f"{self.folder}: {module} has rank {rank}, but adapter_config.json says {told}"
            )
        alpha: float = _matching(self.alphas, module, self.alpha)
        return alpha / (math.sqrt(rank) if self.root else rank)


def _matching(patterns: Mapping[str, Any], module: str, otherwise: Any) -> Any:
    """The first pattern's value that a module's name ends with, as PEFT matches them."""
    for pattern, value in patterns.items():
        if re.fullmatch(rf"(.*\.)?({pattern})", module):
            return value
    return otherwise


def read(folder: Path) -> Adapter:
    """Raises WeightsError: no adapter_config.json, one that is broken, or an adapter that is no
    plain LoRA."""
    file = folder / "adapter_config.json"
    told = shards.read_json(file)
    if told.get("peft_type", "LORA") != "LORA":
        raise WeightsError(f"{file}: an adapter of kind {told['peft_type']!r}; known is LORA")
    if told.get("bias") not in (None, "none"):
        raise WeightsError(f"{file}: it trains biases (bias is {told['bias']!r}), not known here")
    beginning = str(told.get("init_lora_weights", True)).lower()
    if beginning not in _PLAIN_BEGINNINGS:
        raise WeightsError(
            f"{file}: init_lora_weights is {told['init_lora_weights']!r}, which changes the base "
            "itself before it begins; save it from PEFT as a plain LoRA first "
            "(save_pretrained with path_initial_model_for_weight_conversion)"
        )
    for key, value in told.items():
        if value and key not in _READ and key not in _INDIFFERENT and value != {}:
            raise WeightsError(
                f"{file}: {key} is {value!r}, which cannot be merged here; merge it with PEFT "
                "(merge_and_unload)"
            )
    rank, alpha = told.get("r"), told.get("lora_alpha")
    if not isinstance(rank, int) or rank < 1 or alpha is None or not _number(alpha):
        raise WeightsError(f"{file}: r is {rank!r} and lora_alpha {alpha!r}, not positive numbers")
    ranks, alphas = told.get("rank_pattern") or {}, told.get("alpha_pattern") or {}
    for key, patterns in (("rank_pattern", ranks), ("alpha_pattern", alphas)):
        if not isinstance(patterns, dict) or not all(map(_number, patterns.values())):
            raise WeightsError(f"{file}: {key} must map names to positive numbers")
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as problem:
                raise WeightsError(f"{file}: {key}: {pattern!r}: {problem}") from problem
    return Adapter(
        folder=folder,
        base=str(told.get("base_model_name_or_path") or ""),
        rank=rank,
        alpha=float(alpha),
        root=bool(told.get("use_rslora")),
        ranks=ranks,
        alphas=alphas,
    )


def _number(value: Any) -> TypeGuard[float]:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and value > 0
    )
