"""How long the texts of a made character may be."""

from dataclasses import replace

import pytest

from characters.bounds import LARGEST, LARGEST_SOURCE, Bound, too_long
from characters.card import Lines, Source, Title, Words, load_cast

WUKONG = load_cast()["wukong"]


@pytest.mark.parametrize("character", list(load_cast()), ids=lambda c: c.id)
def test_the_shipped_cards_are_within_all_bounds(character):
    assert too_long(character) is None


@pytest.mark.parametrize(
    ("change", "bound"),
    [
        ({"name": Words("猴" * 41, "Monkey")}, Bound("name.zh", 41, 40)),
        ({"persona": Words("猴", "m" * 8001)}, Bound("persona.en", 8001, 8000)),
        ({"lines": Lines(("好",) * 25)}, Bound("lines.zh", 25, 24)),
        ({"refusal": Lines((), ("no" * 201,))}, Bound("refusal.en", 402, 400)),
        ({"categories": ("猴",) * 9}, Bound("categories", 9, 8)),
        ({"emoji": "x" * 17}, Bound("emoji", 17, 16)),
    ],
)
def test_what_passes_a_bound_is_named_with_its_length_and_the_limit(change, bound):
    assert too_long(replace(WUKONG, **change)) == bound


def test_many_short_texts_are_too_long_together():
    found = too_long(replace(WUKONG, titles=(Title(Lines(("猴",) * 30_000)),)))
    assert found is not None
    assert found.key == "card"
    assert found.length > found.limit == LARGEST


def test_a_foreign_card_is_kept_whole_beside_and_has_a_bound_of_its_own():
    assert too_long(replace(WUKONG, source=Source("x" * LARGEST_SOURCE))) is None
    found = too_long(replace(WUKONG, source=Source("x" * (LARGEST_SOURCE + 1))))
    assert found == Bound("source", LARGEST_SOURCE + 1, LARGEST_SOURCE)
    assert too_long(replace(WUKONG, source=Source("{}", note="x" * LARGEST))) is not None
