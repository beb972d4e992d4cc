"""/roll and /choices in a room: heard by those on stage, decided once, answered as talk is."""

import random

import pytest

from bot.room import Room
from bot.stage import Message

WUKONG = "孙悟空"


async def test_what_fell_is_shown_and_known_on_stage(play):
    p = play(dice=random.Random(7))
    await p.say("/summon 悟空", "/掷骰 ２d６＋１")
    told = p.notice
    assert told.startswith("🎲 小明掷骰：2d6+1 = (")
    await p.say("悟空，几点？")
    assert f"旁白：{told.removeprefix('🎲 ')}" in p.prompts[-1]
    assert p.stage.notices == [told]


async def test_dice_that_cannot_be_thrown_are_said_to_whoever_asked(play):
    p = play()
    await p.say("/summon 悟空", "/roll banana", "/roll 900d6", "/roll d9999")
    assert ["2d6+1" in p.stage.notices[0], "100" in p.stage.notices[1]] == [True, True]
    assert "1000" in p.notice
    assert len(p.room.memory.turns) == 1  # nothing of it is in the scene


async def test_a_number_picks_what_was_offered(play):
    p = play()
    await p.say("/summon 悟空", "/选项 上山 | 下河 | 原地不动")
    assert p.notice.endswith("1. 上山\n2. 下河\n3. 原地不动")
    await p.say("９", "悟空，怎么走？")  # no such choice: talk
    assert p.room.memory.state.choices
    await p.say("２", by="小红")
    assert "小红：下河" in p.prompts[-1]
    assert p.lines[-1][0] == WUKONG
    assert p.room.memory.state.choices == ()
    await p.say("2")
    assert "小明：2" in p.prompts[-1]


async def test_a_pick_may_be_an_order_where_only_orders_are_heard(play):
    p = play()
    await p.say("/summon 悟空", "/choices 上山 | 下河", "/choices 1")
    assert "小明：上山" in p.prompts[-1]
    assert (await p.room.memory.open())[0] == []
    await p.say("/choices")
    assert "没有选项" in p.notice


@pytest.mark.parametrize(
    "text", ["/choices A", "/choices " + "|".join("ABCDEFGHIJ"), f"/choices A | {'长' * 300}"]
)
async def test_odd_choices_are_refused_and_open_ones_stay(play, text):
    p = play()
    await p.say("/choices 上山 | 下河", text)
    assert p.room.memory.state.choices == ("上山", "下河")
    await p.say("/选项 无")
    assert p.room.memory.state.choices == ()


async def test_choices_are_open_for_the_next_process(play):
    p = play()
    await p.say("/summon 悟空", "/choices 上山 | 下河")
    other = Room("test", p.room.key.partition(":")[2], p.room.shared, p.stage)
    await other.hear(Message("test:小红", "小红", "1"))
    assert "小红：上山" in p.prompts[-1]
    await p.room.enter()
    assert p.room.memory.state.choices == ()


async def test_forget_room_takes_open_choices_along(play):
    p = play()
    await p.say("/summon 悟空", "/choices 上山 | 下河", "/forget room")
    assert p.room.memory.state.choices == ()
    await p.say("/restore")
    assert p.room.memory.state.choices == ("上山", "下河")
