"""What somebody sees of a run while it goes on, and what is kept of it.

A bar with loss, tokens a second and the time left; the held-out loss of every character; what each
of them says when asked as it will be asked in a chat; a checkpoint every few minutes.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors.torch import load_file, save_file
from transformers import TrainerCallback

from characters.card import Character
from characters.prompt import Encoder, Style, prompt
from characters.turn import Scene, Turn
from trainer.precision import bf16_pays
from trainer.rows import IGNORED, Batch

Packed = Sequence[Batch]

_ASKED = {
    "zh": ("游客", "你是谁？今日过得如何？"),
    "en": ("guest", "Who are you? How was your day?"),
}


class Bar(TrainerCallback):  # type: ignore[misc]
    """Progress on the terminal. `tokens` is the mean number of tokens a step reads."""

    def __init__(self, tokens: float, shown: bool) -> None:
        self.tokens, self.shown, self.told = tokens, shown, ""
        self.bar: Progress | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.first, self.begun = state.global_step, time.monotonic()
        self.bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[told]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not (self.shown and state.is_world_process_zero),
        )
        self.task = self.bar.add_task("", total=state.max_steps, completed=self.first, told="")
        self.bar.start()

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if logs and "loss" in logs and self.bar:
            steps = state.global_step - self.first
            speed = steps * self.tokens / max(1e-9, time.monotonic() - self.begun)
            told = f"loss {logs['loss']:.3f} · {speed:,.0f} tokens/s"
            self.bar.update(self.task, told=told)
            if not self.shown and state.is_world_process_zero:  # no terminal: a line is all
                of = f"{state.global_step} of {state.max_steps}"
                print(f"training: {of}, {told}", file=sys.stderr, flush=True)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.bar:
            self.bar.update(self.task, completed=state.global_step)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.stop()

    def stop(self) -> None:
        if self.bar:
            self.bar.stop()


class Clock(TrainerCallback):  # type: ignore[misc]
    """A checkpoint every `minutes`. Of several processes the first one's clock counts."""

    def __init__(self, minutes: float) -> None:
        self.seconds, self.last = minutes * 60, time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.last = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        due = time.monotonic() - self.last >= self.seconds
        if args.world_size > 1:
            told = torch.tensor(int(due), device=args.device)
            torch.distributed.broadcast(told, 0)
            due = bool(told)
        if due:
            control.should_save = True
            self.last = time.monotonic()


@dataclass
class Ear(TrainerCallback):  # type: ignore[misc]
    """Measures and listens every so many steps, and once at the end.

    `held_out`: packs by character id. `asked`: what each character is asked, as ids.
    `note` gets {"eval_loss": …, "eval_loss_<character>": …}; samples go to the file `samples`.
    `patience`: the run ends after so many measurements without a better one (0: never), and the
    best weights are kept in the file `best`.
    """

    held_out: Mapping[str, Packed]
    asked: Mapping[str, Sequence[int]]
    tokenizer: Any
    samples: Path
    evaluate_every: int
    sample_every: int
    sample_tokens: int
    end: int  # id of the token that ends a reply
    note: Callable[[dict[str, float]], Any] = print
    patience: int = 0
    best: Path | None = None

    def on_step_end(
        self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any
    ) -> None:
        last = state.global_step >= state.max_steps
        last = last or control.should_training_stop
        if self.held_out and _due(state.global_step, self.evaluate_every, last):
            self.note(held_out_losses(model, self.held_out))
            self._judge(model, state, control)
        if self.asked and _due(state.global_step, self.sample_every, last):
            said = self.listen(model)
            if state.is_world_process_zero:
                with self.samples.open("a", encoding="utf-8") as lines:
                    for who, text in said.items():
                        row = {"step": state.global_step, "character": who, "said": text}
                        lines.write(json.dumps(row, ensure_ascii=False) + "\n")

    def _judge(self, model: Any, state: Any, control: Any) -> None:
        """Keep the best weights; end the run when they have been the best for too long."""
        if not self.patience or self.best is None:
            return
        losses = [row["eval_loss"] for row in state.log_history if "eval_loss" in row]
        since = len(losses) - 1 - min(range(len(losses)), key=losses.__getitem__)
        if since == 0 and state.is_world_process_zero:
            aside = self.best.with_suffix(".part")
            save_file(_trained(model), aside, metadata={"eval_loss": str(losses[-1])})
            aside.rename(self.best)
        if since >= self.patience:
            control.should_training_stop = True

    def listen(self, model: Any) -> dict[str, str]:
        """What each character says, greedily."""
        was, said = model.training, {}
        model.eval()
        device = next(model.parameters()).device
        for who, ids in self.asked.items():
            asked = torch.tensor([list(ids)], device=device)
            with torch.no_grad():
                made = model.generate(
                    input_ids=asked,
                    attention_mask=torch.ones_like(asked),
                    max_new_tokens=self.sample_tokens,
                    do_sample=False,
                    use_cache=True,
                    eos_token_id=self.end,
                    pad_token_id=self.end,
                )
            said[who] = self.tokenizer.decode(made[0, len(ids) :], skip_special_tokens=True)
        model.train(was)
        return said


def _trained(model: Any) -> dict[str, torch.Tensor]:
    """Copies of the trained weights by name."""
    return {
        name: weight.detach().cpu().contiguous()
        for name, weight in model.named_parameters()
        if weight.requires_grad
    }


def take_best(model: Any, best: Path, history: Sequence[Mapping[str, float]]) -> None:
    """Put the best weights back where the last are not the best."""
    losses = [row["eval_loss"] for row in history if "eval_loss" in row]
    if not best.is_file() or not losses or losses[-1] <= min(losses):
        return
    kept = load_file(best)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name in kept:
                weight.copy_(kept[name])


def _due(step: int, every: int, last: bool) -> bool:
    return last or (every > 0 and step % every == 0)


def held_out_losses(model: Any, held_out: Mapping[str, Packed]) -> dict[str, float]:
    """Mean loss (nats a learned token) over all held-out lessons and of every character."""
    was = model.training
    model.eval()
    device = next(model.parameters()).device
    sums: dict[str, tuple[float, int]] = {}
    for who, packs in held_out.items():
        total, count = 0.0, 0
        for pack in packs:
            with torch.no_grad(), _autocast(model):
                one = model(**{k: v.to(device) for k, v in pack.items()}, num_items_in_batch=1)
            total += float(one.loss)
            count += int((pack["labels"] != IGNORED).sum())
        if count:
            sums[who] = (total, count)
    model.train(was)
    tokens = sum(count for _, count in sums.values())
    told = {f"eval_loss_{who}": total / count for who, (total, count) in sums.items()}
    return {"eval_loss": sum(total for total, _ in sums.values()) / max(1, tokens), **told}


def _autocast(model: Any) -> Any:
    weights = list(model.parameters())
    kind = weights[0].device.type
    held = any(weight.dtype == torch.bfloat16 for weight in weights)
    return torch.autocast(kind, torch.bfloat16, enabled=kind == "cuda" or held or bf16_pays())


def questions(
    characters: Sequence[Character], style: Style, encoder: Encoder
) -> dict[str, list[int]]:
    """The prompt of each character being asked who it is: the same that a chat serves."""
    asked = {}
    for character in characters:
        name, text = _ASKED["zh"]
        scene = Scene((character,), (Turn(name, text),))
        spans = prompt(scene, character, style=style)
        asked[character.id] = [t for span in spans for t in encoder(span.text, span.control)]
    return asked
