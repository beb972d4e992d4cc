"""Every method with the shipped model as teacher."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from characters.card import load_cast
from trainer import lessons
from trainer.synth import cli
from trainer.synth.run import METHODS

SHIPPED = Path(__file__).resolve().parents[3] / "models" / "xiyou-mini.gguf"
CAST = load_cast()


@pytest.mark.parametrize("method", METHODS)
def test_each_method_runs_with_the_shipped_model_and_resumes(
    method: str, folder: Path, tmp_path: Path, rows_of: Any, capsys: Any
) -> None:
    words = [method, "-o", str(tmp_path / "out"), "--canon", str(folder), "--languages", "zh"]
    words += ["--gguf", str(SHIPPED), "--threads", "1", "--workers", "2", "--json"]
    few = "1" if method in ("ditto", "context-instruct", "continue") else "2"
    words += ["--characters", "wukong", "--limit", few]
    assert cli.main(words) == 0
    card = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert card["calls"]["asked"] > 0
    assert card["calls"]["malformed"] == 0, "a grammar leaves no other shape"
    assert card["calls"]["written"] > 0
    assert card["teacher"].startswith("xiyou-mini.gguf@")
    dropped = rows_of(tmp_path / "out" / "dropped.jsonl")
    assert card["rows"] + len(dropped) > 0
    if METHODS[method].lessons:
        for split in lessons.SPLITS:
            for one in lessons.load(tmp_path / "out", split, CAST):
                assert one.reply.strip()
    asked = card["calls"]["asked"]
    cli.main(words)
    again = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert again["calls"]["asked"] == 0
    assert again["calls"]["kept"] == asked
    assert again["rows"] == card["rows"]
