"""`mrp evaluate report` and `compare` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import mrp
from evaluation.subject import read_answers

SHIPPED = Path(__file__).parents[2] / "models" / "xiyou-mini.gguf"


def test_from_a_model_to_a_comparison(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The shipped model, the same untrained, and the same with its characters swapped."""
    small = [
        "--quick",
        "--threads",
        "1",
        "--characters",
        "wukong,bajie",
        "--questions",
        str(tmp_path / "q"),
    ]
    (tmp_path / "q").mkdir()
    (tmp_path / "q" / "everyday.toml").write_text(
        'zh = ["你平生最怕甚么？", "今日可累？", "前面那座山去得么？", "你爱吃甚么？", "走不走？",'
        '"你怎么看贪财的和尚？", "讲个笑话罢。", "下雨了。", "你信命么？", "等等我！"]'
    )
    words = ["evaluate", "report", str(SHIPPED), *small, "--json", "-o"]
    assert mrp.main([*words, str(tmp_path / "good")]) == 0
    assert mrp.main([*words, str(tmp_path / "untrained"), "--control", "untrained"]) == 0
    assert mrp.main([*words, str(tmp_path / "swapped"), "--control", "swapped"]) == 0
    capsys.readouterr()
    folders = [str(tmp_path / name) for name in ("good", "swapped", "untrained")]
    out = str(tmp_path / "compare.html")
    assert mrp.main(["evaluate", "compare", *folders, "-o", out, "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert len(told["ahead_of"]) == 2
    for rows in told["ahead_of"].values():
        assert rows["overall"]["interval"][0] > 0
    assert "Voices side by side" in (tmp_path / "compare.html").read_text("utf-8")
    answers = read_answers(tmp_path / "good" / "answers.jsonl")
    assert all(answer.text for answer in answers.values())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["report", "nowhere.gguf", "-o", "x"], "nowhere.gguf"),
        (["report", "nowhere.jsonl", "-o", "x"], "no file of answers"),
        (["report", "http://127.0.0.1:9/v1", "-o", "x"], "--name"),
        (["report", "m.gguf", "-o", "x", "--prompt", "haruhi"], "--canon"),
        (["report", "m.gguf", "-o", "x", "--label", "teacher"], "KEY=VALUE"),
        (["report", "m.gguf", "-o", "x", "--characters", "nobody"], "nobody"),
        (["report", "m.gguf", "-o", "x", "--held-out", "five"], "chapters are numbers"),
        (["report", "a.jsonl", "-o", "x", "--control", "untrained"], "need a GGUF"),
        (["report", "a.jsonl", "-o", "x", "--cards", "name"], "need a GGUF"),
        (
            [
                "report",
                "m.gguf",
                "-o",
                "x",
                "--prompt",
                "haruhi",
                "--cards",
                "name",
                "--canon",
                ".",
            ],
            "leave out --cards",
        ),
        (["report", "a.jsonl", "-o", "x", "--control", "swapped"], "cannot be swapped"),
        (["report", "http://127.0.0.1:9/v1", "-o", "x", "--prompt", "haruhi"], "need a GGUF"),
        (["report", "m.gguf", "-o", "x", "--training", "nowhere.txt"], "as training text"),
        (["report", "m.gguf", "-o", "x", "--judge", "http://127.0.0.1:9/v1"], "--judge-model"),
        (["compare", "one"], "two reports"),
        (["compare", "one", "two"], "is no report"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    words: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert mrp.main(["evaluate", *words]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert message in error
    assert not (tmp_path / "x").exists()
