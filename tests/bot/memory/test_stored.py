"""What is written of a room is read as it was."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.memory import Request, RoomState, StoredLine, StoredTurn, Summary, new_id
from bot.memory.stored import (
    as_shown,
    state_from_fields,
    state_to_fields,
    turn_from_fields,
    turn_to_fields,
)
from bot.memory.update import pairs
from characters.turn import Turn

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
IDS = st.lists(st.sampled_from(["wukong", "bajie", "tangseng"]), unique=True).map(tuple)


@given(
    st.builds(
        StoredTurn,
        id=st.just("5-1"),
        turn=st.builds(
            Turn,
            speaker=TEXT,
            text=TEXT,
            side=st.sampled_from(["human", "character", "narration"]),
            witnesses=st.none() | IDS.map(frozenset),
        ),
        person=TEXT,
        broken_off=st.booleans(),
        message=TEXT,
        forwarded=st.booleans(),
    )
)
def test_a_turn_comes_back(stored):
    assert turn_from_fields("5-1", turn_to_fields(stored)) == stored


@given(
    st.builds(
        Request,
        id=st.just(new_id()),
        person=TEXT,
        name=TEXT,
        text=TEXT,
        order=st.booleans(),
        said=st.booleans(),
        queue=st.none() | IDS,
        asked=IDS,
        drawn=IDS,
        message=TEXT,
        personal=st.booleans(),
        forwarded=st.booleans(),
    )
)
def test_a_request_comes_back_and_says_whom_things_are_remembered_of(request):
    assert Request.from_json(request.to_json()) == request
    assert request.individual == (request.person if request.personal else "")


def test_a_line_comes_back_and_shows_one_of_its_versions():
    line = StoredLine("l.0", "wukong", ("一", "二"), 1, ("p1",), ((7, "书里的话"),), "test:1")
    assert StoredLine.from_json("l.0", line.to_json()) == line
    turn = StoredTurn("1-0", Turn("wukong", "一", "character"), line="l.0")
    assert as_shown(turn, line).turn.text == "二"
    assert as_shown(turn, None) is turn


def test_the_state_comes_back():
    changes: dict[str, Any] = {
        "cast": ("wukong", "bajie"),
        "place": "月下",
        "chapter": 27,
        "paused": True,
        "language": "en",
        "summaries": (Summary(frozenset({"wukong"}), "西瓜"),),
        "mark": "5-1",
    }
    assert state_from_fields(pairs(list(state_to_fields(changes)))) == RoomState(**changes)
    with pytest.raises(TypeError, match="weather"):
        state_to_fields({"weather": "fine"})


def test_ids_grow_and_tell_the_time():
    ids = [new_id() for _ in range(3000)]
    assert len(set(ids)) == 3000
    assert Request(ids[0]).heard == pytest.approx(int(ids[0][:11], 16) / 1000)
