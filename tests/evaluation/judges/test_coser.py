"""CoSER's acting by a scripted judge."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from characters.card import load_cast
from characters.turn import Scene, Turn
from evaluation.endpoint import Chat, EndpointSubject
from evaluation.judges import coser
from evaluation.subject import Ask, Expect, leads

CAST = load_cast()
LEADS = leads(CAST, ["wukong", "tangseng", "bajie", "shaseng"])


def start() -> Ask:
    scene = Scene(LEADS[:2], (Turn("土地", "大圣，走不得！"),))
    return Ask("b", "book", "b", scene, LEADS[0], 1, expect=Expect(line="老孙偏要走"))


@pytest.mark.parametrize(
    ("severities", "rounds", "expected"),
    [([], 0, 100), ([5, 5], 0, 50), ([3], 10, 100), ([5] * 30, 10, 0), ([4], 5, 87.5)],
)
def test_points_as_published(severities: list[int], rounds: int, expected: float) -> None:
    assert coser.points([{"severity": each} for each in severities], rounds) == expected


def test_severities_out_of_range_are_no_points() -> None:
    assert coser.points([{"severity": 9}], 1) is None
    assert coser.points([{}], 1) is None
    assert coser.points([{"severity": True}], 1) is None


async def test_a_scene_is_played_until_it_ends_but_not_before_the_fifth_round(
    server: Any, judge: Chat
) -> None:
    server.script = lambda prompt: "END" if "Who speaks next" in prompt else "走罢"
    play = await coser.act(EndpointSubject(judge), judge, start(), "")
    assert play.rounds == coser.MAY_END
    speakers = [turn.speaker for turn in play.scene.turns[1:]]
    assert all(one != other for one, other in itertools.pairwise(speakers))


async def test_nobody_answers_themselves_and_strangers_are_not_called(
    server: Any, judge: Chat
) -> None:
    server.script = lambda prompt: "玉帝" if "Who speaks next" in prompt else "走罢"
    play = await coser.act(EndpointSubject(judge), judge, start(), "", rounds=6)
    assert [turn.speaker for turn in play.scene.turns[1:]] == ["wukong", "tangseng"] * 3
