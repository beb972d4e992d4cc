"""Who is examined: the engine, and files of answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from characters.card import load_cast
from characters.style import Serving
from engine.echo import EchoEngine
from evaluation import exam
from evaluation.error import EvaluationError
from evaluation.subject import Answer, Ask, EngineSubject, FileSubject, leads, read_answers

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


async def test_a_long_talk_is_trimmed_like_a_rooms(asks: list[Ask]) -> None:
    far = next(ask for ask in asks if ask.expect.distance == 50)
    seen = []
    engine = EchoEngine(lambda prompt: seen.append(prompt) or "好", context=1500)
    subject = EngineSubject(engine, Serving(max_tokens=16))
    await subject.answer([far])
    assert far.question in seen[0]
    assert far.scene.turns[0].text not in seen[0]


async def test_cards_are_shown_as_asked_and_the_prompts_length_is_kept(asks: list[Ask]) -> None:
    seen: list[str] = []
    engine = EchoEngine(lambda prompt: seen.append(prompt) or "好", context=40_000)
    subject = EngineSubject(engine, Serving(max_tokens=16))
    lengths = []
    for cards in ("full", "brief", "name"):
        subject.show_cards(cards)
        answers = await subject.answer(asks[:1])
        lengths.append(answers[asks[0].id].asked)
        assert (asks[0].speaker.persona.zh in seen[-1]) == (cards == "full")
        assert (asks[0].speaker.brief.zh in seen[-1]) == (cards == "brief")
    assert lengths == sorted(lengths, reverse=True)
    # Its tokens are bytes, but a fence is one.
    assert len(seen[-1].encode()) - 60 < lengths[-1] < len(seen[-1].encode())


async def test_cards_that_leave_no_room_are_said_so(asks: list[Ask]) -> None:
    subject = EngineSubject(EchoEngine(["好"], context=200), Serving(max_tokens=16))
    with pytest.raises(EvaluationError, match="fewer characters"):
        await subject.answer(asks[:1])


async def test_a_file_of_answers_is_a_subject(asks: list[Ask], tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    rows = [{"id": ask.id, "text": SELF[ask.speaker.name.zh]} for ask in asks[:-1]]
    file.write_text("\n".join(json.dumps(row) for row in rows))
    subject = FileSubject.open(file)
    answers = await subject.answer(asks)
    assert answers[asks[-1].id] == Answer("")
    assert subject.missing == 1
    assert await subject.prefer(asks[0], ["a"]) is None
    with pytest.raises(EvaluationError, match="none of its answers"):
        await FileSubject({"x": Answer("y")}, name="z").answer(asks)


@pytest.mark.parametrize("line", ["", "nonsense", "[]", '{"id": 1, "text": "a"}', '{"id": "a"}'])
def test_a_broken_file_of_answers_names_the_line(line: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(line)
    with pytest.raises(EvaluationError, match=r"line 1|no answers"):
        read_answers(tmp_path / "a.jsonl")
    (tmp_path / "b.jsonl").write_text('{"id": "a", "text": ""}\n' * 2)
    with pytest.raises(EvaluationError, match="line 2: a second answer"):
        read_answers(tmp_path / "b.jsonl")
