"""Ditto's measures by a scripted judge."""

from __future__ import annotations

import re
from typing import Any

import pytest

from characters.card import load_cast
from evaluation import exam
from evaluation.endpoint import Chat
from evaluation.judges import ditto
from evaluation.subject import Answer, Ask, leads

CAST = load_cast()
LEADS = leads(CAST, ["wukong", "tangseng", "bajie", "shaseng"])
ASKS = exam.build(LEADS, exam.read_questions(), size=exam.QUICK)


def some(part: str, count: int = 8) -> list[tuple[Ask, Answer]]:
    return [(ask, Answer("老孙来也")) for ask in ASKS if ask.part == part][:count]


async def test_ditto_consistency_is_the_share_of_right_picks(server: Any, judge: Chat) -> None:
    replies = some("everyday")
    server.script = lambda _: "The most suitable role is [孙悟空]"
    score = await ditto.consistency(judge, replies, tuple(CAST))
    right = sum(ask.speaker.id == "wukong" for ask, _ in replies)
    assert score.mean == pytest.approx(right / len(replies))
    assert score.judge.startswith("wise#")
    for told in server.asked:
        prompt = str(told["messages"])
        assert len(re.findall(r"\\n- ", prompt)) == 4


async def test_what_is_not_understood_is_left_out_and_counted(server: Any, judge: Chat) -> None:
    replies = some("facts", 4)
    server.script = lambda prompt: "hm" if replies[0][0].question in prompt else "9/10"
    score = await ditto.knowledge(judge, replies)
    assert (score.mean, score.unparsed) == (9, 1)
    server.script = lambda _: ""
    score = await ditto.knowledge(judge, replies)
    assert (score.mean, score.unparsed) == (None, 4)


async def test_ditto_rejection_holds_known_questions_against_refusers(
    server: Any, judge: Chat
) -> None:
    server.script = lambda _: "1"
    replies = [*some("facts", 2), *some("unknown", 6)]
    assert (await ditto.rejection(judge, replies)).mean == pytest.approx(6 / 8)
