"""Scenes that go on."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.trainer.synth.methods.folders import Rows, Words, made
from trainer.synth import cli


def test_the_character_answers_first_whoever_the_teacher_lets_speak(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows, usual: Callable[..., str]
) -> None:
    def answer(body: dict[str, Any]) -> str:
        value = json.loads(usual(body))
        schema = body["response_format"]["json_schema"]["schema"]["properties"]
        for turn in value.get("turns", ()):
            turn["speaker"] = schema["turns"]["items"]["properties"]["speaker"]["enum"][1]
        return json.dumps(value)

    script.answer = answer
    cli.main(ask("continue", "--count", "6"))
    rows = made(tmp_path, "continue", rows_of)
    assert len(rows) > 3
    for row in rows:
        # What the asker goes on to say stands unanswered, and is no lesson.
        assert len(row["turns"]) == 1
        assert row["reply"]


def test_scenes_begin_with_lines_of_the_book_and_never_copy_the_examples(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows, folder: Path
) -> None:
    cli.main(ask("continue", "--count", "4"))
    text = (folder / "scenes.jsonl").read_text("utf-8")
    rows = made(tmp_path, "continue", rows_of)
    assert all(row["turns"][0]["text"] in text for row in rows)
    lengths = {len(row["turns"]) for row in rows}
    assert min(lengths) == 1, "some scenes are one answer"
    prompts = "\n".join(body["messages"][0]["content"] for body in script.bodies)
    shown = re.findall(r"孙悟空：(师父，\S+)", prompts)
    assert shown
    script.answer = lambda body: json.dumps(
        {"answer": shown[0], "turns": [{"speaker": "孙悟空", "text": shown[0]}]}
    )
    cli.main(ask("continue", "--count", "4", "--characters", "wukong", "--seed", "5", out="copied"))
    reasons = [row["reason"] for row in rows_of(tmp_path / "copied" / "dropped.jsonl")]
    assert "copied from an example" in reasons
