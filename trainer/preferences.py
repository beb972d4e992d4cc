"""`mrp train` with a [preference]: an adapter learns what was liked (DPO or KTO, by TRL).

Sources of rows, mixed. What people did: the file of `mrp feedback export` (dpo: prompt, chosen,
rejected; kto: prompt, completion, label). What the voice said itself where a person wrote the line:
`mrp pairs`, rows of the same form (trainer/own_replies.py). And pairs that need no judge, made from
the lessons: the line that belongs there is better than

    another talk         a line of the same character, said to something else
    another's voice      a line of another character
    an assistant         a polite answer of nobody in particular
    speaking for others  the line, and then a line of somebody else

Rows are encoded by us, not by TRL: its tokenizing would put a second BOS before the prompt.
"""

from __future__ import annotations

import json
import math
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from datasets import Dataset
from transformers.trainer_callback import PrinterCallback
from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer

from characters.prompt import Encoder, prompt
from trainer import base, curves, lessons, merge, tune, watch
from trainer.budget import ByTheClock
from trainer.guard import LossAndDiskGuard, writing
from trainer.lessons import Lesson
from trainer.recipe import Preference, Tuning
from trainer.vocabulary import TokenizerEncoder


class PreferenceError(ValueError):
    """Feedback that cannot be learned from; file and line are named."""

    for_user = True


@dataclass(frozen=True, slots=True)
class Pair:
    """Ids of a prompt and of a better and a worse reply, ends included. One side may be missing."""

    prompt: tuple[int, ...]
    chosen: tuple[int, ...] | None
    rejected: tuple[int, ...] | None
    kind: str


_ASSISTANT: dict[str, tuple[str, ...]] = {
    "zh": (
        "作为一个人工智能助手，我没有个人的经历和感受，但我很乐意为您提供帮助。",
        "您好！很高兴为您服务。请问还有什么可以帮您的吗？",
        "这是一个很好的问题。总的来说，我们可以从以下几个方面来看：首先……其次……最后……",
        "抱歉，我只是一个语言模型，无法回答这个问题。",
    ),
    "en": (
        "As an AI assistant I have no experiences of my own, but I am happy to help you.",
        "Hello! How can I assist you today?",
        "That is a great question. There are several aspects to consider: first, … second, …",
        "I am sorry, but as a language model I cannot answer that.",
    ),
}


KINDS = ("another talk", "another's voice", "an assistant", "speaking for others")


def made_pairs(
    found: Sequence[Lesson], count: int, recipe: Tuning, encoder: Encoder, dice: random.Random
) -> list[Pair]:
    """Up to `count` pairs from lessons, of every kind as many; prompts longer than a row are left
    out."""
    style = recipe.prompt.style
    end = tuple(encoder(style.markup.close, True))
    made: list[Pair] = []
    by_language: dict[str, list[Lesson]] = {}
    for one in found:
        by_language.setdefault(one.scene.language, []).append(one)
    order = list(found)
    dice.shuffle(order)
    for one in order:
        if len(made) >= count:
            break
        kind = KINDS[len(made) % len(KINDS)]
        worse = _worse(one, kind, by_language[one.scene.language], dice)
        if not worse:
            continue
        asked = prompt(one.scene, one.speaker, tail=one.tail, style=style)
        ids = tuple(token for span in asked for token in encoder(span.text, span.control))
        lead = " " if one.scene.language == "en" else ""
        better, worse_ids = ((*encoder(lead + text, False), *end) for text in (one.reply, worse))
        if len(ids) + max(len(better), len(worse_ids)) <= recipe.train.row:
            made.append(Pair(ids, better, worse_ids, kind))
    return made


def _worse(one: Lesson, kind: str, others: Sequence[Lesson], dice: random.Random) -> str:
    """A reply that does not belong there; "" when there is none among a few drawn lessons."""
    if kind == "an assistant":
        return dice.choice(_ASSISTANT[one.scene.language])
    same = kind == "another talk"
    for other in dice.sample(others, min(40, len(others))):
        if (other.speaker.id == one.speaker.id) != same or other.scene.turns == one.scene.turns:
            continue
        if other.reply == one.reply:
            continue
        if kind == "speaking for others":
            return f"{one.reply}\n{other.speaker.name[one.scene.language]}：{other.reply}"
        return other.reply
    return ""


def fed_back(file: Path, kind: Literal["dpo", "kto"], tokenizer: Any, recipe: Tuning) -> list[Pair]:
    """The rows of `mrp feedback export` or `mrp pairs`; those longer than a row are left out.

    Raises:
        PreferenceError: no such file, or a row of another format.
    """
    keys = {"dpo": ("prompt", "chosen", "rejected"), "kto": ("prompt", "completion", "label")}[kind]
    close = recipe.prompt.style.markup.close

    def control(text: str) -> tuple[int, ...]:
        return tuple(tokenizer.encode(text, add_special_tokens=False))

    def reply(text: str) -> tuple[int, ...]:
        said = tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
        return (*said, *control(close))

    def kind_of(row: Any) -> str:
        return str(row.get("kind") or "feedback")[:40]

    found = []
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise PreferenceError(
            f"{file}: cannot be read ({problem}); run `mrp feedback export --format {kind} -o "
            f'{file}` or set preference.feedback = ""'
        ) from problem
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            first, second, third = (row[key] for key in keys)
            asked = control(first)
            if kind == "dpo":
                one = Pair(asked, reply(second), reply(third), kind_of(row))
            elif third not in (True, False):
                raise ValueError("label must be true or false")
            else:
                liked = reply(second)
                one = Pair(asked, liked if third else None, None if third else liked, kind_of(row))
        except (ValueError, LookupError, TypeError) as problem:
            raise PreferenceError(
                f"{file}:{number}: not a row of `mrp feedback export --format {kind}`: {problem!r}"
            ) from problem
        if len(asked) + max(len(one.chosen or ()), len(one.rejected or ())) <= recipe.train.row:
            found.append(one)
    return found


def columns(pairs: Sequence[Pair], kind: Literal["dpo", "kto"]) -> Dataset:
    """The pairs as TRL's trainers read them after their own tokenizing.

    KTO takes single replies; next to each it wants one that was said to another prompt, to
    estimate how far the model has moved.
    """
    if kind == "dpo":
        return Dataset.from_dict(
            {
                "prompt_ids": [list(pair.prompt) for pair in pairs],
                "chosen_ids": [list(pair.chosen or ()) for pair in pairs],
                "rejected_ids": [list(pair.rejected or ()) for pair in pairs],
            }
        )
    single = [
        (pair.prompt, reply, label)
        for pair in pairs
        for reply, label in ((pair.chosen, True), (pair.rejected, False))
        if reply is not None
    ]
    return Dataset.from_dict(
        {
            "prompt_ids": [list(asked) for asked, _, _ in single],
            "completion_ids": [list(reply) for _, reply, _ in single],
            "label": [label for *_, label in single],
            "KL_completion_ids": [list(single[at - 1][1]) for at in range(len(single))],
        }
    )


class _Encoded:
    """Rows come as ids already."""

    def _prepare_dataset(self, dataset: Dataset, *_: Any, **__: Any) -> Dataset:
        return dataset


class _Dpo(_Encoded, ByTheClock, LossAndDiskGuard, DPOTrainer):  # type: ignore[misc]
    pass


class _Kto(_Encoded, ByTheClock, LossAndDiskGuard, KTOTrainer):  # type: ignore[misc]
    pass


def run(recipe: Tuning, folder: Path) -> dict[str, Any]:
    """Follow a preference recipe in `folder`; see `tune.run`, whose files and ends are the same.

    Raises:
        PreferenceError: feedback that cannot be read, or nothing to learn from.
    """
    wanted = recipe.preference
    assert wanted is not None
    tune.same(recipe, folder)
    done = folder / "adapter" / "card.json"
    if done.is_file():
        card: dict[str, Any] = json.loads(done.read_text(encoding="utf-8"))
        return card
    tokenizer = base.check(recipe)
    adapter = merge.adapter_folder(Path(wanted.adapter))
    encoder = TokenizerEncoder(tokenizer)
    pairs = _pairs(recipe, wanted, tokenizer, encoder)
    with writing(folder):
        tune.note(recipe, folder)
    trainer = _trainer(recipe, wanted, folder, tokenizer, adapter, pairs)
    begun = time.monotonic()
    start = tune.follow(trainer, folder)
    kinds = [pair.kind for pair in pairs]
    report = {
        "pairs": {kind: kinds.count(kind) for kind in sorted(set(kinds))},
        "tokens": sum(len(p.prompt) + len(p.chosen or ()) + len(p.rejected or ()) for p in pairs),
        "history": trainer.state.log_history,
        "steps": trainer.state.global_step,
        "seconds": round(time.monotonic() - begun, 1),
        "resumed": start is not None,
    }
    curves.plot({wanted.kind: report}, folder / "losses.png")
    return tune.save(trainer, tokenizer, recipe, folder, {wanted.kind: report})


def _pairs(recipe: Tuning, wanted: Preference, tokenizer: Any, encoder: Encoder) -> list[Pair]:
    dice = random.Random(recipe.seed)
    pairs = []
    if wanted.feedback:
        pairs += fed_back(Path(wanted.feedback), wanted.kind, tokenizer, recipe)
    if wanted.pairs:
        found = lessons.load(Path(recipe.data.lessons), "train", tune.cast_of(recipe))
        pairs += made_pairs(found, wanted.pairs, recipe, encoder, dice)
    if not pairs:
        raise PreferenceError(
            f"nothing to learn from: no feedback, and no pairs that fit {recipe.train.row} tokens "
            "(train.row)"
        )
    dice.shuffle(pairs)
    print(f"{len(pairs)} pairs", file=sys.stderr)
    return pairs


def _trainer(
    recipe: Tuning,
    wanted: Preference,
    folder: Path,
    tokenizer: Any,
    adapter: Path,
    pairs: Sequence[Pair],
) -> Any:
    data = columns(pairs, wanted.kind)
    train = recipe.train
    steps = math.ceil(len(data) / train.accumulate) * train.epochs
    told = tune.arguments(recipe, folder, steps) | {"beta": wanted.beta, "max_length": train.row}
    if wanted.written:
        # Margins alone can grow while both replies become less likely (Pang et al. 2024,
        # arXiv:2404.19733); the second loss holds the better one up.
        told |= {"loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, wanted.written]}
    if wanted.kind == "kto":
        # KTO compares within a batch: one row alone says nothing.
        told["per_device_train_batch_size"] = 2
        told["gradient_accumulation_steps"] = max(1, told["gradient_accumulation_steps"] // 2)
    kind, config = {"dpo": (_Dpo, DPOConfig), "kto": (_Kto, KTOConfig)}[wanted.kind]
    tokens = sum(len(p.prompt) + len(p.chosen or ()) + len(p.rejected or ()) for p in pairs)
    budget = tune.budget_of(recipe, folder, steps)
    trainer: Any = kind(
        model=base.load(recipe, adapter),
        args=config(**told),
        train_dataset=data,
        processing_class=tokenizer,
        callbacks=[
            *([budget] if budget else []),
            watch.Clock(recipe.watch.save_minutes),
            watch.Bar(tokens * train.epochs / steps, sys.stderr.isatty()),
        ],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.budget = budget
    return trainer
