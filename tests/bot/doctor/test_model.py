"""The model as the doctor sees it: there, whole, and small enough."""

from __future__ import annotations

import argparse

import pytest

from bot.doctor.machine import Machine
from bot.doctor.model import check_model
from bot.house import add_options
from engine.cards import Card
from engine.llama import devices
from hub.choice import SHIPPED

GiB = 1 << 30


@pytest.fixture(autouse=True)
def no_card(monkeypatch):
    monkeypatch.setattr(devices, "cards", lambda: ())


async def check(*words: str, free: int = 4 * GiB):
    parser = argparse.ArgumentParser()
    add_options(parser)
    (finding,) = await check_model(parser.parse_args(words), {}, Machine(memory=lambda: free))
    return finding


async def test_the_model_that_ships_fits():
    finding = await check()
    assert finding.level == "well"
    assert "GiB" in finding.says


async def test_it_says_what_the_model_computes_on():
    assert ", on CPU;" in (await check()).says


async def test_a_card_that_lies_idle_is_a_warning_with_what_to_do(monkeypatch):
    monkeypatch.setattr(devices, "cards", lambda: (Card("NVIDIA", "RTX 3070", 8 * GiB, 8 * GiB),))
    parser = argparse.ArgumentParser()
    add_options(parser)
    well, idle = await check_model(parser.parse_args([]), {}, Machine(memory=lambda: 4 * GiB))
    assert well.level == "well"
    assert (idle.level, idle.about) == ("warning", "card")
    assert "RTX 3070 lies idle" in idle.says
    assert "GPU=" in idle.do


async def test_one_that_does_not_fit_says_by_how_much():
    finding = await check("--model", str(SHIPPED), free=8 << 20)
    assert (finding.level, finding.about) == ("fault", "model memory")
    assert "shorter --context" in finding.do


async def test_the_fake_is_a_warning():
    assert (await check("--model", "echo")).level == "warning"


@pytest.mark.parametrize("content", [b"", b"GGUF", b"not a model" * 100])
async def test_a_file_that_is_no_model_is_one_sentence(content, tmp_path):
    file = tmp_path / "broken.gguf"
    file.write_bytes(content)
    finding = await check("--model", str(file))
    assert finding.level == "fault"
    assert "broken.gguf" in finding.says
    assert "\n" not in finding.says
