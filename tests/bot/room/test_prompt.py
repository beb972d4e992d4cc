"""A reply that can be asked for: what it answers, and what is in its speaker's role."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.conversation import Reading
from bot.room.prompt import Prompt
from bot.room.tail import Before
from bot.whispers import Confided
from characters.card import Character, Words, load_cast
from characters.turn import Scene, Turn

CAST = load_cast()
WUKONG, BAJIE = CAST["wukong"], CAST["bajie"]


def asked(*turns: Turn, speaker: Character = WUKONG) -> Prompt:
    scene = Scene((speaker, BAJIE), turns=turns)
    read = Reading((), None, 0)
    return Prompt(speaker, speaker, scene, read, Before(), "", None, False, Confided())


def test_what_is_answered_is_the_last_thing_that_somebody_else_was_heard_to_say() -> None:
    said = [Turn("小明", "在么？"), Turn("bajie", "在。", "character")]
    assert asked(*said, Turn("wukong", "来也", "character")).asked == "在。"
    whispered = Turn("小红", "莫说", "human", frozenset(("bajie",)), whispered=True)
    assert asked(*said[:1], whispered).asked == "在么？"
    assert asked().asked == ""


def test_the_speakers_own_last_four_lines() -> None:
    said = [Turn("wukong", f"{n}", "character") for n in range(6)]
    assert asked(*said, Turn("bajie", "五", "character")).recent == ["2", "3", "4", "5"]


@pytest.mark.parametrize(
    ("persona", "coder"),
    [
        (Words("写程序的人", ""), True),
        (Words("", "A hacker from the future."), True),
        (Words("", "A teacher of programming, patient and dry."), True),
        (Words("天蓬元帅", "Once the marshal of Heaven's river fleet"), False),
    ],
)
def test_whose_card_speaks_of_code(persona: Words, coder: bool) -> None:
    assert asked(speaker=replace(WUKONG, persona=persona)).coder == coder


def test_nobody_of_the_book_writes_code() -> None:
    assert not any(asked(speaker=one).coder for one in CAST)
