"""`mrp train` with a [base]: lessons become an adapter (or new weights) of a base model.

The loop is transformers' Trainer, the adapter peft's, the 4-bit base bitsandbytes'. Ours are the
packs, the loss in chunks, and what is watched.

    runs/<name>/recipe.json        what was asked; another recipe does not go on here
    runs/<name>/checkpoint-N/      where an interrupted run goes on
    runs/<name>/samples.jsonl      what every character said on the way
    runs/<name>/tensorboard/       curves, live
    runs/<name>/losses.png         curves, at the end
    runs/<name>/adapter/           the result, with card.json; `mrp merge` makes a model of it
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import hashlib
import json
import math
import os
import random
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import Trainer, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from characters.card import CAST_FOLDER, Cast, load_cast
from characters.prompt import Encoder
from characters.style import Serving
from trainer import base, curves, lessons, packs, provenance, rows, shards, watch
from trainer.budget import Budget, ByTheClock
from trainer.checkpoints import last_checkpoint
from trainer.guard import LossAndDiskGuard, TrainError, kept, writing
from trainer.lessons import LessonError
from trainer.recipe import Tuning
from trainer.scene_lessons import SOURCE
from trainer.vocabulary import TokenizerEncoder, samples

# Share of lessons without a talk before them from which on a run says so. Ours have a third of such
# seasoning, by number; in tokens less.
MOST_ALONE = 0.5


def run(recipe: Tuning, folder: Path) -> dict[str, Any]:
    """Follow a recipe in `folder`, going on where an earlier call was interrupted.

    Returns the card of the adapter (also `folder/adapter/card.json`).

    Raises:
        BaseError, WeightsError, LessonError: something is wrong before the training begins.
        TrainError: out of memory, out of disk, or a loss that is no number. The last good
            checkpoint is intact, and the same command goes on from it.
    """
    done = folder / "adapter" / "card.json"
    same(recipe, folder)
    if done.is_file():
        card: dict[str, Any] = json.loads(done.read_text(encoding="utf-8"))
        return card
    tokenizer = base.check(recipe)
    encoder = TokenizerEncoder(tokenizer)
    learn, report = learned_packs(recipe, encoder)
    with writing(folder):
        note(recipe, folder)
    trainer = make_trainer(recipe, folder, tokenizer, encoder, learn)
    begun = time.monotonic()
    start = follow(trainer, folder)
    watch.take_best(trainer.model, folder / "best.safetensors", trainer.state.log_history)
    report |= {
        "history": trainer.state.log_history,
        "steps": trainer.state.global_step,
        "seconds": round(time.monotonic() - begun, 1),
        "resumed": start is not None,
    }
    if trainer.is_world_process_zero():
        curves.plot({"lessons": report}, folder / "losses.png")
    return save(trainer, tokenizer, recipe, folder, {"lessons": report})


def same(recipe: Tuning, folder: Path) -> None:
    """Raises TrainError when the run folder was begun with another recipe."""
    file = folder / "recipe.json"
    if not file.is_file():
        return
    told, there = json.loads(json.dumps(dataclasses.asdict(recipe))), shards.read_json(file)
    lessons_then = there.get("checksums")  # not noted by runs of before
    if lessons_then is not None and lessons_then != checksums(recipe):
        raise TrainError(
            f"{folder}: was begun with other lessons ({recipe.data.lessons} has changed since); "
            "name a new folder with -o, or remove it"
        )
    if other := sorted(key for key in told if key != "watch" and told[key] != there.get(key)):
        raise TrainError(
            f"{folder}: was begun with another recipe ({', '.join(other)} differ); "
            "name a new folder with -o, or remove it"
        )


def checksums(recipe: Tuning) -> dict[str, str]:
    """SHA-256 of the lessons' files, by name; of those that are there."""
    found = {}
    for split in lessons.SPLITS:
        file = Path(recipe.data.lessons) / f"{split}.jsonl"
        if file.is_file():
            with file.open("rb") as rows_:
                found[file.name] = hashlib.file_digest(rows_, "sha256").hexdigest()
    return found


def note(recipe: Tuning, folder: Path) -> None:
    """Note the recipe in a run folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    if int(os.environ.get("RANK", "0")) == 0:
        aside = folder / "recipe.part"
        told = dataclasses.asdict(recipe) | {"checksums": checksums(recipe)}
        aside.write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")
        aside.rename(folder / "recipe.json")


def cast_of(recipe: Tuning) -> Cast:
    return load_cast(Path(recipe.data.cards) if recipe.data.cards else CAST_FOLDER)


def learned_packs(recipe: Tuning, encoder: Encoder) -> tuple[list[rows.Batch], dict[str, Any]]:
    """Every training lesson in packs, and what was counted on the way.

    Raises:
        LessonError: no lessons, a broken one (file and line are named), or none that fits a row.
    """
    folder, train = Path(recipe.data.lessons), recipe.train
    found = lessons.load(folder, "train", cast_of(recipe))
    made, over = rows.those_that_fit(found, recipe.prompt.style, encoder, train.row)
    if not made:
        raise LessonError(
            f"{folder}: {len(found)} lessons, none of which fits {train.row} tokens (train.row); "
            'prompt.cards = "brief" makes them shorter'
        )
    packed = packs.pack(made, train.row, random.Random(recipe.seed))
    tokens = sum(len(ids) for ids, _ in made)
    alone = lessons.without_context(found)
    if alone > MOST_ALONE:
        print(
            f"warning: {alone:.0%} of the lessons have no talk before what is learned: a voice "
            "learns from them that what was said before does not matter (docs/trainer.md)",
            file=sys.stderr,
        )
    report = {
        "lessons": len(made),
        "too_long": len(over),
        "packs": len(packed),
        "without_context": round(alone, 4),
        "waste": round(packs.waste(packed, train.row), 4),
        "tokens": tokens * train.epochs,
        "learned": sum(sum(n != rows.IGNORED for n in labels) for _, labels in made) * train.epochs,
    }
    left_out = rows.left_out(over, train.row)
    print(
        f"{len(made)} lessons, {tokens:,} tokens in {len(packed)} packs{left_out}", file=sys.stderr
    )
    return [packs.batch(one, isolated=train.isolated) for one in packed], report


def held_out_packs(recipe: Tuning, encoder: Encoder) -> dict[str, list[rows.Batch]]:
    """Held-out lessons by the character of their reply."""
    by_speaker: dict[str, list[rows.Row]] = {}
    for one in lessons.load(Path(recipe.data.lessons), "held_out", cast_of(recipe)):
        with contextlib.suppress(LessonError):  # longer than a row: nothing to measure
            # In a written scene each line answers the one before; elsewhere only the reply does.
            alone = one if one.source == SOURCE else dataclasses.replace(one, learn="reply")
            row = rows.fitting(alone, recipe.prompt.style, encoder, recipe.train.row)
            by_speaker.setdefault(one.speaker.id, []).append(row)
    return {
        who: [
            packs.batch(one, isolated=True)
            for one in packs.pack(made, recipe.train.row, random.Random(recipe.seed))
        ]
        for who, made in sorted(by_speaker.items())
    }


class VoiceTrainer(ByTheClock, LossAndDiskGuard, Trainer):  # type: ignore[misc]
    """transformers' Trainer on packs."""


def arguments(recipe: Tuning, folder: Path, steps: int) -> dict[str, Any]:
    """What transformers' TrainingArguments are told; TRL's take the same."""
    train, cuda = recipe.train, torch.cuda.is_available()
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if train.accumulate % world:
        raise TrainError(
            f"train.accumulate = {train.accumulate} does not divide by {world} processes"
        )
    # transformers takes it from nowhere else; a second run of the process has another folder.
    os.environ["TENSORBOARD_LOGGING_DIR"] = str(folder / "tensorboard")
    schedules = {"constant": "constant_with_warmup"}
    return {
        "output_dir": str(folder),
        "num_train_epochs": train.epochs,
        "per_device_train_batch_size": 1,
        "gradient_accumulation_steps": train.accumulate // world,
        "learning_rate": train.lr,
        "lr_scheduler_type": schedules.get(train.schedule, train.schedule),
        "warmup_steps": math.ceil(train.warmup * steps),
        "adam_beta1": train.betas[0],
        "adam_beta2": train.betas[1],
        "weight_decay": train.weight_decay,
        "max_grad_norm": train.clip,
        "optim": {"adamw": "adamw_torch"}.get(train.optimizer, train.optimizer),
        "bf16": base.precision(recipe) == torch.bfloat16,
        "fp16": base.precision(recipe) == torch.float16,
        "use_cpu": not cuda,
        "logging_steps": 1 if steps < 500 else 10,
        "logging_nan_inf_filter": False,
        "save_strategy": "no",  # the clock saves
        "save_total_limit": recipe.watch.keep,
        "eval_strategy": "no",  # the ear measures
        "seed": recipe.seed,
        "report_to": ["tensorboard"],
        "disable_tqdm": True,
        "remove_unused_columns": False,
        "dataloader_pin_memory": cuda,
        "ddp_backend": "gloo" if world > 1 and not cuda else None,
        "ddp_find_unused_parameters": False,
    }


def make_trainer(
    recipe: Tuning, folder: Path, tokenizer: Any, encoder: Encoder, learn: list[rows.Batch]
) -> VoiceTrainer:
    """The trainer with its model and everything that watches it."""
    train = recipe.train
    steps = math.ceil(len(learn) / train.accumulate) * train.epochs
    held_out = held_out_packs(recipe, encoder)
    model = base.load(recipe, Path(recipe.method.adapter) if recipe.method.adapter else None)
    _room(folder, model, recipe)
    ear = watch.Ear(
        held_out=held_out,
        asked=watch.questions(_heard(held_out, recipe), recipe.prompt.style, encoder),
        tokenizer=tokenizer,
        samples=folder / "samples.jsonl",
        evaluate_every=recipe.watch.evaluate_every,
        sample_every=recipe.watch.sample_every,
        sample_tokens=recipe.watch.sample_tokens,
        end=tokenizer.convert_tokens_to_ids(recipe.prompt.style.markup.close),
        patience=recipe.watch.patience,
        best=folder / "best.safetensors",
    )
    tokens = sum(batch["input_ids"].numel() for batch in learn) * train.epochs / steps
    bar = watch.Bar(tokens, sys.stderr.isatty())
    budget = budget_of(recipe, folder, steps)
    trainer = VoiceTrainer(
        model=model,
        args=TrainingArguments(**arguments(recipe, folder, steps)),
        train_dataset=rows.Batches(learn),
        data_collator=rows.unwrap,
        # The budget first: what it ends is still measured and listened to.
        callbacks=[*([budget] if budget else []), ear, watch.Clock(recipe.watch.save_minutes), bar],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.budget = budget
    ear.note = trainer.log
    if trainer.is_fsdp_enabled:
        ear.asked = {}  # a sharded model cannot write by itself
        # What the outermost module gives back is the loss: in 16 bits 7.12 would be noted as 7.14.
        plugin = trainer.accelerator.state.fsdp_plugin
        if plugin.mixed_precision_policy is not None:
            plugin.mixed_precision_policy = dataclasses.replace(
                plugin.mixed_precision_policy, output_dtype=torch.float32
            )
    return trainer


def budget_of(recipe: Tuning, folder: Path, steps: int) -> Budget | None:
    """The clock of a run of so many steps; None for a recipe without a deadline."""
    train = recipe.train
    if not train.minutes:
        return None
    return Budget(train.minutes * 60, steps, train.warmup, folder / "spent.json")


def _heard(held_out: dict[str, list[rows.Batch]], recipe: Tuning) -> list[Any]:
    """Who is listened to: those with held-out lessons, else the whole cast."""
    cast = cast_of(recipe)
    return [character for character in cast if not held_out or character.id in held_out]


def _room(folder: Path, model: Any, recipe: Tuning) -> None:
    """Raises WeightsError when the checkpoints cannot all be kept on this disk."""
    trained = sum(p.numel() * p.element_size() for p in model.parameters() if p.requires_grad)
    states = 2 if recipe.train.optimizer == "adamw" else 0.5
    shards.room(folder, int(trained * (1 + states) * (recipe.watch.keep + 1)))


def follow(trainer: Trainer, folder: Path) -> Path | None:
    """Train to the end, from the last checkpoint where there is one. Returns that checkpoint.

    Raises:
        TrainError: out of memory, with the knobs that help.
    """
    start = last_checkpoint(folder)
    try:
        trainer.train(resume_from_checkpoint=str(start) if start else None)
    except torch.OutOfMemoryError as problem:
        raise TrainError(
            "the GPU is out of memory: lower train.row or train.loss_chunk, set "
            "train.embeddings_on_cpu = true, or see `mrp train --plan`; " + kept(folder)
        ) from problem
    finally:
        for callback in trainer.callback_handler.callbacks:
            if isinstance(callback, watch.Bar):
                callback.stop()
    return start


def save(
    trainer: Trainer, tokenizer: Any, recipe: Tuning, folder: Path, stages: dict[str, Any]
) -> dict[str, Any]:
    """Write `folder/adapter` with tokenizer and card; it appears when it is whole. Raises
    TrainError when it cannot be written."""
    aside = folder / "adapter.part"
    card = _card(trainer, tokenizer, recipe, stages)
    with writing(aside):
        trainer.save_model(str(aside))
        if trainer.is_world_process_zero():
            tokenizer.save_pretrained(aside)
            shutil.rmtree(aside / "ref", ignore_errors=True)  # DPO's copy of where it began
            (aside / "training_args.bin").unlink(missing_ok=True)  # a pickle of no use to anybody
            text = json.dumps(card, ensure_ascii=False, indent=1) + "\n"
            (aside / "card.json").write_text(text, encoding="utf-8")
            aside.rename(folder / "adapter")
    return card


def _card(
    trainer: Trainer, tokenizer: Any, recipe: Tuning, stages: dict[str, Any]
) -> dict[str, Any]:
    told = dataclasses.asdict(recipe)
    # Names, for paths are nobody else's business.
    told["base"]["folder"] = Path(recipe.base.folder).name
    told["data"] = {key: Path(value).name for key, value in told["data"].items()}
    for table, key in (("lessons", "scenes"), ("lessons", "canon"), ("method", "adapter")):
        if told.get(table):
            told[table][key] = Path(told[table][key]).name
    losses = {stage: _losses(report) for stage, report in stages.items()}
    commit = provenance.commit()
    there = Path(recipe.base.folder) / "card.json"
    whole = recipe.method.kind == "full" and there.is_file()
    licence = shards.read_json(there).get("license") if whole else None
    return {
        "name": recipe.name,
        # New weights are the base's, changed: its licence goes along. An adapter has none.
        **({"license": licence} if licence else {}),
        "made_by": "mrp train",
        "date": datetime.date.today().isoformat(),
        "commit": commit,
        "hardware": provenance.hardware(),
        "trained": sum(p.numel() for p in trainer.model.parameters() if p.requires_grad),
        "recipe": told,
        "losses": losses,
        "gguf": {
            "mrp.style": Serving(
                recipe.prompt.style,
                context=recipe.train.row,
                **dataclasses.asdict(recipe.sampling),
            ).to_json(),
            "mrp.samples": samples(TokenizerEncoder(tokenizer), recipe.prompt.style.markup),
            "mrp.recipe": recipe.name,
            "mrp.commit": commit,
            "mrp.losses": json.dumps(losses),
        },
    }


def _losses(report: dict[str, Any]) -> dict[str, Any]:
    """The last losses of a report and its counts, without the whole history."""
    history: Sequence[dict[str, Any]] = report["history"]
    last = next((row["loss"] for row in reversed(history) if "loss" in row), None)
    held_out: dict[str, Any] = next((row for row in reversed(history) if "eval_loss" in row), {})
    return {
        "train": last,
        "held_out": held_out.get("eval_loss"),
        "by_character": {
            key.removeprefix("eval_loss_"): value
            for key, value in held_out.items()
            if key.startswith("eval_loss_")
        },
        **{key: value for key, value in report.items() if key != "history"},
    }
