"""A training run that ends on time: the learning rate falls with the clock, to zero at the end.

On a shared machine nobody knows how many steps an hour holds. What a run has read by its deadline
it has then learned with a whole schedule, warm-up and fall to zero, and not with the first half of
one.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR
from transformers import TrainerCallback


class Budget(TrainerCallback):  # type: ignore[misc]
    """So many `seconds` of training, those of interrupted calls included (`file` keeps count).

    `steps` is where the run ends when time does not end it first, `warmup` the share of the way
    from zero to the full learning rate.
    """

    def __init__(self, seconds: float, steps: int, warmup: float, file: Path) -> None:
        self.seconds, self.steps, self.warmup, self.file = seconds, steps, warmup, file
        self.before = _kept(file)
        self.begun = time.monotonic()

    def progress(self, step: int) -> float:
        """How much of the run is over, by steps or by time, whichever is more: 0..1."""
        spent = self.before + time.monotonic() - self.begun
        return min(1.0, max(step / max(1, self.steps), spent / self.seconds))

    def rate(self, step: int) -> float:
        """The share of the full learning rate after so many steps."""
        done = self.progress(step)
        warm = min(1.0, (step + 1) / max(1.0, self.warmup * self.steps))
        return warm * (1.0 - done)

    def scheduler(self, optimizer: Optimizer) -> LambdaLR:
        return LambdaLR(optimizer, self.rate)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.begun = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        spent = self.before + time.monotonic() - self.begun
        aside = self.file.with_suffix(".part")
        aside.write_text(json.dumps({"seconds": round(spent, 1)}), encoding="utf-8")
        aside.rename(self.file)
        if spent >= self.seconds:
            control.should_training_stop = True


class ByTheClock:
    """A transformers Trainer, mixed in, whose learning rate goes by `budget` where it has one."""

    budget: Budget | None = None

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        trainer: Any = super()
        if self.budget is None:
            return trainer.create_scheduler(num_training_steps, optimizer)
        mine: Any = self
        mine.lr_scheduler = self.budget.scheduler(optimizer or mine.optimizer)
        return mine.lr_scheduler


def _kept(file: Path) -> float:
    try:
        return float(json.loads(file.read_text(encoding="utf-8"))["seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0
