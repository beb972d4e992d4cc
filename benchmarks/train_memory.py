"""How much memory one training step takes, beside what `mrp train --plan` says.

    python -m benchmarks.train_memory                          shapes that a CPU can hold
    python -m benchmarks.train_memory --recipe trainer/recipes/internlm2-chat-7b.toml --gib 8

The second wants a CUDA GPU: random weights of the recipe's true shape, the process held to so
many GiB. On a CPU the peak is read from PyTorch's own allocator, tensor by tensor (the profiler's
memory events); on a GPU it is `torch.cuda.max_memory_allocated`. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import multiprocessing
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch.profiler import ProfilerActivity, profile
from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig

from trainer import base, plan
from trainer.recipe import Tuning, load

RECIPES = Path(__file__).resolve().parents[1] / "trainer" / "recipes"
GIB = 2**30


def blank(recipe: Tuning, folder: Path) -> None:
    """Random 16-bit weights of the recipe's shape, written as a base folder."""
    shape = recipe.base
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.width,
        intermediate_size=shape.feed_forward,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.groups,
        head_dim=shape.head_width,
        tie_word_embeddings=shape.tied,
        max_position_embeddings=32_768,
        dtype="bfloat16",
    )
    torch.manual_seed(1)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        torch.set_default_dtype(torch.bfloat16)
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**config.to_dict()))
        torch.set_default_dtype(torch.float32)
    model.save_pretrained(folder)


def optimizer(recipe: Tuning, parameters: list[torch.nn.Parameter]) -> torch.optim.Optimizer:
    if recipe.train.optimizer == "adamw":
        return torch.optim.AdamW(parameters, lr=1e-4)
    import bitsandbytes

    kind = "PagedAdamW8bit" if recipe.train.optimizer.startswith("paged") else "AdamW8bit"
    return getattr(bitsandbytes.optim, kind)(parameters, lr=1e-4)


def step(model: torch.nn.Module, stepper: torch.optim.Optimizer, row: int, words: int) -> None:
    """An optimizer step of two packs: gradients are there while the second is read."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    for _ in range(2):
        ids = torch.randint(0, words, (1, row), device=device)
        places = torch.arange(row, device=device)[None]
        with torch.autocast(device, torch.bfloat16):
            loss = model(input_ids=ids, labels=ids, position_ids=places)
        loss.loss.backward()
    stepper.step()
    stepper.zero_grad()


def on_cpu(recipe: Tuning, folder: Path) -> dict[str, float]:
    """Peak bytes of a step (the second, when the optimizer has its states), in bfloat16 as a plan
    reckons, whatever this CPU would train in."""
    with (
        patch.object(base, "precision", lambda recipe: torch.bfloat16),
        profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen,
    ):
        model = base.load(dataclasses.replace(recipe, base=_in(recipe, folder)))
        for parameter in model.parameters():  # from the file's pages into counted memory
            parameter.data = parameter.data.clone()
        model.train()
        trained = [p for p in model.parameters() if p.requires_grad]
        stepper = optimizer(recipe, trained)
        for _ in range(2):
            with torch.profiler.record_function("a step"):
                step(model, stepper, recipe.train.row, recipe.base.vocabulary)
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        seen.export_chrome_trace(file.name)
        events = json.loads(Path(file.name).read_text())["traceEvents"]
    begins = max(e["ts"] for e in events if e.get("name") == "a step")
    memory = [e for e in events if e.get("name") == "[memory]"]
    kept = [e["args"]["Total Allocated"] for e in memory if e["ts"] < begins]
    peak = max(e["args"]["Total Allocated"] for e in memory if e["ts"] >= begins)
    return {"before": kept[-1], "peak": peak}


def on_gpu(recipe: Tuning, folder: Path, gib: float) -> dict[str, float]:
    if gib:
        whole = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, gib * GIB / whole))
    model = base.load(dataclasses.replace(recipe, base=_in(recipe, folder)))
    model.train()
    stepper = optimizer(recipe, [p for p in model.parameters() if p.requires_grad])
    for _ in range(2):
        step(model, stepper, recipe.train.row, recipe.base.vocabulary)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    torch.cuda.synchronize()
    begun, count = time.monotonic(), 8
    for _ in range(count):
        step(model, stepper, recipe.train.row, recipe.base.vocabulary)
    torch.cuda.synchronize()
    speed = 2 * count * recipe.train.row / (time.monotonic() - begun)
    return {
        "peak": torch.cuda.max_memory_allocated(),
        "reserved": torch.cuda.max_memory_reserved(),
        "tokens_per_second": speed,
    }


def measure(recipe: Tuning, gib: float) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        blank(recipe, Path(folder))
        if torch.cuda.is_available():
            return on_gpu(recipe, Path(folder), gib)
        return on_cpu(recipe, Path(folder))


def _in(recipe: Tuning, folder: Path):
    return dataclasses.replace(recipe.base, folder=str(folder))


def small(recipe: Tuning, **changes: Any) -> Tuning:
    """The recipe on a base that a CPU can hold."""
    shape: dict[str, Any] = {"layers": 4, "width": 512, "heads": 8, "groups": 2, "head_width": 64}
    shape |= {"feed_forward": 1792, "vocabulary": 8192}
    shape |= {key: changes.pop(key) for key in list(changes) if key in shape}
    made = dataclasses.replace(recipe.base, **shape, tied=False)
    train = dataclasses.replace(recipe.train, optimizer="adamw", embeddings_on_cpu=False)
    method = {k: v for k, v in changes.items() if k in ("rank", "dropout", "kind")}
    rest = {k: v for k, v in changes.items() if k not in method}
    return dataclasses.replace(
        recipe,
        base=made,
        train=dataclasses.replace(train, **rest),
        method=dataclasses.replace(recipe.method, **method),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", type=Path, default=RECIPES / "internlm2-chat-7b.toml")
    parser.add_argument("--gib", type=float, default=0.0, help="hold the process to so many GiB")
    args = parser.parse_args()
    recipe = load(args.recipe)
    assert isinstance(recipe, Tuning)
    rows = []
    if torch.cuda.is_available():
        cases = [recipe]
    else:
        cases = [
            small(recipe, row=1024),
            small(recipe, row=2048),
            small(recipe, row=1024, rank=16),
            small(recipe, row=1024, dropout=0.0),
            small(recipe, row=1024, loss_chunk=1024),
            small(recipe, row=512, checkpointing=False),
            small(recipe, row=512, kind="lora"),
            small(recipe, row=512, kind="full"),
            small(recipe, row=128, width=1024, head_width=128, feed_forward=7168, layers=2),
        ]
    for case in cases:
        # A process each: what one leaves behind is not the next one's.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context) as alone:
            measured = alone.submit(measure, case, args.gib).result()
        planned = plan.reckon(case, gpu=False)
        off = planned.peak / measured["peak"] - 1
        row = {"settings": plan.settings(case), "planned": planned.peak, "off": round(off, 3)}
        rows.append(row | {k: int(v) for k, v in measured.items()})
        print(f"measured {measured['peak'] / 2**20:8.1f} MiB", end="  ")
        if "before" in measured:
            print(f"(before the step {measured['before'] / 2**20:.1f})", end="  ")
        print(f"planned {planned.peak / 2**20:8.1f} MiB  {off:+.1%}  {row['settings']}", flush=True)
        print("   ", {k: round(v / 2**20, 1) for k, v in planned.parts.items()})
    print(json.dumps({"device": "cuda" if torch.cuda.is_available() else "cpu", "rows": rows}))


if __name__ == "__main__":
    main()
