"""A sampling becomes a chain of links; what means nothing is refused by name."""

import pytest

from engine.sampling import chain
from engine.sequence import BadRequest, Sampling


def names(**fields: object) -> list[str]:
    return [link.name for link in chain(Sampling(**fields))]  # type: ignore[arg-type]


def test_links_that_are_off_are_not_there() -> None:
    assert names(top_k=0, top_p=1.0, min_p=0.0) == ["temperature", "draw"]


def test_greedy_needs_no_cuts() -> None:
    assert names(temperature=0) == ["greedy"]


def test_the_whole_chain_in_order() -> None:
    every = names(repeat_penalty=1.1, dry=0.8, bias=((3, -1.0),), grammar='root ::= "a"')
    assert every == [
        *("grammar", "bias", "penalties", "dry"),
        *("top_k", "top_p", "min_p", "temperature", "draw"),
    ]


def test_a_seed_is_drawn_unless_given() -> None:
    assert chain(Sampling(seed=7))[-1].values == (7,)
    assert chain(Sampling())[-1].values != chain(Sampling())[-1].values


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("stop", "abc"),
        ("stop", ("",)),
        ("stop", (3,)),
        ("temperature", -1.0),
        ("temperature", float("nan")),
        ("temperature", float("inf")),
        ("top_p", 1.5),
        ("max_tokens", 0),
        ("repeat_penalty", 0.0),
        ("bias", ((1, float("nan")),)),
        ("bias", (("a", 1.0),)),
    ],
)
def test_what_means_nothing_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(BadRequest, match=field):
        chain(Sampling(**{field: value}))  # type: ignore[arg-type]
