"""Stored characters in a room: summoned by nickname, changed, and withdrawn on stage."""

from dataclasses import replace

import pytest

from bot.casts import Casts
from characters.card import Lines, Words, read_card

MOTTLE = {
    "id": "new",
    "language": "zh",
    "name": "小墨龙",
    "aliases": ["小墨"],
    "greeting": "墨龙来也！",
    "brief": "一条爱写字的小龙。",
}


@pytest.fixture
async def elsewhere(memory, cast):
    """What another process makes and changes."""
    if keys := await memory.redis.keys("mrp:1:{cast}:*"):
        await memory.redis.delete(*keys)
    return Casts(memory, cast)


async def keep(elsewhere, room, **more):
    card = read_card(MOTTLE | more, "made")
    return await elsewhere.keep(card, "test:小红", "place", place=room.view.place)


async def test_what_another_process_made_is_summoned_by_its_nickname_and_answers(play, elsewhere):
    party = play(["墨已磨好。"])
    await party.say("/召唤 小墨")
    assert "没有人叫“小墨”" in party.notice
    await keep(elsewhere, party.room)
    await party.say("/召唤 小墨", "小墨，写个字给我看。")
    assert party.lines == [("小墨龙", "墨龙来也！"), ("小墨龙", "墨已磨好。")]
    assert "小墨龙：一条爱写字的小龙。" in party.prompts[-1]


async def test_a_change_is_read_at_the_next_message(play, elsewhere):
    party = play(["好。"])
    entry = await keep(elsewhere, party.room)
    await party.say("/召唤 小墨", "小墨，你好。")
    changed = replace(entry.character, brief=Words("一条爱画画的小龙。"))
    await elsewhere.keep(changed, entry.owner, "place", place=entry.place)
    await party.say("小墨，画一个。")
    assert "一条爱画画的小龙" in party.prompts[-1]
    assert "写字" not in party.prompts[-1]


async def test_one_that_is_withdrawn_says_goodbye_and_its_lines_stay(play, elsewhere):
    party = play(["好。"])
    entry = await keep(elsewhere, party.room)
    await party.say("/召唤 小墨", "/召唤 悟空", "小墨，你好。")
    await elsewhere.withdraw(entry.id)
    await party.say("小墨呢？")
    speakers = [name for name, _ in party.lines]
    assert speakers == ["小墨龙", "孙悟空", "小墨龙", "小墨龙", "孙悟空"]
    assert party.lines[3] == ("小墨龙", "我这就告辞了，诸位保重。")
    assert [c.id for c in party.room.scene().cast] == ["wukong"]
    assert "小墨龙：好。" in party.prompts[-1]
    await party.say("/前情")
    assert "小墨龙：好。" in party.notice
    await party.say("/召唤 小墨")
    assert "没有人叫“小墨”" in party.notice
    assert [text for _, text in party.lines].count("我这就告辞了，诸位保重。") == 1


async def test_a_character_of_one_language_greets_in_it_in_every_room(play, elsewhere):
    party = play(["Fine."], language="en")
    await keep(elsewhere, party.room)
    await party.say("/summon 小墨", "小墨, how are you?")
    assert party.lines[0] == ("小墨龙", "墨龙来也！")
    assert "/summon" not in party.notice


async def test_a_private_room_has_the_characters_of_the_person_who_speaks_there(play, elsewhere):
    card = read_card(MOTTLE, "made")
    await elsewhere.keep(card, "test:小明")
    mine, open_ = play(["好。"], private=True), play(["好。"])
    await mine.say("/召唤 小墨")
    assert mine.lines == [("小墨龙", "墨龙来也！")]
    await open_.say("/召唤 小墨")
    assert open_.lines == []


async def test_nobody_takes_the_name_of_a_stored_character(play, elsewhere):
    party = play(["好。"])
    await keep(elsewhere, party.room, lines=["哼。"])
    await party.say("/召唤 小墨")
    await party.say("小墨，你好。", by="小墨龙")
    assert "小墨龙（客）：小墨，你好。" in party.prompts[-1]


async def test_an_empty_reply_becomes_a_line_of_its_card(play, elsewhere):
    party = play([""])
    entry = await keep(elsewhere, party.room)
    await party.say("/召唤 小墨", "小墨，你好。")
    assert party.lines[-1] == ("小墨龙", "墨龙来也！")  # without lines its greeting
    changed = replace(entry.character, lines=Lines(("哼。",)))
    await elsewhere.keep(changed, entry.owner, "place", place=entry.place)
    await party.say("小墨，你好。")
    assert party.lines[-1] == ("小墨龙", "哼。")
