"""A room's name says where it is, and is read back."""

from __future__ import annotations

import pytest

from bot.platforms.telegram.places import Place


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (Place(11), "11"),
        (Place(-100123), "-100123"),
        (Place(-100123, 7), "-100123:7"),
        (Place(11, None, "wukong"), "11@wukong"),
    ],
)
def test_names_go_there_and_back(place, name):
    assert str(place) == name
    assert Place.named(name) == place


def test_people_have_positive_ids():
    assert Place(11).private
    assert not Place(-100123, 7).private


@pytest.mark.parametrize("name", ["", "x", "1:x", "main"])
def test_other_names_are_refused(name):
    with pytest.raises(ValueError, match="invalid literal"):
        Place.named(name)
