"""Every message is answered once: delivered twice, left by a process that died, or waiting."""

import asyncio
import time
from dataclasses import replace

import pytest

from bot.memory import Request, StoredLine, new_id
from bot.memory.update import KEPT_HEARD, KEPT_LINES
from bot.portable import process_ended, process_id
from bot.room import inbox as rooms
from bot.stage import Message
from characters.turn import Turn

DEAD = "/".join(
    [*process_id().split("/")[:2], "1", "0"]
)  # a process of this machine that never was


@pytest.fixture
def died(monkeypatch):
    """Leave a message as a process does that is killed after storing it."""

    async def leave(play, text, *, said=True, order=False, minutes=0.0, owner=DEAD):
        memory = play.room.memory
        await memory.look()
        at = time.time() - 60 * minutes
        work_id = f"{int(at * 1000):011x}{new_id()[11:]}"
        work = Request(work_id, person="test:小明", name="小明", text=text, order=order)
        monkeypatch.setattr("bot.memory.room.process_id", lambda: owner)
        work = await memory.hear(work, Turn("小明", text) if said and not order else None)
        monkeypatch.undo()
        return work

    return leave


async def test_a_message_that_is_delivered_twice_is_heard_once(play):
    p = play()
    await p.say("/summon 悟空")
    message = Message("test:1", "小明", "悟空，你好", id="42")
    await asyncio.gather(p.room.hear(message), p.room.hear(message))
    await p.room.hear(message)
    assert len(p.lines) == 2
    assert p.room.stats["heard twice"] == 2


async def test_another_process_does_not_hear_it_again_either(play):
    one, two = play(name="twice"), play(name="twice")
    await one.say("/summon 悟空")
    await one.room.hear(Message("test:1", "小明", "悟空，你好", id="42"))
    await two.room.hear(Message("test:1", "小明", "悟空，你好", id="42"))
    assert two.lines == []


async def test_ids_of_messages_do_not_grow_for_ever(play, memory):
    p = play(name="many ids")
    for number in range(KEPT_HEARD + 20):
        await p.room.memory.hear(Request(new_id()), message=str(number))
    assert await memory.redis.zcard("mrp:1:{room:test:many%20ids}:heard") == KEPT_HEARD


async def test_what_a_dead_process_heard_is_answered(play, died):
    p = play(name="left behind")
    await p.say("/summon 悟空")
    await died(p, "悟空，第一句")
    await died(p, "悟空，第二句", said=False)
    again = play(name="left behind")
    await again.room.resume()
    scene, _ = await again.room.enter()
    assert [t.text for t in scene.turns[1:]] == [
        "悟空，第一句",
        "知道了。",
        "悟空，第二句",
        "知道了。",
    ]
    await again.room.resume()
    await play(name="left behind").room.resume()
    assert len(again.lines) == 2


async def test_what_is_taken_up_late_is_answered_as_it_was_asked(play, died):
    """People spoke on, with another process, before it was found that one had died."""
    first = play(name="late")
    await first.say("/summon 悟空 八戒")
    work = await died(first, "悟空，花果山在哪里？八戒也说说")
    memory = first.room.memory
    await memory.write(
        Turn("wukong", "在东海。", "character"),
        line=StoredLine(work.line, "wukong", ("在东海。",)),
        work=work,
        then=replace(work, step=1, queue=("bajie",), asked=("wukong", "bajie")),
    )
    await play(name="late").say("悟空，天冷吗？")
    again = play(name="late")
    await again.room.resume()
    asked = again.prompts[-1]
    assert "天冷吗" not in asked
    assert asked.index("花果山在哪里") < asked.index("在东海。")
    turns = [k for k in again.room.memory.turns if k.turn.side != "narrator"]
    assert [k.line.partition(".")[0] == work.id for k in turns[-5:]] == [
        True,
        True,
        False,
        False,
        True,
    ]
    assert turns[-1].turn.speaker == "bajie"
    assert await again.room.memory.open() == ([], {})


async def test_nobody_waits_any_more_for_an_old_answer(play, died):
    p = play(name="long ago")
    await p.say("/summon 悟空")
    await died(p, "悟空，你在吗", minutes=rooms.FRESH / 60 + 1)
    again = play(name="long ago")
    await again.room.resume()
    assert again.lines == []
    assert again.stage.notices == ["没有来得及回答小明：“悟空，你在吗”"]
    await again.room.resume()
    assert len(again.stage.notices) == 1


async def test_an_order_is_not_given_twice(play, died):
    p = play(name="half an order")
    await p.say("/summon 悟空", "悟空，一", "悟空，二")
    await died(p, "/undo 2", order=True)
    again = play(name="half an order")
    await again.room.resume()
    assert "/undo 2" in again.notice
    scene, _ = await again.room.enter()
    assert len(scene.turns) == 5


async def test_what_a_living_process_sees_to_is_left_to_it(play, died):
    p = play(name="alive")
    await p.say("/summon 悟空")
    await died(p, "悟空，一", owner=process_id())
    again = play(name="alive")
    other = f"{DEAD.partition('/')[0]}x/1/1/1"
    await died(p, "悟空，二", owner=other)
    mine = process_id()
    assert process_ended(mine) is False
    assert process_ended(DEAD) is True
    assert process_ended(other) is None
    await again.room.resume()
    assert len(again.lines) == 1  # its own; the other machine's may still come
    async with asyncio.timeout(5):  # and a room that ends does not wait for them
        await again.room.close()


async def test_a_reply_is_kept_only_by_who_is_first(play, died):
    """Two processes answer the same message: one line is kept, the other one is withdrawn."""
    one, two = play(delay=0.003, name="race"), play(delay=0.003, name="race")
    await one.say("/summon 悟空")
    await died(one, "悟空，谁来答？")
    await asyncio.gather(one.room.resume(), two.room.resume())
    scene, _ = await one.room.enter()
    assert [t.text for t in scene.turns[1:]] == ["悟空，谁来答？", "知道了。"]


async def test_a_line_that_was_kept_and_not_shown_is_shown(play):
    p = play(name="not shown")
    await p.say("/summon 悟空")

    async def breaks(line):
        raise KeyboardInterrupt  # stands for the end of the process

    work = await p.room.memory.hear(Request(new_id(), name="小明"), Turn("小明", "你好"))
    line = StoredLine(work.line, "wukong", ("在此。",))
    await p.room.memory.write(Turn("wukong", "在此。", "character"), line=line, work=work)
    again = play(name="not shown")
    await again.room.resume()
    assert again.lines == [("孙悟空", "在此。")]
    assert (await again.room.status()).last_places == (f"place of {line.id}",)
    await again.room.resume()
    assert len(again.lines) == 1


async def test_a_line_is_found_by_its_place_and_can_be_rated(play):
    p = play()
    await p.say("/summon 悟空", "悟空，你好")
    await p.room.settle()
    (place,) = (await p.room.status()).last_places
    assert await p.room.rate("test:1", place, 1)
    assert not await p.room.rate("test:1", "nowhere", 1)


async def test_a_reply_to_a_line_is_to_who_said_it(play):
    p = play()
    await p.say("/summon 悟空 八戒")
    wukong = f"place of {p.stage.done[0].id}"
    await p.say("八戒，你好")
    await p.room.hear(Message("test:小明", "小明", "此话当真？", reply_to=wukong))
    assert p.lines[-1][0] == "孙悟空"


async def test_places_do_not_grow_for_ever(play, memory):
    p = play(name="many lines")
    await p.say("/summon 悟空", *(f"悟空，{n}" for n in range(KEPT_LINES + 5)))
    assert await memory.redis.hlen("mrp:1:{room:test:many%20lines}:lines") == KEPT_LINES
    assert not await memory.redis.exists("mrp:1:{room:test:many%20lines}:open")


async def test_who_leaves_in_the_middle_is_answered_after_the_next_start(play):
    p = play(delay=0.01, name="walked away")
    await p.say("/summon 悟空")
    first = asyncio.create_task(p.say("悟空，一"))
    await asyncio.sleep(0.03)
    second = asyncio.create_task(p.say("悟空，二"))
    await asyncio.sleep(0.02)
    second.cancel()  # it waited for its turn
    await first
    again = play(name="walked away")
    await again.room.resume()  # the same process: it is ours, and nobody sees to it any more
    scene, _ = await again.room.enter()
    assert [t.text for t in scene.turns][-2:] == ["悟空，二", "知道了。"]
