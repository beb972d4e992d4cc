"""A run that cannot go on says so in one sentence."""

import errno
from pathlib import Path

import pytest
import torch

from trainer.guard import LossAndDiskGuard, TrainError, kept, writing


@pytest.mark.parametrize(
    "problem",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EROFS, "Read-only file system"),
        RuntimeError("[enforce fail at inline_container.cc] PytorchStreamWriter failed\nwriting"),
    ],
)
def test_a_disk_that_is_full_is_one_sentence(problem, tmp_path):
    again = "make room and give the same command again"
    with pytest.raises(TrainError, match=again) as told, writing(tmp_path / "run"):
        raise problem
    assert told.value.for_user
    assert "\n" not in str(told.value)
    assert str(tmp_path / "run") in str(told.value)


def test_a_mistake_of_ours_stays_one(tmp_path):
    with pytest.raises(RuntimeError, match="shape") as told, writing(tmp_path):
        raise RuntimeError("shape")
    assert not isinstance(told.value, TrainError)


class Plain:
    folder: Path

    def training_step(self, loss):
        return torch.tensor(loss)

    def _save_checkpoint(self, model, trial):
        (self.folder / "checkpoint-3").mkdir()
        raise OSError(errno.ENOSPC, "No space left on device")


class Guarded(LossAndDiskGuard, Plain):
    def __init__(self, folder):
        self.folder = folder
        self.args = type("", (), {"output_dir": str(folder)})()
        self.state = type("", (), {"global_step": 3})()


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_no_step_on_a_loss_that_is_no_number(loss, tmp_path):
    with pytest.raises(TrainError, match=r"step 4: lower train\.lr; there is no checkpoint yet"):
        Guarded(tmp_path).training_step(loss)
    assert Guarded(tmp_path).training_step(2.5) == 2.5


def test_no_half_checkpoint_stays(tmp_path):
    with pytest.raises(TrainError, match=r"checkpoint-3: the checkpoint cannot be written"):
        Guarded(tmp_path)._save_checkpoint(None, None)
    assert list(tmp_path.iterdir()) == []


def test_what_is_left_is_named(tmp_path):
    (tmp_path / "checkpoint-7").mkdir()
    (tmp_path / "checkpoint-7" / "trainer_state.json").write_text("{}")
    assert kept(tmp_path) == "the same command goes on from checkpoint-7"
