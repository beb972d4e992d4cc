"""WikiRoleEval's rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trainer.synth.error import FormatError
from trainer.synth.formats import Dialogue, wikiroleeval


def read(folder: Path, row: dict[str, object]) -> list[Dialogue]:
    file = folder / "w.jsonl"
    file.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    return list(wikiroleeval.read(file))


def test_questions_alone_and_with_reference_answers(tmp_path: Path) -> None:
    (bare,) = read(tmp_path, {"system": "s", "prompts": ["谁？"], "meta": {"label": "孙悟空"}})
    assert [line.text for line in bare.lines] == ["谁？"]
    assert bare.role == "孙悟空"
    said = [{"role": "user", "content": "谁？"}, {"role": "assistant", "content": "老孙"}]
    (full,) = read(tmp_path, {"prompts": ["谁？"], "messages": said})
    assert [line.text for line in full.lines] == ["谁？", "老孙"]
    wikiroleeval.write(tmp_path / "o.jsonl", [full])
    row = json.loads((tmp_path / "o.jsonl").read_text("utf-8"))
    assert row["ref_messages"] == said


def test_questions_that_differ_from_the_answers_are_refused(tmp_path: Path) -> None:
    said = [{"role": "user", "content": "哪里？"}, {"role": "assistant", "content": "老孙"}]
    with pytest.raises(FormatError, match="differ"):
        read(tmp_path, {"prompts": ["谁？"], "ref_messages": said})
