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
    """A CPU of this maker, with AVX-512's bfloat16 and AMX or not, and so much memory."""

    def make(maker: str, *, has: bool = True, amx: bool = False, memory: int = 10**12) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
        monkeypatch.setattr(precision, "_cpu", lambda: f"vendor_id\t: {maker}\n")
        monkeypatch.setattr(precision, "_memory", lambda: memory)
        bf16_pays.cache_clear()

    yield make
    bf16_pays.cache_clear()


@pytest.mark.parametrize(
    ("maker", "has", "amx", "kind"),
    [
        ("AuthenticAMD", True, False, torch.bfloat16),
        ("AuthenticAMD", False, False, torch.float32),
        ("GenuineIntel", True, True, torch.bfloat16),
        ("GenuineIntel", True, False, torch.float32),
        ("GenuineIntel", False, False, torch.float32),
    ],
)
def test_a_cpu_has_what_it_is_fast_in(machine, recipe, maker, has, amx, kind):
    machine(maker, has=has, amx=amx)
    assert precision.precision(recipe) == kind
    assert bf16_pays() == (kind == torch.bfloat16)


def test_what_would_not_fit_stays_small(machine, recipe):
    shape = dataclasses.replace(recipe.base, layers=32, width=4096, feed_forward=14336)
    large = dataclasses.replace(recipe, base=shape)
    machine("GenuineIntel", memory=24 * 2**30)
    assert precision.precision(recipe) == torch.float32
    assert precision.precision(large) == torch.bfloat16


@pytest.mark.parametrize("load", [0.01, 100.0])
def test_a_busy_machine_decides_nothing(machine, recipe, monkeypatch, load):
    machine("GenuineIntel")
    monkeypatch.setattr(precision, "speed", {torch.bfloat16: load, torch.float32: 1.0}.get)
    assert precision.precision(recipe) == torch.float32


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_what_is_held_in_16_bits_is_measured_so(machine, kind):
    machine("GenuineIntel")
    with watch._autocast(torch.nn.Linear(2, 2, dtype=kind)):
        assert torch.is_autocast_enabled("cpu") == (kind == torch.bfloat16)


def test_a_gpu_has_what_it_has(machine, recipe, monkeypatch):
    machine("GenuineIntel")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for has, kind in ((True, torch.bfloat16), (False, torch.float16)):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda has=has: has)
        assert precision.precision(recipe) == kind


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_a_speed_is_measured(kind):
    assert precision.speed(kind) > 0
