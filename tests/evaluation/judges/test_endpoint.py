"""An endpoint as it is served."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from characters.card import load_cast
from evaluation import exam
from evaluation.endpoint import Chat, EndpointSubject, messages
from evaluation.error import EvaluationError
from evaluation.subject import Answer, leads

CAST = load_cast()
LEADS = leads(CAST, ["wukong", "tangseng", "bajie", "shaseng"])
ASKS = exam.build(LEADS, exam.read_questions(), size=exam.QUICK)


async def test_an_endpoint_is_examined_as_it_is_served(server: Any, judge: Chat) -> None:
    server.script = lambda _: "孙悟空：老孙来也"
    ask = next(a for a in ASKS if a.speaker.id == "wukong" and len(a.scene.cast) > 1)
    answers = await EndpointSubject(judge).answer([ask])
    assert answers[ask.id] == Answer("老孙来也", "end", 3)
    told = messages(ask)
    assert [message["role"] for message in told] == ["system", "user"]
    assert "猪八戒" in told[0]["content"]
    assert ask.question in told[1]["content"]


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("zh", "孙悟空没听过“微信”、“地铁”。"),
        ("en", "Sun Wukong has never heard of “微信”, “地铁”."),
    ],
)
def test_what_its_world_does_not_have_is_told(language: Any, line: str) -> None:
    ask = next(a for a in ASKS if a.speaker.id == "wukong")
    scene = replace(ask.scene, language=language)
    told = messages(replace(ask, scene=scene, unheard=("微信", "地铁")))
    assert told[0]["content"].endswith(line)


async def test_a_busy_server_is_asked_again(server: Any, judge: Chat) -> None:
    server.failures = 2
    server.script = lambda _: "好"
    assert (await judge.ask([{"role": "user", "content": "x"}], temperature=0, max_tokens=9))[0]
    assert len(server.asked) == 3


async def test_a_server_that_is_not_there_is_said_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("evaluation.endpoint._TRIES", 0)
    chat = Chat("http://127.0.0.1:9/v1", model="m")
    with pytest.raises(EvaluationError, match="is the server running"):
        await chat.ask([{"role": "user", "content": "x"}], temperature=0, max_tokens=9)
    await chat.close()
