"""Weights are held in the numbers that this machine multiplies fast, and that fit into it."""

import dataclasses

import pytest
import torch

from tests.trainer.conftest import load_tuning
from trainer import precision, watch
from trainer.precision import bf16_pays


@pytest.fixture
def recipe(tuning, tmp_path):
    return load_tuning(tuning(tmp_path / "r.toml"))


@pytest.fixture
def machine(monkeypatch):
    """A CPU with bfloat16 instructions of this speed (float32 has 100), and so much memory."""

    def make(bf16: float, memory: int = 10**12, has: bool = True) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has)
        speeds = {torch.bfloat16: bf16, torch.float32: 100.0}
        monkeypatch.setattr(precision, "speed", speeds.__getitem__)
        monkeypatch.setattr(precision, "_memory", lambda: memory)
        bf16_pays.cache_clear()

    yield make
    bf16_pays.cache_clear()


@pytest.mark.parametrize(
    ("bf16", "has", "kind"),
    [
        (180.0, True, torch.bfloat16),
        (95.0, True, torch.bfloat16),
        (60.0, True, torch.float32),
        (180.0, False, torch.float32),
    ],
    ids=["faster", "as fast", "slower", "without"],
)
def test_a_cpu_is_tried(machine, recipe, bf16, has, kind):
    machine(bf16, has=has)
    assert precision.precision(recipe) == kind
    assert bf16_pays() == (kind == torch.bfloat16)


def test_what_would_not_fit_stays_small(machine, recipe):
    shape = dataclasses.replace(recipe.base, layers=32, width=4096, feed_forward=14336)
    large = dataclasses.replace(recipe, base=shape)
    machine(60.0, memory=24 * 2**30)
    assert precision.precision(recipe) == torch.float32
    assert precision.precision(large) == torch.bfloat16


def test_processes_that_train_together_agree(machine, recipe, monkeypatch):
    machine(60.0)
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert precision.precision(recipe) == torch.bfloat16


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_what_is_held_in_16_bits_is_measured_so(machine, kind):
    machine(60.0)
    with watch._autocast(torch.nn.Linear(2, 2, dtype=kind)):
        assert torch.is_autocast_enabled("cpu") == (kind == torch.bfloat16)


def test_a_gpu_has_what_it_has(machine, recipe, monkeypatch):
    machine(60.0)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for has, kind in ((True, torch.bfloat16), (False, torch.float16)):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda has=has: has)
        assert precision.precision(recipe) == kind


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_a_trial_says_a_speed(kind):
    assert precision.speed(kind) > 0
