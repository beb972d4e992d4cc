"""Teachers: what an endpoint is told and how it may fail; what is kept, counted and paid for."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from trainer.synth import cli
from trainer.synth.calls import Calls
from trainer.synth.endpoint import Endpoint
from trainer.synth.error import SynthError, TeacherError
from trainer.synth.ledger import TRIES, Ledger, NoAnswer
from trainer.synth.shape import Record, Text
from trainer.synth.teacher import Answer, Ask, Message, Rehearsal, Unanswerable

SHAPE = Record({"reply": Text(20)})
SECRET = "sk-very-secret-77"


def question(number: int = 0) -> Ask:
    return Ask((Message("user", f"第{number}问"),), SHAPE, 0.5, 7)


class Scripted:
    """A teacher whose answers are a list; exceptions in it are raised."""

    name, room = "scripted", 1000

    def __init__(self, *answers: str | Exception, delay: float = 0.0) -> None:
        self.answers = list(answers)
        self.asked: list[Ask] = []
        self.delay = delay

    async def ask(self, ask: Ask) -> Answer:
        self.asked.append(ask)
        await asyncio.sleep(self.delay)
        said = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(said, Exception):
            raise said
        return Answer(said, 1000, 100)

    async def close(self) -> None: ...


GOOD = '{"reply": "老孙来也"}'


# --- the ledger ------------------------------------------------------------------------------


async def test_an_answer_is_paid_for_once(tmp_path: Path) -> None:
    teacher = Scripted(GOOD)
    calls = Calls(tmp_path / "calls.sqlite")
    ledger = Ledger(teacher, calls, prices=(2.0, 10.0))
    first = await ledger.ask(question())
    assert (await ledger.ask(question())).key == first.key
    assert first.value == {"reply": "老孙来也"}
    assert len(teacher.asked) == 1
    assert (ledger.counts.asked, ledger.counts.kept) == (1, 1)
    assert ledger.cost == pytest.approx((1000 * 2 + 100 * 10) / 1e6)
    calls.close()
    later = Ledger(teacher, Calls(tmp_path / "calls.sqlite"))
    await later.ask(question())
    assert len(teacher.asked) == 1
    assert later.cost == 0


async def test_the_same_prompt_at_the_same_time_is_asked_once(tmp_path: Path) -> None:
    teacher = Scripted(GOOD, delay=0.05)
    ledger = Ledger(teacher, Calls(tmp_path / "c"))
    await asyncio.gather(*(ledger.ask(question()) for _ in range(5)))
    assert len(teacher.asked) == 1


@pytest.mark.parametrize(
    "other",
    [
        Ask((Message("user", "别的"),), SHAPE, 0.5, 7),
        Ask((Message("system", "第0问"),), SHAPE, 0.5, 7),
        Ask((Message("user", "第0问"),), Record({"reply": Text(21)}), 0.5, 7),
        Ask((Message("user", "第0问"),), SHAPE, 0.6, 7),
        Ask((Message("user", "第0问"),), SHAPE, 0.5, 8),
        Ask((Message("user", "第0问"),), SHAPE, 0.5, 7, "孙悟空："),
    ],
)
def test_whatever_changes_the_prompt_changes_its_hash(other: Ask) -> None:
    assert other.key("a") != question().key("a")
    assert question().key("a") == question().key("a") != question().key("b")


async def test_a_malformed_answer_is_asked_for_again_and_kept_too(tmp_path: Path) -> None:
    teacher = Scripted("no", "{", GOOD)
    calls = Calls(tmp_path / "c")
    ledger = Ledger(teacher, calls)
    assert (await ledger.ask(question())).value["reply"] == "老孙来也"
    assert [ask.seed for ask in teacher.asked] == [7, 8, 9]
    assert ledger.counts.malformed == 2
    again = Ledger(teacher, calls)
    await again.ask(question())
    assert len(teacher.asked) == 3
    assert again.counts.kept == 3


async def test_a_teacher_that_never_answers_well_is_given_up(tmp_path: Path) -> None:
    ledger = Ledger(Scripted("no"), Calls(tmp_path / "c"))
    with pytest.raises(NoAnswer, match="no JSON"):
        await ledger.ask(question())
    assert ledger.counts.asked == TRIES


async def test_a_spent_budget_stops_before_the_next_call(tmp_path: Path) -> None:
    teacher = Scripted(GOOD)
    calls = Calls(tmp_path / "c")
    ledger = Ledger(teacher, calls, prices=(1000.0, 0.0), budget=2.0)
    await ledger.ask(question(1))
    await ledger.ask(question(2))
    with pytest.raises(TeacherError, match="budget of 2 is spent"):
        await ledger.ask(question(3))
    await ledger.ask(question(1))  # what is kept costs nothing
    assert len(teacher.asked) == 2


async def test_refusals_in_a_row_end_the_run_and_single_ones_do_not(tmp_path: Path) -> None:
    ledger = Ledger(Scripted(Unanswerable("too long")), Calls(tmp_path / "c"))
    told = []
    for number in range(20):
        try:
            await ledger.ask(question(number))
        except NoAnswer:
            told.append("one")
        except TeacherError as problem:
            told.append(str(problem))
            break
    assert told[:-1] == ["one"] * 7
    assert "8 prompts in a row: too long" in told[-1]


def test_a_file_that_is_no_cache_is_said_so(tmp_path: Path) -> None:
    file = tmp_path / "calls.sqlite"
    file.write_text("precious words " * 100)
    with pytest.raises(SynthError, match="--cache"):
        Calls(file)
    assert file.read_text().startswith("precious")


async def test_a_rehearsal_answers_in_shape_and_reckons_tokens() -> None:
    ledger = Ledger(Rehearsal("m", 100), None)
    given = await ledger.ask(question())
    assert given.value["reply"]
    assert ledger.counts.read == len("第0问")


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
