"""Relevance lift on replies that fit, on shuffled ones, and on what people wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from characters.card import load_cast
from characters.style import Serving
from characters.turn import Scene, Turn
from engine.echo import EchoEngine
from evaluation import relevance
from evaluation.error import EvaluationError
from evaluation.relevance import Exchange, measure, read_exchanges
from evaluation.score import interval
from evaluation.subject import EngineSubject

CAST = load_cast()
TOPICS = (
    "风筝挂在树上了",
    "水缸里没有水",
    "白马不肯吃草",
    "山下失了火",
    "门前来了个卖枣的",
    "鞋底磨穿了",
)


class Judge(EngineSubject):
    """Finds a reply as likely as it shares letters with the talk."""

    def __init__(self) -> None:
        super().__init__(EchoEngine([""], context=9000), Serving(), name="wise")
        self.read = 0

    async def scores(self, scene, speaker, replies):
        self.read += 1
        said = set("".join(turn.text for turn in scene.turns))
        return [float(len(said & set(reply))) - 0.01 * len(reply) for reply in replies]


def exchange(place: int, reply: str, speaker: str = "wukong") -> Exchange:
    scene = Scene((CAST[speaker],), (Turn("阿梅", TOPICS[place]),))
    return Exchange(f"x/{place}", f"x/{place}", scene, CAST[speaker], reply)


def quiet(what: str, done: int, of: int) -> None:
    """No progress."""


async def test_fitting_replies_are_above_shuffled_ones() -> None:
    judge = Judge()
    fitting = [exchange(n, f"{topic}？") for n, topic in enumerate(TOPICS)]
    found = await measure(judge, fitting, quiet)
    assert judge.read == len(TOPICS)  # each talk is read once
    share = [value.value for value in found.share]
    assert share == [1.0] * len(TOPICS)
    assert all(value.value > 0 for value in found.nats)
    shuffled = [value.value for value in found.shuffled]
    assert 0 < sum(shuffled) / len(shuffled) < 1
    turned = [exchange(n, f"{TOPICS[(n + 1) % 6]}？") for n in range(6)]
    assert sum(v.value for v in (await measure(judge, turned, quiet)).share) < 2


async def test_a_voice_that_says_the_same_to_everything_has_no_lift() -> None:
    found = await measure(Judge(), [exchange(n, "老孙来也") for n in range(6)], quiet)
    assert sum(value.value for value in found.nats) == pytest.approx(0, abs=0.3)


async def test_fewer_than_three_of_a_speaker_are_left_out() -> None:
    some = [exchange(0, "甲"), exchange(1, "乙"), exchange(2, "丙", "bajie")]
    found = await measure(Judge(), some, quiet)
    assert found.share == ()
    assert interval(found.share) is None


def lesson(turns: int, **more: object) -> dict[str, object]:
    said = [{"side": "human", "speaker": "阿梅", "text": f"第{n}句"} for n in range(turns)]
    row = {"id": "a", "language": "zh", "cast": ["wukong"], "turns": said}
    return {**row, "speaker": "wukong", "reply": "老孙晓得。", **more}


def test_held_out_lessons_are_read_and_single_questions_left_out(tmp_path: Path) -> None:
    file = tmp_path / "held_out.jsonl"
    rows = [lesson(1), *(lesson(3) for _ in range(10))]
    file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    assert len(read_exchanges(file, CAST)) == 10
    assert len(read_exchanges(file, CAST, most=4)) == 4


@pytest.mark.parametrize(
    "content",
    ["", "nonsense", json.dumps(lesson(1)), json.dumps(lesson(2, speaker="nobody")), "[]"],
)
def test_what_holds_no_lessons_is_said_so(content: str, tmp_path: Path) -> None:
    file = tmp_path / "held_out.jsonl"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(EvaluationError, match=r"held_out\.jsonl"):
        read_exchanges(file, CAST)


async def test_scores_carry_who_judged() -> None:
    found = await measure(Judge(), [exchange(n, TOPICS[n]) for n in range(4)], quiet)
    scores = relevance.scores_of(found, "wise")
    assert [score.judge for score in scores] == ["wise"] * 3
    assert scores[0].chance == 0.5
