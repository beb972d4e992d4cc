"""Who may give which order: typed or by a slash command, everywhere the same."""

import argparse

import pytest

from bot.commands import COMMANDS, Order, read
from bot.house import add_options
from bot.permissions import ACTIONS, Permissions, PermissionsError, action_of, load_permissions
from bot.stage import Message


@pytest.fixture
async def played(play):
    p = play(["老孙在此。", "俺也在。"])
    await p.say("/summon 悟空 八戒", "悟空，你好")
    return p


async def say(p, text, *, by="路人", moderator=False):
    p.stage.notices.clear()
    await p.room.hear(Message(f"test:{by}", by, text, moderator=moderator))
    return p.notice


CLOSED = [
    *("/forget room", "/忘记 屋子", "/忘记", "/undo", "/undo 3", "/pause", "/resume", "/note 悲伤"),
    *(
        "/edit 老孙不怕",
        "/language en",
        "/auto 2",
        "/dismiss all",
        "/退场 全部",
        "/dismiss 悟空 八戒",
    ),
    *("/dismiss 悟空 八戒", "/改成 老孙", "/提示 无", "/暂停", "/restore"),
]


@pytest.mark.parametrize("text", CLOSED)
async def test_a_stranger_may_not_give_orders_that_cannot_be_undone(played, text):
    before = played.room.memory.state, list(played.room.memory.turns)
    assert "只有管理员" in await say(played, text)
    order = read(text)
    await played.room.obey(order, person="test:路人", name="路人")  # as a slash command gives it
    assert "只有管理员" in played.notice
    assert (played.room.memory.state, played.room.memory.turns) == before


@pytest.mark.parametrize("text", CLOSED)
async def test_a_moderator_may(played, text):
    assert "只有管理员" not in await say(played, text, moderator=True)


@pytest.mark.parametrize(
    "text",
    ["/who", "/scene 花果山", "/retry", "/dismiss 八戒", "/note", "/language", "/recap", "/help"],
)
async def test_all_else_is_everybodys(played, text):
    assert "只有管理员" not in await say(played, text)


@pytest.mark.parametrize("text", CLOSED)
async def test_in_private_and_at_a_terminal_everybody_may(play, text):
    for options in ({"private": True}, {"limited": False}):
        p = play(**options)
        await p.say("/summon 悟空 八戒")
        assert "只有管理员" not in await say(p, text)


async def test_ones_own_turn_may_be_taken_back_with_its_answer(played):
    await say(played, "八戒，我说错了")
    said = len(played.room.memory.turns)
    assert "收回" in await say(played, "/undo 2")  # the answer, and what it answered
    assert len(played.room.memory.turns) == said - 2
    assert "只有管理员" in await say(played, "/undo 2")  # these are another one's
    assert "只有管理员" in await say(played, "/undo x")


async def test_a_file_opens_and_closes_orders(play, tmp_path):
    file = tmp_path / "rights.toml"
    file.write_text('undo = "everyone"\nretry = "moderators"\nnarrate = "nobody"\n')
    p = play(permissions=load_permissions(file))
    await p.say("/summon 悟空", "悟空，你好")
    assert "收回" in await say(p, "/undo 1")
    assert "只有管理员" in await say(p, "/retry")
    assert "只有管理员" in await say(p, "/narrate 天黑了", moderator=True)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('fly = "everyone"', "fly"),
        ('undo = "admins"', "everyone, moderators, nobody"),
        ("undo = 1", "undo"),
        ("undo", "cannot be read"),
        ('memory = "nobody"', "memory"),  # what is remembered of them is theirs
        ('help = "nobody"', "help"),
    ],
)
def test_a_file_that_says_nothing_usable_is_one_sentence(tmp_path, content, says):
    file = tmp_path / "rights.toml"
    file.write_text(content)
    with pytest.raises(PermissionsError, match=says) as caught:
        load_permissions(file)
    assert "\n" not in str(caught.value).partition("(at line")[0]


PARTS = {
    "forget_room",
    "dismiss_all",
    "undo_own",
    "voice_room",
    "character_review",
    "character_everywhere",
}


def test_every_action_is_an_orders_or_a_part_of_one():
    ids = {c.id for c in COMMANDS}
    assert ids >= ACTIONS - PARTS
    assert action_of(Order("dismiss", " ALL ")) == "dismiss_all"
    assert Permissions().allows("who", moderator=False)


def test_the_option_is_on_every_platform():
    parser = argparse.ArgumentParser()
    add_options(parser)
    assert parser.parse_args(["--rights", "a.toml"]).rights.name == "a.toml"


# -- what was forgotten by mistake -----------------------------------------------------------------


async def test_a_room_that_was_forgotten_can_be_brought_back_for_a_minute(play, memory):
    p = play(name="by mistake")
    await p.say("/summon 悟空", "/scene 花果山", "我的秘密是西瓜", "/forget room")
    assert "/恢复" in p.notice
    turns = len(p.room.memory.turns)
    await p.say("悟空，在吗")
    assert "西瓜" not in p.prompts[-1]
    await p.say("/restore")
    assert "3 句" in p.notice
    assert p.room.memory.state.place == "花果山"
    await p.say("悟空，我说过什么")
    assert p.prompts[-1].index("西瓜") < p.prompts[-1].index("在吗")
    assert len(p.room.memory.turns) == turns + 7
    await p.say("/restore")
    assert "没有可以找回来的" in p.notice


async def test_after_a_minute_it_is_gone(play, memory):
    p = play(name="gone for good")
    await p.say("/summon 悟空", "我的秘密是西瓜", "/forget room")
    left = [key async for key in memory.redis.scan_iter("*gone%20for%20good*:gone")]
    assert left
    assert all([0 < await memory.redis.ttl(key) <= 60 for key in left])
    await memory.redis.delete(*left)
    await p.say("/restore")
    assert "没有可以找回来的" in p.notice


async def test_who_is_erased_is_not_brought_back_with_the_room(play, memory, cast):
    from bot.people import People

    p = play(name="not with the room")
    p.room.shared.people = People(memory, p.room.shared.voice, cast)
    await p.say("/summon 悟空", "我的秘密是西瓜", "/forget room", "/forget all", "/restore")
    assert "西瓜" not in "".join(kept.turn.text for kept in p.room.memory.turns)
    await p.room.shared.people.close()
