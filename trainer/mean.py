"""`mrp merge RUN --mean RUN … -o OUT`: adapters that went on from one another become their mean.

    mrp merge runs/second --mean runs/first -o runs/mean
    mrp convert runs/mean --base models/qwen2.5-coder-1.5b -o voice.gguf --type q8_0

A run on new lessons gains what they teach and loses some of what was there; halfway between the
two often keeps most of both, at no cost when the model is served (Wortsman et al. 2022, "Model
soups"). Both halves of every pair are averaged as they are, so only adapters that have a common
beginning can be: those of strangers mean nothing together. The result is an adapter like any other.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from trainer.shards import WeightsError

_WEIGHTS, _CONFIG, _CARD = "adapter_model.safetensors", "adapter_config.json", "card.json"
_MUST_AGREE = ("r", "lora_alpha", "base")


def mean(folders: Sequence[Path], out: Path) -> dict[str, Any]:
    """Write the mean of the adapters in `folders` (two or more) into the folder `out`, which must
    not be there yet; tokenizer and configuration are the first one's. Returns its card.

    Raises:
        WeightsError: fewer than two, other shapes, another rank or base, or `out` exists.
    """
    if len(folders) < 2:
        raise WeightsError("a mean takes two adapters or more")
    if out.exists():
        raise WeightsError(f"{out}: is there already; choose a folder that is not")
    first, *others = folders
    for other in others:
        _same_kind(first, other)
    total = {name: tensor.float() for name, tensor in _weights(first).items()}
    for other in others:
        found = _weights(other)
        if {n: t.shape for n, t in found.items()} != {n: t.shape for n, t in total.items()}:
            raise WeightsError(f"{other}: its matrices are not those of {first}")
        for name, tensor in found.items():
            total[name] += tensor.float()
    card = _card(first) | {"mean_of": [_origin(folder) for folder in folders]}
    shutil.copytree(first, out)
    dtype = {name: tensor.dtype for name, tensor in _weights(first).items()}
    averaged = {n: (t / len(folders)).to(dtype[n]).contiguous() for n, t in total.items()}
    save_file(averaged, out / _WEIGHTS, metadata={"format": "pt"})
    (out / _CARD).write_text(json.dumps(card, ensure_ascii=False, indent=1), encoding="utf-8")
    return card


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    try:
        found: dict[str, torch.Tensor] = load_file(folder / _WEIGHTS)
    except (OSError, ValueError, SafetensorError) as problem:
        raise WeightsError(f"{folder / _WEIGHTS}: cannot be read ({problem})") from problem
    return found


def _same_kind(first: Path, other: Path) -> None:
    here, there = _told(first), _told(other)
    for key in _MUST_AGREE:
        if here.get(key) != there.get(key):
            raise WeightsError(
                f"{other}: {key} is {there.get(key)}, that of {first} is {here.get(key)}; "
                "only adapters that went on from one another have a mean"
            )


def _told(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
    # A base may have moved between two runs.
    return told | {"base": Path(told.get("base_model_name_or_path") or "").name}


def _card(folder: Path) -> dict[str, Any]:
    file = folder / _CARD
    card: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return card


def _origin(folder: Path) -> dict[str, Any]:
    """What tells one run of a card from another: its name, date and seed, and what it learned; of
    a mean, of what it is one."""
    card = _card(folder)
    name = card.get("name", folder.name)
    if "mean_of" in card:
        return {"name": name, "mean_of": card["mean_of"]}
    recipe, learned = card.get("recipe") or {}, (card.get("losses") or {}).get("lessons") or {}
    return {
        "name": name,
        "date": card.get("date"),
        "seed": recipe.get("seed"),
        **{key: learned.get(key) for key in ("steps", "tokens", "held_out")},
    }
