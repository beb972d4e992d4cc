"""What is written of a person is read as it was."""

from hypothesis import given
from hypothesis import strategies as st

from bot.memory import Bond, Fact, Known, Profile
from bot.memory.known_fields import known_from_fields, known_keys, known_to_fields

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
ACCOUNTS = st.lists(st.builds("{}:{}".format, st.sampled_from(["a", "b"]), TEXT), max_size=3).map(
    lambda some: tuple(dict.fromkeys(some))
)
FACTS = st.lists(
    st.builds(
        Fact,
        text=TEXT,
        room=TEXT,
        private=st.booleans(),
        heard=st.none() | st.frozensets(st.sampled_from(["wukong", "bajie"])),
        sure=st.floats(0, 1),
        pinned=st.booleans(),
        turn=TEXT,
        at=st.integers(0, 2**40),
        by=TEXT,
    ),
    max_size=4,
)


@given(
    st.builds(
        Profile,
        in_groups=st.booleans(),
        shared=st.booleans(),
        days=st.integers(1, 3650),
        accounts=ACCOUNTS,
        leaving=st.booleans(),
        joining=ACCOUNTS,
        clearing=ACCOUNTS,
        parting=ACCOUNTS,
    ),
    FACTS,
    st.dictionaries(TEXT, TEXT, max_size=4),
)
def test_all_of_it_comes_back(profile, facts, personas):
    facts = tuple(
        Fact(**{n: getattr(f, n) for n in Fact.__slots__} | {"id": i})
        for i, f in enumerate(facts, 1)
    )
    bonds = {("wukong", True): Bond(1, 2, 3, "旧友"), ("wukong", False): Bond()}
    known = Known("a:1", profile=profile, facts=facts, bonds=bonds, personas=personas)
    back = known_from_fields("a:1", known_to_fields(known))
    assert back == known
    assert [fact.by for fact in back.facts] == [fact.by for fact in facts]
    assert list(back.personas) == list(personas)  # in the order they were said


def test_nothing_written_is_a_stranger():
    assert known_from_fields("a:1", ({}, {}, {}, {})) == Known("a:1")
    assert known_to_fields(Known("a:1")) == ({}, {}, {}, {})
    assert len(known_keys("a:1")) == 4
