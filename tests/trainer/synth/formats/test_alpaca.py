"""Alpaca's rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trainer.synth.error import FormatError
from trainer.synth.formats import alpaca


def test_input_is_a_second_paragraph_and_history_comes_before(tmp_path: Path) -> None:
    row = {
        "instruction": "翻成英文",
        "input": "老孙",
        "output": "Old Sun",
        "system": "孙悟空",
        "history": [["在么？", "在。"]],
        "id": 7,
    }
    file = tmp_path / "a.json"
    file.write_text(json.dumps([row], ensure_ascii=False), encoding="utf-8")
    (one,) = alpaca.read(file)
    assert [(line.text, line.own) for line in one.lines] == [
        ("在么？", False),
        ("在。", True),
        ("翻成英文\n老孙", False),
        ("Old Sun", True),
    ]
    assert one.system == "孙悟空"
    assert one.extra == {"id": 7}
    alpaca.write(tmp_path / "b.jsonl", [one])
    (again,) = alpaca.read(tmp_path / "b.jsonl")
    assert again.lines == one.lines


@pytest.mark.parametrize("row", [{"instruction": "x"}, {"instruction": "x", "output": 1}])
def test_a_row_without_an_output_is_named(row: dict[str, object]) -> None:
    with pytest.raises(FormatError, match="here: output"):
        alpaca.dialogue(row, "here")
    with pytest.raises(FormatError, match="pairs"):
        alpaca.dialogue({"instruction": "", "output": "", "history": ["x"]}, "here")
