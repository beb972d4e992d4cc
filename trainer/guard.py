"""Guards of a training run: no step on a loss that is no number, no half checkpoint, and one
sentence when the disk is full."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from trainer.checkpoints import last_checkpoint


class TrainError(RuntimeError):
    """A run that cannot go on; the message says what is left of it and which knob to turn."""

    for_user = True


def kept(folder: Path) -> str:
    """What is left of a run that ends early, and how it goes on."""
    checkpoint = last_checkpoint(folder)
    if checkpoint is None:
        return "there is no checkpoint yet"
    return f"the same command goes on from {checkpoint.name}"


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turns a disk that is full, or a folder that cannot be written, into one sentence.

    Raises:
        TrainError: see above; what was written before stays.
    """
    try:
        yield
    except (OSError, SafetensorError) as problem:
        raise TrainError(_no_room(folder, problem)) from problem
    except RuntimeError as problem:
        # torch.save says so of a disk that is full, and of nothing else.
        if isinstance(problem, TrainError) or "PytorchStreamWriter" not in str(problem):
            raise
        raise TrainError(_no_room(folder, problem)) from problem


def _no_room(folder: Path, problem: Exception) -> str:
    why = getattr(problem, "strerror", None) or str(problem).split("\n")[0]
    return f"{folder}: cannot be written ({why}); make room and give the same command again"


class LossAndDiskGuard:
    """For a transformers Trainer, before it in the bases: stops at a loss that is NaN or infinite,
    and removes a checkpoint that could not be written whole."""

    args: Any
    state: Any

    def training_step(self, *args: Any, **kwargs: Any) -> Any:
        loss = super().training_step(*args, **kwargs)  # type: ignore[misc]
        if not torch.isfinite(loss):
            raise TrainError(
                f"the loss is no number any more in step {self.state.global_step + 1}: "
                f"lower train.lr; {kept(Path(self.args.output_dir))}"
            )
        return loss

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
        try:
            super()._save_checkpoint(model, trial)  # type: ignore[misc]
        except (OSError, RuntimeError, SafetensorError) as problem:
            shutil.rmtree(folder, ignore_errors=True)
            raise TrainError(
                f"{folder}: the checkpoint cannot be written ({problem}); make room or set "
                f"watch.keep lower; {kept(folder.parent)}"
            ) from problem
