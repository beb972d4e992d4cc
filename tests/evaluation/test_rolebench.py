"""RoleBench's own rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import mrp


def test_rolebenchs_own_rows_are_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rows.jsonl"
    rows = [
        {"part": "CUS", "role": "孙悟空", "generated": ["老孙来也"], "answer": "老孙来也"},
        {"part": "SPE", "reference": "老孙来也", "answer": ""},
    ]
    file.write_text("\n".join(json.dumps(row) for row in rows))
    assert mrp.main(["evaluate", "rolebench", str(file), "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["CUS"] == pytest.approx(1, abs=1e-6)
    assert told["SPE"] == 0
    assert told["avg"] == pytest.approx(0.5, abs=1e-6)
    file.write_text('{"part": "CUS", "answer": "a"}')
    assert mrp.main(["evaluate", "rolebench", str(file)]) == 2
    assert "row 1 needs" in capsys.readouterr().err
