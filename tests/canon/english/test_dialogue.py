"""Who speaks after whom: bare lines go by turns, decided from both sides."""

from __future__ import annotations

from canon.english.cast import Cast
from canon.english.dialogue import UNDECIDED, decide
from canon.english.evidence import TAG_SEX, TAGGED, Mention, Unit

CAST = Cast({"Ann": "Ann", "Ben": "Ben", "Cat": "Cat"}, {"Ann": "she", "Ben": "he", "Cat": "she"})


def unit(place: int, speaker: str = "", *, sex: str = "", called: str = "", **more: object) -> Unit:
    made = Unit(place, 0, False, called=called)
    if speaker:
        made.add(speaker, TAGGED)
    if sex:
        made.is_of(sex, TAG_SEX)
    for key, value in more.items():
        setattr(made, key, value)
    return made


def names(*units: Unit) -> list[str]:
    mentions = [Mention(u.place, n) for u in units for n, s in u.scores.items() if s > 0]
    return [name for name, _ in decide(units, mentions, CAST)]


def test_bare_lines_go_by_turns() -> None:
    found = names(unit(0, "Ann"), unit(1, "Ben"), *(unit(n) for n in range(2, 7)))
    assert found == ["Ann", "Ben"] * 3 + ["Ann"]


def test_a_tag_behind_decides_the_line_before_it() -> None:
    assert names(unit(0, "Ben"), unit(1), unit(2), unit(3, "Ann")) == ["Ben", "Ann", "Ben", "Ann"]


def test_he_is_the_man_and_she_the_woman_who_was_called() -> None:
    assert names(unit(0, "Ann"), unit(1, "Ben"), unit(2, sex="he")) == ["Ann", "Ben", "Ben"]
    found = names(unit(0, "Ann"), unit(1, "Cat"), unit(2, "Ben", called="Cat"), unit(3, sex="she"))
    assert found[-1] == "Cat"


def test_a_speech_that_goes_on_stays_its_speakers() -> None:
    assert names(unit(0, "Ann"), unit(1, "Ben"), unit(2, goes_on=True))[-1] == "Ben"


def test_nobody_around_is_nobody() -> None:
    assert decide([unit(0)], [], CAST)[0][0] == UNDECIDED
    assert decide([], [], CAST) == []


def test_a_guess_is_less_sure_than_a_tag() -> None:
    units = [unit(0, "Ann"), unit(40, gap=39)]
    mentions = [Mention(0, "Ann"), Mention(39, "Ben"), Mention(38, "Cat")]
    sure = [share for _, share in decide(units, mentions, CAST)]
    assert 0.97 >= sure[0] > sure[1]
