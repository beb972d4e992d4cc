"""XTuner's legacy rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.synth.formats.samples import put
from trainer.synth.error import FormatError
from trainer.synth.formats import read, write


def rows_of(path: Path) -> list[dict[str, Any]]:
    text = path.read_text("utf-8")
    return json.loads(text) if text.startswith("[") else [json.loads(x) for x in text.splitlines()]


def test_the_seeds_rows_are_mended(tmp_path: Path) -> None:
    row = {
        "conversation": [
            {"system": "猪八戒", "input": "某人说：走罢。", "output": ""},
            {"system": "猪八戒", "input": "八戒，走！", "output": "老猪走不动。"},
            {"system": "猪八戒", "input": "某人说：也罢。", "output": ""},
        ]
    }
    (one,) = read("xtuner", put(tmp_path / "x.jsonl", [row]))
    assert one.system == one.role == "猪八戒"
    assert [line.text for line in one.lines if line.own] == ["老猪走不动。"]
    write("xtuner", tmp_path / "y.jsonl", [one])
    (again,) = rows_of(tmp_path / "y.jsonl")
    first = again["conversation"][0]
    assert first == {
        "system": "猪八戒",
        "input": "某人说：走罢。\n八戒，走！",
        "output": "老猪走不动。",
    }


def test_a_templates_left_over_user_is_no_role(tmp_path: Path) -> None:
    row = {"conversation": [{"system": "user", "input": "你是谁？", "output": "老孙！"}]}
    (one,) = read("xtuner", put(tmp_path / "x.jsonl", [row]))
    assert (one.system, one.role) == ("", "")


def test_two_systems_in_one_conversation_are_refused(tmp_path: Path) -> None:
    turns = [{"system": s, "input": "你", "output": "我"} for s in ("唐三藏", "孙悟空")]
    with pytest.raises(FormatError, match="two different"):
        list(read("xtuner", put(tmp_path / "x.jsonl", [{"conversation": turns}])))
