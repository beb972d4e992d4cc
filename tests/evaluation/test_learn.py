"""`mrp evaluate voices` on a script of our own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluation.cli import main
from evaluation.error import EvaluationError
from evaluation.measures import voices


def canon(folder: Path, lines: int = 40) -> Path:
    said = (("孙悟空", "老孙去打妖怪，看老孙的棒"), ("猪八戒", "老猪要吃馒头，老猪饿了"))
    rows = []
    for chapter in range(1, lines + 1):
        turns = [
            {"speaker": who, "addressee": "", "text": f"{text}{chapter}", "kind": "speech",
             "confidence": 0.97, "start": 0, "end": 0}
            for who, text in said
        ]  # fmt: skip
        rows.append({"id": f"{chapter:03}-001", "chapter": chapter, "place": "", "turns": turns})
    folder.mkdir()
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (folder / "scenes.jsonl").write_text(text, encoding="utf-8")
    return folder


def test_voices_are_learned_and_tried_on_chapters_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["voices", "--canon", str(canon(tmp_path / "c")), "--characters", "wukong,bajie"]
    out = tmp_path / "v.json"
    assert main([*words, "--held-out", "5,15,25,35", "-o", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["quotes"] == 72
    assert told["held_out"]["line"] == 1.0
    assert voices.read(out).pick(["老猪饿了"]) == "bajie"


def test_a_speaker_without_a_line_is_said_so(tmp_path: Path) -> None:
    words = ["voices", "--canon", str(canon(tmp_path / "c")), "--characters", "shaseng"]
    with pytest.raises(EvaluationError, match="no line of shaseng"):
        main([*words, "-o", str(tmp_path / "v.json")])
