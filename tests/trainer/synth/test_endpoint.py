"""A teacher behind an endpoint."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from trainer.synth import cli
from trainer.synth.endpoint import Endpoint
from trainer.synth.error import TeacherError
from trainer.synth.shape import Object, Text
from trainer.synth.teacher import Ask, Message, Unanswerable

SHAPE = Object({"reply": Text(20)})
SECRET = "sk-very-secret-77"


def question(number: int = 0) -> Ask:
    return Ask((Message("user", f"第{number}问"),), SHAPE, 0.5, 7)


GOOD = '{"reply": "老孙来也"}'


# --- the ledger ------------------------------------------------------------------------------


# --- the endpoint ----------------------------------------------------------------------------


@pytest.fixture
def endpoint(script: Any, monkeypatch: pytest.MonkeyPatch) -> Endpoint:
    monkeypatch.setenv("MY_KEY", SECRET)
    return Endpoint("gpt-x", script.url, key_name="MY_KEY", retries=2)


async def test_an_endpoint_is_told_the_schema_and_counts_tokens(
    endpoint: Endpoint, script: Any
) -> None:
    answer = await endpoint.ask(question())
    (body,) = script.bodies
    assert body["response_format"]["type"] == "json_schema"
    assert body["response_format"]["json_schema"]["strict"] is True
    assert body["response_format"]["json_schema"]["schema"]["required"] == ["reply"]
    assert (body["model"], body["seed"], body["temperature"]) == ("gpt-x", 7, 0.5)
    assert script.headers[0]["Authorization"] == f"Bearer {SECRET}"
    assert (answer.read, answer.written) == (100, 10)
    assert endpoint.name == "gpt-x@127.0.0.1"
    await endpoint.close()


async def test_the_key_is_seen_nowhere(
    endpoint: Endpoint, script: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await endpoint.ask(question())
    script.answer = lambda body: (401, {"error": {"message": f"bad key {SECRET[:3]}"}})
    with pytest.raises(TeacherError) as refused:
        await endpoint.ask(question())
    assert "MY_KEY" in str(refused.value)
    assert refused.value.__cause__ is None
    for text in (repr(endpoint), str(vars(endpoint)), str(refused.value), caplog.text):
        assert SECRET not in text
    await endpoint.close()


async def test_the_library_waits_and_asks_again_when_told_to(
    endpoint: Endpoint, script: Any, usual: Any
) -> None:
    waits = [(429, {"error": {"message": "slow"}}, {"Retry-After": "0.05"}), (500, {})]
    script.answer = lambda body: waits.pop(0) if waits else usual(body)
    assert (await endpoint.ask(question())).text
    assert len(script.bodies) == 3
    await endpoint.close()


@pytest.mark.parametrize(
    ("reply", "kind", "told"),
    [
        ((429, {"error": {"message": "no quota"}}, {"Retry-After": "0.01"}), TeacherError, "429"),
        ((404, {"error": {"message": "no such model"}}), TeacherError, "no such model"),
        ((400, {"error": {"message": "filtered"}}), Unanswerable, "filtered"),
        (
            (400, {"error": {"message": "response_format is unknown"}}),
            Unanswerable,
            "--structured json_object",
        ),
    ],
)
async def test_failures_say_what_to_do(
    reply: Any, kind: type[Exception], told: str, endpoint: Endpoint, script: Any
) -> None:
    script.answer = lambda body: reply
    with pytest.raises(kind, match=told):
        await endpoint.ask(question())
    await endpoint.close()


async def test_nobody_at_the_other_end() -> None:
    endpoint = Endpoint("m", "http://127.0.0.1:9/v1", retries=0)
    with pytest.raises(TeacherError, match="cannot be reached"):
        await endpoint.ask(question())
    await endpoint.close()
    with pytest.raises(TeacherError, match="must be a URL"):
        Endpoint("m", "localhost")


async def test_older_servers_are_asked_without_a_schema(script: Any) -> None:
    script.answer = lambda body: GOOD
    for structured, sent in (("json_object", {"type": "json_object"}), ("none", None)):
        endpoint = Endpoint("m", script.url, structured=structured)  # type: ignore[arg-type]
        await endpoint.ask(question())
        assert script.bodies[-1].get("response_format") == sent
        await endpoint.close()


def test_an_error_of_the_endpoint_is_one_line_at_the_front_door(
    ask: Any, script: Any, capsys: Any
) -> None:
    import mrp

    script.answer = lambda body: (401, {"error": {"message": "no"}})
    assert mrp.main(["synth", *ask("qa", "--limit", "3")]) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert len(told) == 1
    assert "OPENAI_API_KEY" in told[0]


def test_a_budget_stops_a_run_and_a_higher_one_goes_on(
    ask: Any, script: Any, capsys: Any, rows_of: Any, tmp_path: Path
) -> None:
    words = ask("qa", "--limit", "10", "--price-in", "10000", "--workers", "1")
    with pytest.raises(TeacherError, match="higher --budget"):
        cli.main([*words, "--budget", "4"])
    assert len(script.answered) == 4
    assert not (tmp_path / "qa").exists(), "no half file"
    cli.main([*words, "--budget", "100"])
    assert len(script.answered) == 10
    card = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (card["calls"]["asked"], card["calls"]["kept"]) == (6, 4)
