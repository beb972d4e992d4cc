"""What the rooms of a process share, and what is found again after a start."""

import argparse

import pytest

from bot.house import House, add_options
from bot.limits import LimitsError
from bot.memory import Request, new_id
from bot.stage import Message
from canon import CanonError
from characters.turn import Turn


@pytest.fixture
async def opened(data, monkeypatch):
    """Opens houses by their options, without a model, on the tests' memory."""
    for name in ("REDIS_URL", "MRP_MODEL", "MRP_CANON", "MRP_LIMITS", "MRP_FILTER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(data))
    houses = []

    async def make(*words):
        parser = argparse.ArgumentParser()
        add_options(parser)
        options = parser.parse_args(["--model", "echo", *words])
        houses.append(await House.open(options, patience=5))
        return houses[-1]

    yield make
    for house in houses:
        await house.close()


async def test_a_room_is_one_object_however_often_it_is_asked_for(opened, stage):
    house = await opened()
    one = await house.room("test", "one object", lambda: stage)
    assert await house.room("test", "one object", lambda: stage) is one
    assert await house.room("test", "another", lambda: stage) is not one


async def test_rooms_of_a_house_are_counted_together(opened, stage):
    house = await opened()
    for name in ("counted a", "counted b"):
        room = await house.room("test", name, lambda: stage)
        await room.hear(Message("test:1", "小明", "/summon 悟空"))
        await room.hear(Message("test:1", "小明", "悟空，你好"))
    assert house.stats["heard"] == 4
    assert house.stats["said"] == 4


async def test_rooms_with_something_left_to_do_are_found_and_others_are_not(opened, stage):
    house = await opened()
    for name in ("done with", "left: 一/2"):
        room = await house.room("leaving", name, lambda: stage)
        await room.hear(Message("leaving:1", "小明", "/summon 悟空"))
    left = Request(new_id(), person="leaving:1", name="小明", text="悟空，在吗")
    await room.memory.hear(left, Turn("小明", "悟空，在吗"))
    assert await house.unfinished("leaving") == ["left: 一/2"]
    again = await opened()
    room = await again.room("leaving", "left: 一/2", lambda: stage)
    await room.resume()
    assert stage.lines[-1] == ("孙悟空", "悟空，在吗")
    assert await again.unfinished("leaving") == []


async def test_what_is_named_and_not_there_is_one_sentence(opened, tmp_path, monkeypatch):
    with pytest.raises(CanonError):
        await opened("--canon", str(tmp_path / "nowhere"))
    with pytest.raises(LimitsError):
        await opened("--limits", str(tmp_path / "nowhere.toml"))
    monkeypatch.setenv("MRP_CANON", str(tmp_path / "elsewhere"))
    with pytest.raises(CanonError, match="elsewhere"):
        await opened()


async def test_limits_hold_where_strangers_are(opened, stage, tmp_path):
    file = tmp_path / "limits.toml"
    file.write_text("person = { burst = 1, per_minute = 1 }\n", encoding="utf-8")
    house = await opened("--limits", str(file))
    room = await house.room("test", "strangers", lambda: stage)
    await room.hear(Message("test:9", "小明", "/summon 悟空"))
    await room.hear(Message("test:9", "小明", "悟空？"))
    assert len(stage.lines) == 1
    home = await house.room("test", "at home", lambda: stage, limited=False)
    for text in ("/summon 悟空", "悟空？", "悟空！"):
        await home.hear(Message("test:9", "小明", text))
    assert len(stage.lines) == 4


async def test_idle_rooms_leave_and_come_back_as_they_were(opened, stage, monkeypatch):
    monkeypatch.setattr("bot.house.SWEEP", 0.0)
    house = await opened()
    left = []
    house.on_leave.append(lambda platform, name: left.append((platform, name)))
    quiet = await house.room("test", "quiet", lambda: stage)
    await quiet.hear(Message("test:1", "小明", "/summon 悟空"))
    busy = await house.room("test", "busy", lambda: stage)
    quiet.used -= 3601
    busy.used -= 3601
    monkeypatch.setattr(type(busy), "idle", property(lambda self: self is not busy))
    assert await house.room("test", "busy", lambda: stage) is busy
    assert left == [("test", "quiet")]
    again = await house.room("test", "quiet", lambda: stage)
    assert again is not quiet
    scene, _ = await again.enter()
    assert [c.id for c in scene.cast] == ["wukong"]


async def test_rooms_of_a_process_are_bounded(opened, stage, monkeypatch):
    monkeypatch.setattr("bot.house.MOST_ROOMS", 20)
    house = await opened()
    for number in range(200):
        await house.room("test", f"one of many {number}", lambda: stage)
    assert len(house._rooms) <= 20
    assert await house.room("test", "one of many 199", lambda: stage)
