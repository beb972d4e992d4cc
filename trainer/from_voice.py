"""A voice (a LoRA adapter as a GGUF) as the folder that PEFT reads, to train it further.

    mrp base voices/xiyou-qwen2.5-coder-1.5b.gguf --of models/qwen2.5-coder-1.5b -o runs/as-shipped

So whoever has only the file that is chatted with can go on from it (`method.adapter`), learn
preferences on it (`preference.adapter`), or take the mean with another step (`mrp merge --mean`).
It is the way back of `quantize/adapter.py`: names as there, halves unpacked to float32, and the
rows of B that llama.cpp's Llama graph wants in another order put back. What the file's type has
rounded stays rounded (Q8_0: half a per cent of a weight's spread); converted again to that type it
is the same file, byte for byte.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from engine.adapter import BASE_NAME, FINGERPRINT, fingerprint, own_metadata, read_adapter
from engine.sequence import ModelError
from trainer import adapters, shards
from trainer.from_gguf import LAYOUTS, MATRICES, GgufFile, unpermuted
from trainer.shards import WeightsError

_HALF = re.compile(r"blk\.(\d+)\.(\w+)\.weight\.lora_([ab])")
_THEIRS = {theirs: (key, name) for key, (name, theirs) in MATRICES.items()}
_NORM = re.compile(r"model\.layers\.(\d+)\.(.+)\.weight")
_NORMS = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
}


def is_voice(file: Path) -> bool:
    """Whether a file is a GGUF and an adapter."""
    try:
        read_adapter(file)
    except ModelError:
        return False
    return True


def convert(voice: Path, base: Path, out: Path) -> dict[str, Any]:
    """Write the adapter of the GGUF `voice` as a new folder `out`, for the base in the Hugging Face
    folder `base`. Returns its card.

    Raises:
        WeightsError: no adapter, or one of another base or with matrices that no layer has; or
            `out` is there or has no room.
    """
    file = GgufFile(voice, kind="adapter")
    kind = str(file.get("general.architecture"))
    if kind not in LAYOUTS:
        raise WeightsError(
            f"{voice}: is an adapter for {kind!r}; known here are {', '.join(LAYOUTS)}"
        )
    weights = _weights(file, kind, base)
    _belongs(file, base)
    ranks = {name: a.shape[0] for name, (a, _) in weights.items()}
    rank, alpha = max(ranks.values()), file.number("adapter.lora.alpha")
    odd = {name: own for name, own in ranks.items() if own != rank}
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": str(base),
        "r": rank,
        "lora_alpha": alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        # Whole names: only the matrices that the file has, from whatever layer on.
        "target_modules": sorted(weights),
        "rank_pattern": odd,
        # llama.cpp divides one alpha by each matrix's own rank, as PEFT does.
        "alpha_pattern": {},
    }
    named = {
        f"base_model.model.{name}.lora_{half}.weight": values
        for name, pair in weights.items()
        for half, values in zip("AB", pair, strict=True)
    }
    card = {
        "name": str(file.get("general.name") or voice.stem),
        "made_by": "mrp base",
        "from": {"format": "gguf", "name": voice.name, "bytes": voice.stat().st_size},
        "parameters": sum(values.numel() for values in named.values()),
        "shards": [adapters.FILE],
        "notes": [],
        "gguf": _own(voice),
    }
    with shards.aside(out) as part:
        save_file(named, part / adapters.FILE, metadata={"format": "pt"})
        for name, value in (("adapter_config.json", config), ("card.json", card)):
            text = json.dumps(value, ensure_ascii=False, indent=1) + "\n"
            (part / name).write_text(text, encoding="utf-8")
    return card


def _own(voice: Path) -> dict[str, str]:
    """How the voice wants to be asked, which goes into the next file made of it."""
    own = own_metadata(read_adapter(voice))
    return {key: value for key, value in own.items() if key != FINGERPRINT}


def _weights(file: GgufFile, kind: str, base: Path) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Module -> A (rank, columns) and B (rows, rank), float32. Raises WeightsError."""
    told = shards.read_json(base / "config.json")
    matrices = shards.Weights(base)
    halves: dict[str, dict[str, torch.Tensor]] = {}
    for name in file.tensors:
        match = _HALF.fullmatch(name)
        if match is None or match[2] not in _THEIRS:
            raise WeightsError(f"{file.file}: {name} is no half of a matrix that is known here")
        key, ours = _THEIRS[match[2]]
        values = file.read(name, torch.float32)
        if match[3] == "b" and key in "qk" and LAYOUTS[kind].permuted:
            heads = int(told["num_attention_heads"])
            head = int(told.get("head_dim") or int(told["hidden_size"]) // heads)
            values = unpermuted(values, head)
        halves.setdefault(f"model.layers.{match[1]}.{ours}", {})[match[3]] = values
    made = {}
    for module, pair in halves.items():
        if pair.keys() != {"a", "b"}:
            raise WeightsError(f"{file.file}: {module} has only one half; make it again")
        a, b = pair["a"], pair["b"]
        entry = matrices.entries.get(f"{module}.weight")
        if a.shape[0] != b.shape[1] or entry is None or entry.shape != (b.shape[0], a.shape[1]):
            found = "none" if entry is None else f"{list(entry.shape)}"
            raise WeightsError(
                f"{file.file}: is for another base than {base}: {module} is "
                f"{[b.shape[0], a.shape[1]]} there and {found} here"
            )
        made[module] = (a, b)
    return made


def _belongs(file: GgufFile, base: Path) -> None:
    """Raises WeightsError: the file names the fingerprint of a base, and this is another one."""
    told = file.get(FINGERPRINT)
    if not told:
        return
    weights = shards.Weights(base)
    norms = [
        (name, weights[ours].float().numpy().astype("<f4").tobytes())
        for ours in weights.entries
        if (name := _norm(ours))
    ]
    if fingerprint(norms) != told:
        raise WeightsError(
            f"{file.file}: was made for {file.get(BASE_NAME)}, and {base} is another model of its "
            "shape; name the base it was trained on (--of)"
        )


def _norm(name: str) -> str:
    """What llama.cpp calls a norm weight; "" for other tensors."""
    if name == "model.norm.weight":
        return "output_norm.weight"
    match = _NORM.fullmatch(name)
    kind = _NORMS.get(match[2]) if match else None
    return f"blk.{match[1]}.{kind}.weight" if match and kind else ""
