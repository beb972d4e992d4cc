"""What is known of a person, and of two who become one, or two again."""

from bot.memory import Bond, Fact, Known, Profile
from bot.memory.known import clipped, parted, same, united, with_fact, without_facts

ANN = Known("a:1", facts=(Fact("我属猴", id=1, by="a:1"), Fact("旧", id=2)))
BOB = Known("b:1", facts=(Fact("我属猴。", id=1, sure=0.5), Fact("我怕水", id=2, private=True)))


def test_of_two_the_stricter_wishes_hold_and_leaving_is_never_lost():
    one = Known("a:1", profile=Profile(shared=True, days=100, leaving=True))
    two = Known("b:1", profile=Profile(in_groups=False, days=9))
    for known in (united(one, two), united(two, one)):
        profile = known.profile
        assert (profile.in_groups, profile.shared, profile.days) == (False, False, 9)
        assert profile.leaving


def test_each_fact_of_two_says_who_told_it():
    known = united(ANN, BOB)
    assert [(fact.text, fact.by) for fact in known.facts] == [
        ("我属猴", "a:1"),
        ("旧", "a:1"),
        ("我怕水", "b:1"),
    ]
    assert known.accounts == ("a:1", "b:1")


def test_what_was_united_comes_apart():
    stay, left = parted(united(ANN, BOB), ("b:1",))
    assert [fact.text for fact in stay.facts] == ["我属猴", "旧"]
    assert [fact.text for fact in left.facts] == ["我怕水"]
    assert (stay.person, left.person) == ("a:1", "b:1")
    assert stay.profile.accounts == left.profile.accounts == ()


def test_whoever_keeps_the_root_keeps_the_bonds_without_what_they_tell():
    known = united(ANN, BOB)
    known = Known(
        **{name: getattr(known, name) for name in ("person", "profile", "facts")}
        | {
            "bonds": {("wukong", True): Bond(3, 1, 2, "谈过水")},
            "personas": {"a:r": "书生", "b:r": "樵夫", "c:r": "谁"},
        }
    )
    stay, left = parted(known, ("b:1",))
    assert stay.bonds == {("wukong", True): Bond(3, 1, 2, "")}
    assert left.bonds == {}
    assert (dict(stay.personas), dict(left.personas)) == (
        {"a:r": "书生", "c:r": "谁"},
        {"b:r": "樵夫"},
    )


def test_bonds_of_two_are_added():
    one = Known("a:1", bonds={("wukong", True): Bond(2, 5, 9, "旧友")})
    two = Known(
        "b:1", bonds={("wukong", True): Bond(3, 1, 7, "相识"), ("bajie", True): Bond(1, 4, 4)}
    )
    bonds = united(one, two).bonds
    assert bonds["wukong", True] == Bond(5, 1, 9, "旧友")
    assert bonds["bajie", True] == Bond(1, 4, 4)


def test_a_fact_that_goes_takes_summaries_with_it_and_no_other_does():
    known = Known("a:1", facts=ANN.facts, bonds={("wukong", True): Bond(1, 1, 1, "属猴")})
    assert without_facts(known, [7]) is known
    left = without_facts(known, [1])
    assert [fact.id for fact in left.facts] == [2]
    assert left.bonds["wukong", True].summary == ""


def test_the_same_in_other_signs_is_the_same_fact():
    assert same("I live in York.") == same("i LIVE in york")
    known, fact = with_fact(ANN, Fact("我 属猴！", sure=0.2, pinned=True))
    assert (len(known.facts), fact.id, fact.pinned, fact.sure) == (2, 1, True, 1.0)


def test_clipped_is_one_line_that_says_that_it_goes_on():
    assert clipped(" a\n b ", 10) == "a b"
    assert clipped("一二三四", 3) == "一二…"
