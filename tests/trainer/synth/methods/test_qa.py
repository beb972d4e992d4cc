"""Questions in voice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.trainer.synth.methods.folders import Rows, Words, dropped, made
from trainer.synth import cli


def test_questions_times_characters_times_repeats(ask: Words, script: Any, tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("你怕冷么？\n\nAre you cold?\n", "utf-8")
    cli.main(ask("qa", "--questions", str(file), "--repeats", "3"))
    assert len(script.bodies) == 2 * 2 * 3
    assert {body["temperature"] for body in script.bodies} == {0.3}
    assert len({body["seed"] for body in script.bodies}) == 12


def test_repeats_that_say_the_same_are_dropped(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows
) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("你怕冷么？\n", "utf-8")
    script.answer = lambda body: json.dumps(
        {"reply": f"山高雪大，冷是冷些，{body['seed'] % 7}分罢了。"}
    )
    cli.main(ask("qa", "--questions", str(file), "--repeats", "4"))
    rows = made(tmp_path, "qa", rows_of)
    assert sorted(row["speaker"] for row in rows) == ["bajie", "wukong"]
    assert [row["reason"] for row in dropped(tmp_path, "qa", rows_of)] == ["near duplicate"] * 6
