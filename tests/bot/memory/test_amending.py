"""Messages edited and deleted on their platform: what is left of what they said."""

import itertools

import pytest

from bot.memory import AlreadyHandled, Request, StoredLine, Summary, amending, new_id
from characters.turn import Turn

_numbers = itertools.count()


@pytest.fixture
def room(memory):
    return memory.room("test", f"amending {next(_numbers)}")


async def hears(room, text, message, *, waits=False, order=False):
    request = Request(new_id(), person="test:1", name="小明", text=text, order=order)
    turn = None if waits or order else Turn("小明", text)
    return await room.hear(request, turn, message=message)


async def answers(room, request, text):
    line = StoredLine(request.line, "wukong", (text,))
    await room.write(Turn("wukong", text, "character"), line=line, work=request)
    return line


def texts(room):
    return [stored.turn.text for stored in room.turns]


async def everything(memory, room):
    found = []
    for key in room._keys:
        match await memory.redis.type(key):
            case "hash":
                found.append(str(await memory.redis.hgetall(key)))
            case "stream":
                found.append(str(await memory.redis.xrange(key)))
    return "".join(found)


async def test_an_edit_before_the_answer_is_what_is_answered(room):
    request = await hears(room, "悟空，西瓜多少钱？", "m1", waits=True)
    amended = await amending.edit(room, "m1", "悟空，南瓜多少钱？")
    (now,) = amended.requests
    assert (now.id, now.text) == (request.id, "悟空，南瓜多少钱？")
    with pytest.raises(AlreadyHandled):
        await room.say(request, Turn("小明", request.text))
    stored = await amending.current(room, request)
    assert stored is not None
    await room.say(stored, Turn("小明", stored.text))
    assert texts(room) == ["悟空，南瓜多少钱？"]


async def test_an_edit_changes_the_turn_and_keeps_its_place(room, memory):
    for number in range(6):
        await hears(room, f"第{number}句", f"m{number}")
    before = [stored.id for stored in room.turns]
    amended = await amending.edit(room, "m2", "改过的话")
    assert [(b.turn.text, a.turn.text) for b, a in zip(amended.before, amended.after, strict=True)]
    fresh = memory.room("test", room._name.replace("%20", " "))
    await fresh.look()
    assert texts(fresh) == ["第0句", "第1句", "改过的话", "第3句", "第4句", "第5句"]
    assert [stored.id for stored in fresh.turns] == before
    assert [stored.message for stored in fresh.turns] == [f"m{n}" for n in range(6)]
    await hears(fresh, "还能说", "m9")
    assert texts(fresh)[-1] == "还能说"


async def test_whoever_holds_the_room_sees_the_edit(room, memory):
    other = memory.room("test", room._name.replace("%20", " "))
    await hears(room, "西瓜", "m1")
    await other.look()
    await amending.edit(room, "m1", "南瓜")
    await other.look()
    assert texts(other) == ["南瓜"]


async def test_an_order_that_waits_is_not_made_another_one(room):
    order = await hears(room, "/forget 1", "m1", order=True)
    assert not await amending.edit(room, "m1", "/forget all")
    assert await amending.current(room, order) == order


async def test_a_deletion_leaves_the_text_nowhere(room, memory):
    secret = "我家住在北京市海淀区中关村大街二十七号"
    request = await hears(room, f"悟空，{secret}。", "m1")
    await answers(room, request, f"哦，{secret}，俺老孙记下了。")
    await hears(room, "八戒呢？", "m2")
    await room.write(
        summaries=(Summary(frozenset({"wukong"}), f"众人赶路。小明说{secret}。天黑了。"),),
        cast=("wukong",),
    )
    amended = await amending.delete(room, ["m1", "m7"])
    assert [stored.turn.text for stored in amended.before] == [f"悟空，{secret}。"]
    assert texts(room) == ["哦……，俺老孙记下了。", "八戒呢？"]
    assert room.state.summary("wukong") == "众人赶路。天黑了。"
    held = await everything(memory, room)
    assert "中关村" not in held
    assert "海淀" not in held


async def test_a_deletion_before_the_answer_takes_the_request_away(room):
    waiting = await hears(room, "悟空，西瓜？", "m1", waits=True)
    said = await hears(room, "悟空，冬瓜？", "m2")
    order = await hears(room, "/forget all", "m3", order=True)
    amended = await amending.delete(room, ["m1", "m2", "m3"])
    assert set(amended.gone) == {waiting.id, said.id, order.id}
    assert await room.open() == ([], {})
    assert await amending.current(room, waiting) is None
    with pytest.raises(AlreadyHandled):
        await answers(room, said, "冬瓜两文钱。")
    assert texts(room) == []


async def test_what_was_trimmed_from_prompts_is_found_too(room):
    await hears(room, "很久以前的西瓜", "m1")
    await hears(room, "二", "m2")
    await room.write(mark=room.turns[0].id)
    assert texts(room) == ["二"]
    assert await amending.delete(room, ["m1"])
    assert [stored.turn.text for stored in await room.between()] == ["二"]


async def test_what_is_not_known_changes_nothing(room):
    await hears(room, "西瓜", "m1")
    for nothing in (
        await amending.edit(room, "m7", "南瓜"),
        await amending.edit(room, "m1", "西瓜"),
        await amending.delete(room, []),
        await amending.delete(room, ["", "m9"]),
    ):
        assert not nothing
    assert texts(room) == ["西瓜"]


async def test_a_change_meanwhile_is_not_written_over(room, memory, monkeypatch):
    """Between reading and writing somebody else edits another message."""
    other = memory.room("test", room._name.replace("%20", " "))
    await hears(room, "西瓜", "m1")
    await hears(room, "冬瓜", "m2")
    lines, done = room.open, []

    async def meanwhile():
        if not done:
            done.append(await amending.edit(other, "m2", "木瓜"))
        return await lines()

    monkeypatch.setattr(room, "open", meanwhile)
    await amending.edit(room, "m1", "南瓜")
    assert texts(room) == ["南瓜", "木瓜"]


async def test_what_was_forwarded_and_who_several_people_are_is_stored(room):
    shared = Request(new_id(), person="test:channel", name="频道", text="一", personal=False)
    await room.hear(shared, Turn("频道", "一"), message="m1")
    passed = Request(new_id(), person="test:1", name="小明", text="二", forwarded=True)
    await room.hear(passed, Turn("小明", "二"), message="m2")
    kept = [(stored.person, stored.forwarded, stored.message) for stored in room.turns]
    assert kept == [("", False, "m1"), ("test:1", True, "m2")]
