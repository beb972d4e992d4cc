"""All judged measures over one examination."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from characters.card import load_cast
from characters.turn import Scene, Turn
from evaluation import exam
from evaluation.endpoint import Chat, EndpointSubject
from evaluation.judges import panel
from evaluation.subject import Answer, Ask, Expect, leads

CAST = load_cast()
LEADS = leads(CAST, ["wukong", "tangseng", "bajie", "shaseng"])
ASKS = exam.build(LEADS, exam.read_questions(), size=exam.QUICK)


def start() -> Ask:
    scene = Scene(LEADS[:2], (Turn("土地", "大圣，走不得！"),))
    return Ask("b", "book", "b", scene, LEADS[0], 1, expect=Expect(line="老孙偏要走"))


async def test_the_whole_panel(server: Any, judge: Chat) -> None:
    def wise(prompt: str) -> str:
        if "JSON list" in prompt:
            return '[{"instance": "x", "type": "y", "severity": 2}]'
        if "Who speaks next" in prompt:
            return "END"
        return "[孙悟空]" if "most suitable" in prompt else "1"

    server.script = wise
    asks = [*ASKS, start()]
    answers = {ask.id: Answer("老孙来也") for ask in asks}
    scores = await panel.judge(judge, EndpointSubject(judge), asks, answers, tuple(CAST), most=12)
    assert len({score.name for score in scores}) == len(scores) == 3 + 12 + 4
    assert all(score.judge.startswith("wise#") for score in scores)
    # Where 孙悟空 is none of the four, the pick is not understood.
    assert [score.name for score in scores if score.unparsed] == ["ditto consistency"]
    acting = [score.mean for score in scores if score.name.startswith("acting")]
    assert acting == [pytest.approx(100 - 5 * (2 - 0.3 * 5))] * 4


async def test_a_judges_scores_are_in_the_report(server: Any, tmp_path: Path) -> None:
    import asyncio

    import mrp

    server.script = lambda _: "1"
    questions = tmp_path / "q"
    questions.mkdir()
    (questions / "everyday.toml").write_text('zh = ["走不走？"]')
    words = ["evaluate", "report", server.url, "--name", "m", "--questions", str(questions)]
    words += ["--judge", server.url, "--judge-model", "wise", "-o", str(tmp_path / "r")]
    assert await asyncio.to_thread(mrp.main, words) == 0
    told = json.loads((tmp_path / "r" / "report.json").read_text("utf-8"))
    judged = {name: row["judge"] for name, row in told["scores"].items() if row["judge"]}
    assert "character: utterance (1..5)" in judged
    assert all(re.fullmatch(r"wise#[0-9a-f]{10}", mark) for mark in judged.values())
    assert told["scores"]["ditto consistency"]["unparsed"] == 8
