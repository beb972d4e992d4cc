"""New questions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.trainer.synth.methods.folders import Rows, Words, dropped, made
from trainer.synth import cli


def test_new_questions_are_unlike_the_old_ones_and_feed_other_methods(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows, usual: Callable[..., str]
) -> None:
    def answer(body: dict[str, Any]) -> str:
        value = json.loads(usual(body))
        value["questions"][0] = "早上好，昨晚睡得怎么样呀？"
        return json.dumps(value)

    script.answer = answer
    cli.main(ask("questions", "--count", "1", "--languages", "zh"))
    rows = made(tmp_path, "questions", rows_of)
    assert len(rows) == 2 * 9
    assert {r["reason"] for r in dropped(tmp_path, "questions", rows_of)} == {"near duplicate"}
    script.answer = usual
    file = tmp_path / "questions" / "questions.jsonl"
    cli.main(ask("qa", "--questions", str(file), "--repeats", "1"))
    asked = {(row["speaker"], row["turns"][0]["text"]) for row in made(tmp_path, "qa", rows_of)}
    assert asked == {(row["character"], row["question"]) for row in rows}
