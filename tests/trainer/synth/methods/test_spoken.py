"""One reply in voice, checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.synth.methods.folders import Rows, Words, dropped, made
from trainer.synth import cli


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("作为人工智能，我不怕冷。", "speaks as an assistant"),
        ("孙悟空：不怕。\n猪八戒：我怕。", "speaks for others"),
        ("我是唐僧，自然怕冷。", "takes itself for another"),
        ("1. 穿衣\n2. 烤火", "is set as a list"),
        ("I am not cold at all.", "in another language"),
        ("贫僧不怕。", "calls itself as another does"),
    ],
)
def test_a_reply_nobody_should_learn_is_dropped_with_its_reason(
    reply: str, reason: str, ask: Words, script: Any, tmp_path: Path, rows_of: Rows
) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("你怕冷么？\n", "utf-8")
    script.answer = lambda body: json.dumps({"reply": reply})
    words = ask("qa", "--questions", str(file), "--repeats", "1", "--limit", "1")
    cli.main(words)
    assert made(tmp_path, "qa", rows_of) == []
    (one,) = dropped(tmp_path, "qa", rows_of)
    assert one["reason"] == reason
    assert one["question"] == "你怕冷么？"


def test_a_name_before_the_reply_and_marks_around_it_go(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows
) -> None:
    script.answer = lambda body: json.dumps({"reply": "孙悟空：“怕个甚么！”"})
    cli.main(ask("qa", "--languages", "zh", "--repeats", "1", "--limit", "1"))
    (row,) = made(tmp_path, "qa", rows_of)
    assert row["reply"] == "怕个甚么！"
