"""`mrp train RECIPE`: a voice in a base model, or a small model from nothing.

    mrp train --plan --memory 8GiB trainer/recipes/internlm2-chat-7b.toml    will it fit, and how
    mrp train trainer/recipes/internlm2-chat-7b.toml          an adapter on a base model
    mrp train trainer/recipes/mini.toml --novel data/xiyouji.txt --books data/classics.jsonl.xz

Interrupted at any moment, the same command goes on from the last checkpoint. An adapter becomes a
model with `mrp merge`; a model from nothing is ready for `mrp convert`.

The first kind of recipe is followed by trainer/tune.py, the second here: tokenizer, novels,
lessons.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import hashlib
import json
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from characters.style import Serving
from trainer import books, curves, lessons, plan, provenance, rows, talk, vocabulary
from trainer.checkpoints import last_checkpoint
from trainer.guard import LossAndDiskGuard, writing
from trainer.lessons import LessonError
from trainer.optimizer import MuonAdamW
from trainer.recipe import Lessons, Pretrain, Recipe, RecipeError, Tuning, load


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="mrp train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipe", type=Path, help="a recipe, e.g. trainer/recipes/mini.toml")
    parser.add_argument("-o", "--out", type=Path, help="run folder (default: runs/<name>)")
    parser.add_argument("--base", help="instead of the recipe's base.folder")
    parser.add_argument("--novel", help="instead of the recipe's data.novel")
    parser.add_argument("--books", help="instead of the recipe's data.books")
    parser.add_argument("--lessons", help="instead of the recipe's data.lessons")
    parser.add_argument("--cards", help="instead of the recipe's data.cards")
    parser.add_argument("--until", choices=("tokenizer", "pretrain", "lessons"), default="lessons")
    parser.add_argument("--plan", action="store_true", help="reckon time and memory, load nothing")
    parser.add_argument("--memory", default="8GiB", help="what --plan may use (default: 8GiB)")
    parser.add_argument("--json", action="store_true", help="print the card as the last line")
    args = parser.parse_args(argv)
    recipe = load(args.recipe)
    changed = {
        key: value
        for key in ("novel", "books", "lessons", "cards")
        if (value := getattr(args, key)) is not None
    }
    known = {field.name for field in dataclasses.fields(recipe.data)}
    if foreign := sorted(changed.keys() - known):
        raise RecipeError(f"{args.recipe}: --{foreign[0]} means nothing to this kind of recipe")
    data: Any = dataclasses.replace(recipe.data, **changed)
    recipe = dataclasses.replace(recipe, data=data)
    out = args.out or Path("runs") / recipe.name
    if isinstance(recipe, Tuning):
        if args.base:
            base = dataclasses.replace(recipe.base, folder=args.base)
            recipe = dataclasses.replace(recipe, base=base)
        if args.plan:
            return plan.show(recipe, args.memory, as_json=args.json)
        card = _tuned(recipe, out)
    elif args.plan or args.base:
        raise RecipeError(f"{args.recipe}: --plan and --base are for recipes with a [base]")
    else:
        card = train(recipe, out, until=args.until)
    if args.json:
        print(json.dumps(card, ensure_ascii=False))
    return 0


def _tuned(recipe: Tuning, out: Path) -> dict[str, Any]:
    # Imported here: peft, trl and bitsandbytes take seconds to load, and nothing else needs them.
    from trainer import preferences, tune

    card: dict[str, Any] = (preferences if recipe.preference else tune).run(recipe, out)
    return card


def train(recipe: Recipe, run: Path, *, until: str = "lessons") -> dict[str, Any]:
    """Follow a recipe in the folder `run`, going on where an earlier call was interrupted.

    Writes `run/tokenizer`, `run/pretrain`, `run/lessons`, `run/losses.png` and `run/model`.
    Returns the model's card (also `run/model/card.json`); {} when stopped early by `until`.

    Raises:
        BookError, LessonError: the data is not there or broken.
        TrainError: a loss that is no number, or a disk that is full.
    """
    with writing(run):
        run.mkdir(parents=True, exist_ok=True)
        return _followed(recipe, run, until)


def _followed(recipe: Recipe, run: Path, until: str) -> dict[str, Any]:
    learn, measure = books.split(Path(recipe.data.novel), recipe.data.held_out)
    others = books.titled(Path(recipe.data.books), recipe.data.titles)
    tokenizer = _tokenizer(recipe, run / "tokenizer", learn, others)
    if until == "tokenizer":
        return {}
    # Before anything is trained: what is wrong with the lessons is not to be found out in hours.
    taught = _lesson_batches(recipe, tokenizer) if until == "lessons" else None
    model = _blank(recipe, tokenizer)
    _stage(
        model,
        recipe,
        run / "pretrain",
        *_novel_batches(recipe, tokenizer, learn, others, measure),
        plan=recipe.pretrain,
        schedule="constant_with_warmup",
    )
    if taught is None:
        return {}
    _stage(
        model,
        recipe,
        run / "lessons",
        *taught,
        plan=recipe.lessons,
        schedule="linear",
    )
    curves.plot(
        {stage: _history(run / stage) for stage in ("pretrain", "lessons")}, run / "losses.png"
    )
    return _save(model, tokenizer, recipe, run)


def _tokenizer(
    recipe: Recipe, folder: Path, learn: Sequence[str], others: dict[str, list[str]]
) -> Any:
    if not (folder / "tokenizer.json").exists():
        texts = [*learn, *talk.wording()]
        # Enough of the other novels to know their characters, not so much that they outvote ours.
        texts += [section for sections in others.values() for section in sections[::4]]
        made = vocabulary.train_tokenizer(
            texts, recipe.model.vocabulary, recipe.prompt.style.markup
        )
        made.model_max_length = recipe.model.context
        aside = folder.with_suffix(".part")
        made.save_pretrained(aside)
        aside.rename(folder)
    return vocabulary.load_tokenizer(folder)


def _blank(recipe: Recipe, tokenizer: Any) -> LlamaForCausalLM:
    torch.manual_seed(recipe.seed)
    model = recipe.model
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=model.vocabulary,
            hidden_size=model.width,
            intermediate_size=model.feed_forward,
            num_hidden_layers=model.layers,
            num_attention_heads=model.heads,
            num_key_value_heads=model.heads,
            max_position_embeddings=model.context,
            rms_norm_eps=1e-5,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            use_cache=False,
        )
    )


def _novel_batches(
    recipe: Recipe,
    tokenizer: Any,
    learn: Sequence[str],
    others: dict[str, list[str]],
    measure: Sequence[str],
) -> tuple[list[rows.Batch], list[rows.Batch]]:
    """The novel twice, then the other books in their order up to the recipe's tokens."""
    plan, end = recipe.pretrain, tokenizer.convert_tokens_to_ids(vocabulary.END_OF_TEXT)

    def tokens(texts: Sequence[str]) -> list[int]:
        encoded = tokenizer(
            list(texts), add_special_tokens=False, split_special_tokens=True, verbose=False
        )["input_ids"]
        return [token for ids in encoded for token in (*ids, end)]

    made = 2 * rows.novel_rows(tokens(learn), plan.row)
    for sections in others.values():
        missing = plan.tokens // plan.row - len(made)
        if missing <= 0:
            break
        made += rows.novel_rows(tokens(sections), plan.row)[:missing]
    rng = random.Random(recipe.seed)
    held = rows.novel_rows(tokens(measure), plan.row)[::3]
    pad = tokenizer.pad_token_id
    return rows.batches(made, plan.batch, pad, rng), rows.batches(held, plan.batch, pad, rng)


def _lesson_batches(recipe: Recipe, tokenizer: Any) -> tuple[list[rows.Batch], list[rows.Batch]]:
    """Lessons to learn from and to measure on; those that are too long are left out and named.

    Raises:
        LessonError: no lessons, a broken one, or none that fits.
    """
    plan = recipe.lessons
    encoder = vocabulary.TokenizerEncoder(tokenizer)
    rng = random.Random(recipe.seed)
    stages = []
    for split in lessons.SPLITS:
        found = lessons.load(Path(recipe.data.lessons), split)
        made, over = rows.those_that_fit(found, recipe.prompt.style, encoder, plan.row)
        if not made:
            raise LessonError(
                f"{recipe.data.lessons}: of {len(found)} lessons in {split}.jsonl none fits "
                f"{plan.row} tokens (lessons.row)"
            )
        if over:
            told = f"{len(made)} lessons in {split}.jsonl{rows.left_out(over, plan.row)}"
            print(told, file=sys.stderr)
        stages.append(rows.batches(made, plan.batch, tokenizer.pad_token_id, rng))
    return stages[0], stages[1]


class StageTrainer(LossAndDiskGuard, Trainer):  # type: ignore[misc]
    """transformers' Trainer on ready-made batches."""


def _optimizer(model: LlamaForCausalLM, recipe: Recipe, rate: float) -> MuonAdamW:
    """Muon for the matrices inside the blocks, AdamW for the rest."""
    matrices: list[torch.nn.Parameter] = []
    others: list[torch.nn.Parameter] = []
    for name, parameter in model.named_parameters():
        inside = parameter.ndim == 2 and "embed" not in name
        (matrices if inside else others).append(parameter)
    return MuonAdamW(
        matrices,
        others,
        muon_lr=rate * recipe.optimizer.muon_lr,
        adam_lr=rate * recipe.optimizer.adam_lr,
        weight_decay=recipe.optimizer.weight_decay,
    )


def _stage(
    model: LlamaForCausalLM,
    recipe: Recipe,
    folder: Path,
    learn: list[rows.Batch],
    measure: list[rows.Batch],
    *,
    plan: Pretrain | Lessons,
    schedule: str,
) -> None:
    """One pass over `learn`. A finished stage is only loaded."""
    done = folder / "done.json"
    if done.exists():
        model.load_state_dict(_weights(folder))
        return
    trainer = StageTrainer(
        model=model,
        args=_arguments(recipe, folder, plan, schedule, len(learn)),
        train_dataset=rows.Batches(learn),
        eval_dataset=rows.Batches(measure),
        data_collator=rows.unwrap,
        optimizers=(_optimizer(model, recipe, plan.rate), None),
    )
    trainer.remove_callback(PrinterCallback)
    start = last_checkpoint(folder)
    began = time.monotonic()
    trainer.train(resume_from_checkpoint=str(start) if start else None)
    trainer.save_model(str(folder / "final"))
    tokens = sum(batch["input_ids"].numel() for batch in learn)
    report = {
        "history": trainer.state.log_history,
        "evaluation": trainer.evaluate(),
        "tokens": tokens,
        "learned": sum(int((batch["labels"] != rows.IGNORED).sum()) for batch in learn),
        "steps": trainer.state.global_step,
        "seconds": round(time.monotonic() - began, 1),
        "resumed": start is not None,
    }
    aside = done.with_suffix(".part")
    aside.write_text(json.dumps(report, ensure_ascii=False))
    aside.rename(done)


def _arguments(
    recipe: Recipe, folder: Path, plan: Pretrain | Lessons, schedule: str, steps: int
) -> TrainingArguments:
    cuda = torch.cuda.is_available()
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=1,
        per_device_train_batch_size=1,
        per_device_eval_batch_size=1,
        lr_scheduler_type=schedule,
        warmup_steps=min(plan.warmup, steps // 10 + 1),
        max_grad_norm=recipe.optimizer.clip,
        # Without the instructions for it, bfloat16 is several times slower than float32.
        bf16=cuda or torch.cpu._is_avx512_bf16_supported(),
        use_cpu=not cuda,
        train_sampling_strategy="sequential",  # the batches are shuffled already
        logging_steps=5,
        logging_nan_inf_filter=False,
        eval_strategy="steps",
        eval_steps=max(1, steps // 12),
        save_steps=40,
        save_total_limit=2,
        seed=recipe.seed,
        report_to="none",
        remove_unused_columns=False,
        prediction_loss_only=True,
        dataloader_pin_memory=cuda,
    )


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    weights: dict[str, torch.Tensor]
    weights = LlamaForCausalLM.from_pretrained(folder / "final").state_dict()
    return weights


def _history(folder: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((folder / "done.json").read_text())
    return report


def _save(model: LlamaForCausalLM, tokenizer: Any, recipe: Recipe, run: Path) -> dict[str, Any]:
    folder = run / "model"
    model.config.use_cache = True
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    stages = {stage: _history(run / stage) for stage in ("pretrain", "lessons")}
    losses = {
        stage: {
            "train": next(
                (row["loss"] for row in reversed(report["history"]) if "loss" in row), None
            ),
            "held_out": report["evaluation"]["eval_loss"],
            **{key: report[key] for key in ("tokens", "learned", "steps", "seconds")},
        }
        for stage, report in stages.items()
    }
    commit = provenance.commit()
    card = {
        "name": recipe.name,
        "license": "Apache-2.0",
        "made_by": "mrp train",
        "date": datetime.date.today().isoformat(),
        "commit": commit,
        "hardware": provenance.hardware(),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "recipe": dataclasses.asdict(recipe) | {"data": _data(recipe)},
        "losses": losses,
        "gguf": {
            "mrp.style": Serving(
                recipe.prompt.style,
                context=recipe.lessons.row,
                **dataclasses.asdict(recipe.sampling),
            ).to_json(),
            "mrp.samples": vocabulary.samples(
                vocabulary.TokenizerEncoder(tokenizer), recipe.prompt.style.markup
            ),
            "mrp.recipe": recipe.name,
            "mrp.commit": commit,
            "mrp.losses": json.dumps(losses),
        },
    }
    (folder / "card.json").write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n")
    return card


def _data(recipe: Recipe) -> dict[str, Any]:
    """What was read: names and checksums, for paths are nobody else's business."""
    data = dataclasses.asdict(recipe.data)
    for key in ("novel", "books"):
        with open(data[key], "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        data[key] = {"name": Path(data[key]).name, "sha256": digest}
    return {key: value for key, value in data.items() if key not in ("canon", "lessons")}
