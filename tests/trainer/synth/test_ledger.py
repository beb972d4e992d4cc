"""What was asked and paid for."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from trainer.synth.calls import Calls
from trainer.synth.error import TeacherError
from trainer.synth.ledger import TRIES, Ledger, NoAnswer
from trainer.synth.shape import Object, Text
from trainer.synth.teacher import Ask, Completion, Message, Unanswerable

SHAPE = Object({"reply": Text(20)})


def question(number: int = 0) -> Ask:
    return Ask((Message("user", f"第{number}问"),), SHAPE, 0.5, 7)


class Scripted:
    """A teacher whose answers are a list; exceptions in it are raised."""

    name, room = "scripted", 1000

    def __init__(self, *answers: str | Exception, delay: float = 0.0) -> None:
        self.answers = list(answers)
        self.asked: list[Ask] = []
        self.delay = delay

    async def ask(self, ask: Ask) -> Completion:
        self.asked.append(ask)
        await asyncio.sleep(self.delay)
        said = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(said, Exception):
            raise said
        return Completion(said, 1000, 100)

    async def close(self) -> None: ...


GOOD = '{"reply": "老孙来也"}'


# --- the ledger ------------------------------------------------------------------------------


# --- the endpoint ----------------------------------------------------------------------------


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
