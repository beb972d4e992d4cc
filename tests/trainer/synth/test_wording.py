"""Words of our prompts, and questions of files."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainer.synth.error import FormatError, OptionError
from trainer.synth.wording import language_of, our_questions, read_questions, say, table


def test_a_prompt_with_a_blank_left_open_is_an_error() -> None:
    assert "悟空" in say("qa", "system", "zh", name="悟空", card="石猴")
    with pytest.raises(KeyError):
        say("qa", "system", "zh", name="悟空")


def test_every_prompt_is_there_in_both_languages() -> None:
    for parts in table("prompts").values():
        assert all({"zh", "en"} <= set(part) for part in parts.values())


def test_questions_come_from_lines_or_rows(tmp_path: Path) -> None:
    lines, rows = tmp_path / "q.txt", tmp_path / "q.jsonl"
    lines.write_text("你是谁？\n\nWho are you?\n", encoding="utf-8")
    rows.write_text('{"question": "你怕谁？", "character": "wukong"}\n', encoding="utf-8")
    assert [(q.text, q.language) for q in read_questions(lines)] == [
        ("你是谁？", "zh"),
        ("Who are you?", "en"),
    ]
    assert read_questions(rows)[0].character == "wukong"
    assert our_questions(("everyday",))


def test_a_file_without_questions_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_text("\n", encoding="utf-8")
    with pytest.raises(OptionError, match="no question"):
        read_questions(tmp_path / "q.txt")
    (tmp_path / "q.jsonl").write_text('{"q": 1}\n', encoding="utf-8")
    with pytest.raises(FormatError, match="question: is missing"):
        read_questions(tmp_path / "q.jsonl")
    assert language_of("OK 好") == "zh"
