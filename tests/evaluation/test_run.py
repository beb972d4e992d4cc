"""Examinations on voices that are right, swapped, mute and confused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from characters.card import load_cast
from characters.style import Serving
from engine.echo import EchoEngine
from evaluation import exam, run, standing, table
from evaluation.asks import VOICES
from evaluation.error import EvaluationError
from evaluation.measures import voices
from evaluation.subject import Ask, EngineSubject, Swapped, leads

CAST = load_cast()
LEADS = leads(CAST, ["wukong", "tangseng", "bajie", "shaseng"])
SELF = {
    "孙悟空": "老孙便是，老孙一棒打去，呆子快走。",
    "唐僧": "贫僧稽首，徒弟啊，善哉善哉。",
    "猪八戒": "老猪在此，哥啊，老猪肚里饿了。",
    "沙僧": "二哥，大哥，师父在那里，我沙僧在此。",
}


@pytest.fixture(scope="module")
def asks() -> list[Ask]:
    return exam.build(LEADS, exam.read_questions(), size=exam.QUICK)


def speaker_of(prompt: str) -> str:
    return prompt.rsplit("\n", 1)[-1].rstrip("：:")


async def examined(
    asks: list[Ask], script: Callable[[str], str], *, swapped: bool = False
) -> run.Record:
    engine = EchoEngine(script, context=40_000)  # its tokens are bytes
    subject = EngineSubject(engine, Serving())
    record, _ = await run.examine(
        Swapped(subject, LEADS) if swapped else subject, asks, voices=voices.read(VOICES)
    )
    await subject.close()
    return record


def score(record: run.Record, name: str) -> float | None:
    found = record.score(name)
    return found.mean if found else None


async def test_the_right_voices_are_told_from_swapped_mute_and_confused_ones(
    asks: list[Ask],
) -> None:
    def right(prompt: str) -> str:
        return SELF[speaker_of(prompt)]

    good = await examined(asks, right)
    swapped = await examined(asks, right, swapped=True)
    mute = await examined(asks, lambda _: "")
    noise = await examined(asks, lambda _: "也就究竟粒幽" * 90)
    assert score(good, "knows itself") == 1
    assert score(good, "sounds like itself (bags of 5)") == 1
    assert score(good, "is a reply") == 1
    assert score(swapped, "knows itself") == score(swapped, "sounds like itself (bags of 5)") == 0
    assert (score(swapped, "speaks with another's words") or 0) > 0.7
    assert score(swapped, "is a reply") == 1
    assert score(mute, "empty") == 1
    assert score(mute, "is a reply") == 0
    assert score(noise, "is a reply") == 0
    assert score(noise, "cut at its longest") == 1
    for other in (swapped, mute, noise):
        lead = {row.axis: row for row in standing.ahead(good.scores, other.scores)}
        gap = lead[standing.OVERALL]
        assert gap.interval is not None
        assert gap.interval[0] > 0


async def test_the_worst_replies_come_first_and_none_is_lost(asks: list[Ask]) -> None:
    record = await examined(asks, lambda prompt: SELF["唐僧"])
    assert len(record.samples) == len(asks)
    weights = [sum(table.faults()[fault].gravity for fault in s.faults) for s in record.samples]
    assert weights == sorted(weights, reverse=True)
    assert weights[0] > 0


def test_a_folder_that_is_no_report_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="mrp evaluate report"):
        run.read_record(tmp_path)
    (tmp_path / "report.json").write_text('{"format": 99}')
    with pytest.raises(EvaluationError, match="format 99"):
        run.read_record(tmp_path)
