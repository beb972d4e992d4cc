"""Names as parts of keys, and the order of stream entries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from bot.memory.keys import (
    PREFIX,
    person_key,
    person_of,
    quoted,
    room_key,
    room_keys,
    room_of,
    stream_order,
    tag,
    unquoted,
)

NAMES = st.text(st.characters(codec="utf-8"), min_size=1)


@given(NAMES)
def test_any_name_is_a_part_of_a_key_and_comes_back(name):
    part = quoted(name)
    assert not set(part) & set(":{} \n*?[]")
    assert unquoted(part) == name


@given(NAMES)
def test_a_key_says_whose_it_is(name):
    person = f"discord:{name}"
    assert person_of(person_key(person, "facts")) == person
    assert room_of(room_key(tag(person), "turns")) == tag(person)


def test_all_keys_of_a_room_and_of_a_person_are_in_one_slot():
    assert len({key_slot(key.encode()) for key in room_keys(tag("a:b c"))}) == 1
    keys = [person_key("a:b c", part) for part in ("facts", "account", "rooms", "offer")]
    assert len({key_slot(key.encode()) for key in keys}) == 1
    assert all(key.startswith(PREFIX) for key in keys)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [("", "0-1"), ("0-1", "0-2"), ("5-9", "5-10"), ("999-9", "1000-0"), ("7", "7-1")],
)
def test_entries_are_ordered_by_time_then_number(earlier, later):
    assert stream_order(earlier) < stream_order(later)
