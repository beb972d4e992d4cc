"""Runs of words that a text shares with others."""

from __future__ import annotations

import random

import pytest

from text.runs import Runs

TOLD = Runs.of(
    ("你是孙悟空，正对小明说话；照着刚说的那句回答。", "Answer in one or two sentences."), 5
)


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("好。照着刚说的那句回答", "照着"),
        ("好。照着，刚说…的罢", "照着"),  # what stands between does not count
        ("Well, ANSWER in one or two", "ANSWER"),
        ("照着刚才说的那句回答", "说的"),
        ("in one or three sentences", None),
        ("你是孙悟", None),
        ("", None),
    ],
)
def test_a_whole_run_is_found_where_it_begins(text: str, begins: str | None) -> None:
    assert TOLD.find(text) == (None if begins is None else text.index(begins))


@pytest.mark.parametrize(
    ("text", "open_from"),
    [
        ("好。照着刚", "照着刚"),
        ("好。照着他", None),
        ("Well, answer in o", "answer"),
        ("Well, answer in p", None),
        ("Well, ans", "ans"),
        ("An", "An"),
    ],
)
def test_what_may_become_one_is_known_from_its_first_word(text: str, open_from: str | None) -> None:
    assert TOLD.begun(text) == (len(text) if open_from is None else text.index(open_from))


def test_nothing_of_a_run_stands_before_where_it_may_begin_while_a_text_grows() -> None:
    chance = random.Random(3)
    orders = "照着刚说的那句回答一两句话罢 answer in one or two sentences"
    told, found = Runs.of((orders,), 5), 0
    for _ in range(300):
        at = chance.randrange(len(orders) - 9)
        text = (
            "".join(chance.choices("好说的照 onea。", k=6))
            + orders[at : at + chance.randrange(3, 30)]
        )
        grown = [text[:n] for n in range(1, len(text) + 1)]
        whole = next((n for n, one in enumerate(grown) if told.find(one) is not None), None)
        if whole is not None:
            begins = told.find(grown[whole])
            assert begins is not None
            assert all(told.begun(one) <= begins for one in grown[:whole]), text
            found += 1
    assert found > 50


def test_texts_that_are_shorter_than_a_run_have_none() -> None:
    assert Runs.of(("太短",), 5).find("太短太短太短") is None
    assert Runs.of((), 5).begun("什么都行") == 4
