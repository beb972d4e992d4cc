"""The page of a report."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from characters.card import load_cast
from characters.style import Serving
from engine.echo import EchoEngine
from evaluation import exam, page, run
from evaluation.asks import VOICES
from evaluation.measures import voices
from evaluation.score import Score, Value
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


def values(*rows: tuple[str, float]) -> tuple[Value, ...]:
    return tuple(Value(f"{group}/{i}", "a", group, x) for i, (group, x) in enumerate(rows))


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


async def test_a_report_says_everything_and_fetches_nothing(
    asks: list[Ask], tmp_path: Path
) -> None:
    record = await examined(asks, lambda prompt: f"<b>{SELF[speaker_of(prompt)]}</b>")
    run.write_record(tmp_path, record)
    html = page.write_report(tmp_path, record).read_text("utf-8")
    assert not re.search(r"<script|<link|src=|@import|href=\"http", html)
    assert 'name="viewport"' in html
    assert html.count("<svg") == 2
    assert "&lt;b&gt;老孙便是" in html
    assert "<b>老孙便是" not in html
    for measure in record.scores:
        assert measure.name.split("'")[0] in html
    again = run.read_record(tmp_path)
    assert again.scores == tuple(
        Score(
            s.name,
            tuple(Value(v.id, v.character, v.group, round(v.value, 5)) for v in s.values),
            s.better,
            s.chance,
        )
        for s in record.scores
    )
    assert again.samples == record.samples


def test_scores_of_two_judges_are_not_set_against_each_other() -> None:
    one = Score("consistency", values(("a", 1), ("b", 1)), judge="x#1")
    other = Score("consistency", values(("a", 0), ("b", 0)), judge="y#1")
    assert not page.comparable(one, other)
    assert page.comparable(one, one)
    about = {"name": "m", "characters": []}
    html = page.comparison([run.Record(about, (s,), ()) for s in (one, other)])
    assert "another judge" in html
    assert "+1.000" not in html
