"""Reports side by side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluation.cli import main
from evaluation.error import EvaluationError
from evaluation.run import Record, write_record
from evaluation.score import Score, Value


def record(folder: Path, name: str, mean: float, exam: str = "e") -> Path:
    values = tuple(Value(f"a/{n}", "wukong", f"g{n}", mean) for n in range(6))
    about = {"name": name, "exam": exam, "characters": ["wukong"]}
    write_record(folder / name, Record(about, (Score("knows itself", values),), ()))
    return folder / name


def test_the_first_is_set_against_each_other_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [record(tmp_path, "good", 1.0), record(tmp_path, "bad", 0.25, exam="f")]
    out = tmp_path / "c.html"
    assert main(["compare", *map(str, folders), "-o", str(out), "--json"]) == 0
    told = capsys.readouterr().out
    row = json.loads(told.splitlines()[-1])
    assert row["first"] == "good"
    assert row["ahead_of"]["bad"]["self"]["by"] == 0.75
    assert "not the same questions" in told
    assert out.exists()


def test_the_table_has_a_column_a_report_and_says_what_is_missing(tmp_path: Path) -> None:
    folders = [record(tmp_path, "good", 1.0), record(tmp_path, "bad", 0.25)]
    more = Score(
        "prompt (tokens)", (Value("a", "wukong", "a", 300), Value("b", "wukong", "b", 500))
    )
    told = Record({"name": "long", "characters": ["wukong"]}, (more,), ())
    write_record(tmp_path / "long", told)
    out = tmp_path / "t.md"
    folders.append(tmp_path / "long")
    assert main(["compare", *map(str, folders), "--table", str(out)]) == 0
    rows = out.read_text(encoding="utf-8").splitlines()
    assert rows[0] == "| axis | good | bad | long |"
    assert "| self | 1.00 (1.00 … 1.00) | 0.25 (0.25 … 0.25) | – |" in rows
    assert any(row.startswith("| prompt (tokens) | – | – | 400 (") for row in rows)
    with pytest.raises(EvaluationError, match="cannot be written"):
        main(["compare", *map(str, folders), "--table", str(tmp_path / "no" / "t.md")])


def test_one_report_is_no_comparison(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="two reports"):
        main(["compare", str(record(tmp_path, "good", 1.0))])
    two = [str(record(tmp_path, name, 1.0)) for name in ("a", "b")]
    with pytest.raises(EvaluationError, match="--judge-model"):
        main(["compare", *two, "--judge", "http://127.0.0.1:9/v1"])
