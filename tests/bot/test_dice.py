"""Dice: what is read as dice, what is refused and how, and that what falls is fair and bounded."""

import random

import pytest

from bot.dice import MOST_DICE, DiceError, Term, parse, throw


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("2d6+1", (Term(1, 2, 6), Term(1, 1))),
        ("２Ｄ６＋１", (Term(1, 2, 6), Term(1, 1))),
        (" 2d6 + 1 ", (Term(1, 2, 6), Term(1, 1))),
        ("", (Term(1, 1, 6),)),
        ("d20", (Term(1, 1, 20),)),
        ("d%", (Term(1, 1, 100),)),
        ("d20-3", (Term(1, 1, 20), Term(-1, 3))),
        ("d20−3", (Term(1, 1, 20), Term(-1, 3))),
        ("-d4+10", (Term(-1, 1, 4), Term(1, 10))),
        ("4d6kh3", (Term(1, 4, 6, "h", 3),)),
        ("2d20kl", (Term(1, 2, 20, "l", 1),)),
        ("1d6+2d8-1", (Term(1, 1, 6), Term(1, 2, 8), Term(-1, 1))),
        ("两个六面", (Term(1, 2, 6),)),
        ("三颗6面骰子加2", (Term(1, 3, 6), Term(1, 2))),
        ("一个百分面", (Term(1, 1, 100),)),
    ],
)
def test_dice_are_read_as_players_write_them(text, terms):
    assert parse(text) == terms


@pytest.mark.parametrize(
    "text",
    [
        *("x", "2", "2+3", "d", "2d", "d0", "d1", "0d6", "2d6+", "2d6 3", "2d6*2", "++d6"),
        *("101d6", "60d6+60d6", "d1001", "999999999d6", "d6+100001", "2d6kh3", "2d6kh0"),
        *("+".join(["d6"] * 11), "d6" * 400, "9" * 400 + "d6", "一个一面", "2d6; rm", "２ｄ６ｄ６"),
    ],
)
def test_what_cannot_be_thrown_is_said_in_both_languages(text):
    with pytest.raises(DiceError) as refused:
        parse(text)
    for language in ("zh", "en"):
        said = refused.value.words[language]
        assert "{}" not in said
        assert len(said) < 200


def test_what_falls_lies_within_the_dice():
    chance = random.Random(7)
    for text, least, most in [
        ("3d6+2", 5, 20),
        ("4d6kh3", 3, 18),
        ("d20-5", -4, 15),
        ("100d2", 100, 200),
    ]:
        totals = {throw(parse(text), chance).total for _ in range(300)}
        assert least <= min(totals) <= max(totals) <= most
        assert len(totals) > 5
    faces = [throw(parse("d6"), chance).total for _ in range(6000)]
    assert all(850 < faces.count(face) < 1150 for face in range(1, 7))


def test_what_fell_is_shown_with_its_sum():
    thrown = throw(parse("2d6+1-d4"), random.Random(7))
    eyes = [eye for each in thrown.eyes for eye in each]
    assert thrown.total == eyes[0] + eyes[1] + 1 - eyes[3]
    assert str(thrown) == f"2d6+1-1d4 = ({eyes[0]} + {eyes[1]}) + 1 - {eyes[3]} = {thrown.total}"
    assert str(throw(parse("d20"), random.Random(1))).count("=") == 1
    assert len(str(throw(parse(f"{MOST_DICE}d1000"), random.Random(1)))) < 1000


def test_the_highest_are_kept():
    thrown = throw(parse("4d6kh3"), random.Random(3))
    assert thrown.total == sum(sorted(thrown.eyes[0])[1:])
    thrown = throw(parse("4d6kl2"), random.Random(3))
    assert thrown.total == sum(sorted(thrown.eyes[0])[:2])
