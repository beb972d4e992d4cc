"""`mrp merge RUN -o OUT`: adapter and base become one model.

    mrp merge runs/internlm2-chat-7b -o models/xiyou-7b

The adapter is added to the base's own 16-bit weights, not to the 4-bit copy that it was trained
on: W + scale · B A as PEFT reckons it, in float32, rounded once. Tensor by tensor, so memory stays
at the largest matrix, whatever the model's size; each is checked to hold numbers only.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trainer import adapters, shards
from trainer.adapters import Adapter
from trainer.mean import mean
from trainer.shards import Planned, Weights, WeightsError

_PREFIX = "base_model.model."
# What goes along from the base; tokenizer and template come with the adapter where it has them.
_FROM_BASE = ("config.json", "generation_config.json")


def adapter_folder(run: Path) -> Path:
    """The adapter of a run folder, or the folder itself when it is one. Raises WeightsError."""
    for folder in (run, run / "adapter"):
        if (folder / "adapter_config.json").is_file():
            return folder
    if (run / "adapter" / "config.json").is_file():
        raise WeightsError(
            f"{run / 'adapter'}: is a whole model already; there is nothing to merge"
        )
    raise WeightsError(f"{run}: no adapter there; was `mrp train` followed to its end?")


def plan(base: Weights, adapter: Weights, told: Adapter) -> list[Planned]:
    """Every tensor of the merged model: the base's, with the adapter's share where it has one.

    Raises:
        WeightsError: the adapter is for another base, or is not what its configuration says.
    """
    pairs: dict[str, tuple[str, str]] = {}
    for name in adapter.entries:
        if name.endswith(".lora_A.weight"):
            matrix = name.removeprefix(_PREFIX).replace(".lora_A.weight", ".weight")
            pairs[matrix] = (name, name.replace(".lora_A.", ".lora_B."))
    used = {name for pair in pairs.values() for name in pair}
    if foreign := sorted(set(adapter.entries) - used):
        raise WeightsError(f"the adapter holds {foreign[0]}, which is no LoRA of ours")
    scales: dict[str, float] = {}
    for matrix, (a, b) in pairs.items():
        if matrix not in base:
            raise WeightsError(f"the adapter changes {matrix}, which this base lacks: another base")
        asked = (adapter.entry(b).shape[0], adapter.entry(a).shape[1])
        if base.entry(matrix).shape != asked:
            raise WeightsError(
                f"{matrix} has the shape {list(base.entry(matrix).shape)} in the base, but the "
                f"adapter is for {list(asked)}: it was trained on another base"
            )
        rank = adapter.entry(a).shape[0]
        scales[matrix] = told.scale(matrix.removesuffix(".weight"), rank)

    def made(name: str) -> Tensor:
        weight = base[name]
        if name in pairs:
            a, b = (adapter[half].float() for half in pairs[name])
            wide = weight.float().addmm_(b, a, alpha=scales[name])
            if not torch.isfinite(wide).all():
                raise WeightsError(f"{name}: base or adapter holds values that are no numbers")
            weight = wide.to(weight.dtype)
        if not torch.isfinite(weight).all():
            kind = str(weight.dtype).removeprefix("torch.")
            raise WeightsError(
                f"{name}: holds values that {kind} cannot (infinite or no numbers); was the "
                "adapter trained to its end, and is the base whole?"
            )
        return weight

    return [
        Planned(name, entry.dtype, entry.shape, lambda name=name: made(name))  # type: ignore[misc]
        for name, entry in base.entries.items()
    ]


def merge(
    run: Path, out: Path, *, base: Path | None = None, limit: int, shown: bool = False
) -> dict[str, Any]:
    """Write the merged model as a new folder. Returns its card.

    Raises:
        WeightsError: adapter or base are missing or broken, they do not go together, or `out` is
            there already or has no room.
    """
    folder = adapter_folder(run)
    told = adapters.read(folder)
    base = base or Path(told.base)
    weights = Weights(base)
    planned = plan(weights, Weights(folder, single=adapters.FILE), told)
    # PEFT saves no tokenizer; whoever trained without a new one speaks with the base's.
    words = folder if (folder / "tokenizer.json").is_file() else base
    _same_words(words, weights)
    with shards.aside(out) as part:
        names = shards.write(part, planned, limit, what="merging", shown=shown)
        for name in _FROM_BASE:
            if (base / name).is_file():
                shutil.copyfile(base / name, part / name)
        for file in sorted(words.iterdir()):
            if "token" in file.name or file.suffix == ".jinja":
                shutil.copyfile(file, part / file.name)
        for file in sorted(base.iterdir()):
            if file.name.casefold().startswith(("licen", "notice")):
                shutil.copyfile(file, part / file.name)
        card = _card(folder, base, planned, names)
        (part / "card.json").write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n")
    return card


def _same_words(folder: Path, base: Weights) -> None:
    """Raises WeightsError when the tokenizer says ids that the base has no row for."""
    vocabulary = shards.read_json(folder / "tokenizer.json")
    ids = [*vocabulary["model"]["vocab"].values()]
    ids += [token["id"] for token in vocabulary.get("added_tokens", [])]
    rows = base.entry("model.embed_tokens.weight").shape[0]
    if max(ids) >= rows:
        raise WeightsError(
            f"{folder}: its tokenizer has {max(ids) + 1} words, but the base has {rows}: "
            "the adapter is for another base"
        )


def _card(folder: Path, base: Path, planned: list[Planned], names: list[str]) -> dict[str, Any]:
    file = folder / "card.json"
    card = dict(shards.read_json(file)) if file.is_file() else {"name": folder.resolve().name}
    return card | {
        "made_by": "mrp train, mrp merge",
        "base": base.resolve().name,
        "parameters": sum(math.prod(one.shape) for one in planned),
        "shards": names,
    }


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="mrp merge", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="what `mrp train` wrote: runs/<name>, or an adapter")
    parser.add_argument("-o", "--out", type=Path, required=True, help="the folder to write")
    parser.add_argument("--base", type=Path, help="the base, if it has moved since")
    parser.add_argument(
        "--mean",
        type=Path,
        nargs="+",
        metavar="RUN",
        help="no merging: write the mean of this adapter and those, an adapter (trainer/mean.py)",
    )
    parser.add_argument("--max-shard-size", default="2GB", help="default: 2GB")
    parser.add_argument("--json", action="store_true", help="print the card as the last line")
    args = parser.parse_args(argv)
    if args.mean:
        card = mean([adapter_folder(run) for run in (args.run, *args.mean)], args.out)
        print(f"{args.out}: the mean of {len(card['mean_of'])} adapters")
        if args.json:
            print(json.dumps(card, ensure_ascii=False))
        return 0
    limit = shards.size(args.max_shard_size)
    card = merge(args.run, args.out, base=args.base, limit=limit, shown=sys.stderr.isatty())
    print(f"{args.out}: {card['parameters']:,} parameters in {len(card['shards'])} file(s)")
    if args.json:
        print(json.dumps(card, ensure_ascii=False))
    return 0
