"""What the room's script is asked."""

import json

from bot.memory.update import KEPT_TURNS, RoomUpdate, flat, pairs


def test_what_is_not_to_be_done_is_not_asked():
    asked = json.loads(RoomUpdate().to_json(after="-", epoch=3, again=False))
    assert asked["epoch_known"] == "3"
    assert asked["turns_kept"] == KEPT_TURNS
    left = {
        "expect",
        "state",
        "turn",
        "drops",
        "texts",
        "closes",
        "opens",
        "lines",
        "erase",
        "stale",
    }
    assert not left & asked.keys()


def test_what_is_to_be_done_is_asked():
    update = RoomUpdate(id="a", opens=("a", "{}"), drops=("1-0",), texts={"2-0": "二"}, stale=True)
    asked = json.loads(update.to_json(after="(1-0", epoch=0, again=True))
    assert (asked["opens"], asked["drops"], asked["texts"]) == (["a", "{}"], ["1-0"], {"2-0": "二"})
    assert asked["again"] is True
    assert asked["stale"] is True


def test_each_attempt_names_another_birth():
    births = {
        json.loads(RoomUpdate().to_json(after="-", epoch=0, again=False))["birth"] for _ in "ab"
    }
    assert len(births) == 2


def test_flat_and_back():
    fields = {"a": "1", "b": "二"}
    assert flat(fields) == ("a", "1", "b", "二")
    assert pairs(list(flat(fields))) == fields
