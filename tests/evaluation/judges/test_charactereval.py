"""CharacterEval's dimensions by a scripted judge."""

from __future__ import annotations

from typing import Any

from characters.card import load_cast
from evaluation import exam
from evaluation.endpoint import Chat
from evaluation.judges import charactereval
from evaluation.subject import Answer, Ask, leads

CAST = load_cast()
LEADS = leads(CAST, ["wukong", "tangseng", "bajie", "shaseng"])
ASKS = exam.build(LEADS, exam.read_questions(), size=exam.QUICK)


def some(part: str, count: int = 8) -> list[tuple[Ask, Answer]]:
    return [(ask, Answer("老孙来也")) for ask in ASKS if ask.part == part][:count]


async def test_all_twelve_dimensions_are_judged(server: Any, judge: Chat) -> None:
    server.script = lambda prompt: "4" if "utterance" in prompt else "2"
    scores = await charactereval.dimensions(judge, some("everyday", 12))
    assert len(scores) == 12
    named = {score.name: score.mean for score in scores}
    assert named["character: utterance (1..5)"] == 4
    assert named["character: fluency (1..5)"] == 2
