"""A GGUF opened for a measure."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from engine.remote.engine import RemoteEngine
from engine.sequence import EngineError, ModelError
from evaluation.served import model_options, opened, opened_for, show
from tests.engine.remote.conftest import Scripted

SHIPPED = Path(__file__).parents[2] / "models" / "xiyou-mini.gguf"


def test_the_model_is_what_was_named_else_the_chosen_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def model(*words: str) -> str:
        parser = argparse.ArgumentParser()
        model_options(parser)
        return str(parser.parse_args(words).model)

    monkeypatch.setenv("MRP_MODEL", str(SHIPPED))
    assert model() == str(SHIPPED)
    assert model("--model", str(SHIPPED)) == str(SHIPPED)


async def test_a_missing_model_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        async with opened(tmp_path / "nowhere.gguf"):
            pass


async def test_a_server_in_place_of_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    parser = argparse.ArgumentParser()
    model_options(parser)
    server = await Scripted().start()
    try:
        monkeypatch.setenv("MRP_ENGINE", server.url)
        async with opened_for(parser.parse_args([])) as (engine, served):
            assert isinstance(engine, RemoteEngine)
            assert served.style.markup.name == "chatml"
        with pytest.raises(EngineError, match="--voice"):
            async with opened_for(parser.parse_args(["--voice", "x.gguf"])):
                pass
    finally:
        await server.stop()


def test_figures_are_printed_and_lists_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    show({"right": 0.5, "characters": {"wukong": 1.0}, "wrong": ["x"]})
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [["right", "0.5"], ["characters:"], ["wukong", "1.0"]]
