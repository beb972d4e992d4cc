"""The questions for others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import mrp

SELF = {
    "孙悟空": "老孙便是，老孙一棒打去，呆子快走。",
    "唐僧": "贫僧稽首，徒弟啊，善哉善哉。",
    "猪八戒": "老猪在此，哥啊，老猪肚里饿了。",
    "沙僧": "二哥，大哥，师父在那里，我沙僧在此。",
}


def test_questions_for_others_and_their_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = tmp_path / "asks.jsonl"
    assert mrp.main(["evaluate", "asks", "--quick", "-o", str(asked)]) == 0
    rows = [json.loads(line) for line in asked.read_text("utf-8").splitlines()]
    assert {row["messages"][-1]["role"] for row in rows} == {"user"}
    answers = tmp_path / "answers.jsonl"
    answers.write_text(
        "\n".join(json.dumps({"id": r["id"], "text": SELF[r["character"]]}) for r in rows)
    )
    capsys.readouterr()
    words = ["evaluate", "report", str(answers), "--quick", "-o", str(tmp_path / "r"), "--json"]
    assert mrp.main(words) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["scores"]["knows itself"]["mean"] == 1
