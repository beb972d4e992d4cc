"""What a teacher is asked."""

from __future__ import annotations

import pytest

from trainer.synth.ledger import Ledger
from trainer.synth.shape import Object, Text
from trainer.synth.teacher import Ask, Message, Rehearsal

SHAPE = Object({"reply": Text(20)})


def question(number: int = 0) -> Ask:
    return Ask((Message("user", f"第{number}问"),), SHAPE, 0.5, 7)


# --- the ledger ------------------------------------------------------------------------------


# --- the endpoint ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        Ask((Message("user", "别的"),), SHAPE, 0.5, 7),
        Ask((Message("system", "第0问"),), SHAPE, 0.5, 7),
        Ask((Message("user", "第0问"),), Object({"reply": Text(21)}), 0.5, 7),
        Ask((Message("user", "第0问"),), SHAPE, 0.6, 7),
        Ask((Message("user", "第0问"),), SHAPE, 0.5, 8),
        Ask((Message("user", "第0问"),), SHAPE, 0.5, 7, "孙悟空："),
    ],
)
def test_whatever_changes_the_prompt_changes_its_hash(other: Ask) -> None:
    assert other.key("a") != question().key("a")
    assert question().key("a") == question().key("a") != question().key("b")


async def test_a_rehearsal_answers_in_shape_and_reckons_tokens() -> None:
    ledger = Ledger(Rehearsal("m", 100), None)
    given = await ledger.ask(question())
    assert given.value["reply"]
    assert ledger.counts.read == len("第0问")
