"""Who speaks after whom: bare lines go by turns, decided from both sides."""

from __future__ import annotations

from canon.english.cast import Cast
from canon.english.dialogue import UNDECIDED, _heard, decide, pair_clues
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


def test_who_was_heard_without_a_name_is_there_for_what_follows() -> None:
    units = [unit(0, "Ann"), unit(1, "Ben"), unit(2), unit(3), unit(4)]
    for one in units:
        one.seen = 2
    mentions = [Mention(0, "Ann", acts=True), Mention(1, "Ben", acts=True)]
    said = [("Ann", 0.97), ("Ben", 0.97), ("Ann", 0.9), ("Ben", 0.7), (UNDECIDED, 0.9)]
    longer, seen = _heard(units, mentions, said)
    assert longer == [*mentions, Mention(2, "Ann", acts=True)]
    assert seen == [2, 2, 2, 3, 3]


def test_more_than_two_around_make_a_crowd() -> None:
    two = [unit(0, "Ann"), unit(1, "Ben"), unit(2)]
    assert pair_clues(two, 2)[1]["crowd"] == 0
    assert pair_clues([*two, unit(3, "Cat")], 2)[1]["crowd"] == 1


def test_nobody_is_named_who_is_less_than_likely() -> None:
    units = [unit(0, "Ann"), unit(1, "Ben"), unit(2, "Cat"), unit(9, gap=6)]
    mentions = [Mention(u.place, n) for u in units for n in u.scores]
    assert decide(units, mentions, CAST)[-1][0] == UNDECIDED
