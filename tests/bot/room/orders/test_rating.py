"""/rate: thumbs where there are no buttons, counted like all others."""

import pytest

from bot.stage import Message


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("/评价 👍", "👍 1 👎 0"),
        ("/rate up", "👍 1 👎 0"),
        ("/评价 👍🏽", "👍 1 👎 0"),
        ("/打分 差", "👍 0 👎 1"),
        ("/rate -1", "👍 0 👎 1"),
    ],
)
async def test_a_thumb_on_the_last_line_is_counted_and_taken_back(play, typed, told):
    party = play(["好。"])
    await party.say("/召唤 悟空", "悟空，你好。", typed)
    assert party.notice.startswith("记下了：孙悟空的上一句")
    await party.say(typed, "/角色 悟空")  # twice is once
    assert told in party.notice
    await party.say("/评价 收回")
    assert "收回了" in party.notice
    await party.say("/角色 悟空")
    assert "👍 0 👎 0" in party.notice


async def test_people_are_counted_one_by_one_and_a_thumb_turns(play):
    party = play(["好。"])
    await party.say("/召唤 悟空", "悟空，你好。")
    for who, value in (("甲", "好"), ("乙", "好"), ("丙", "差"), ("乙", "差")):
        await party.say(f"/评价 {value}", by=who)
    await party.say("/角色 悟空")
    assert "👍 1 👎 2" in party.notice
    given = [g async for g in party.room.shared.memory.feedback.given()]
    assert sorted(g.value for g in given) == [-1, -1, 1]  # and it is learned from, as a button's is


@pytest.mark.parametrize("typed", ["/评价", "/评价 好极了", "/rate 5"])
async def test_what_is_no_thumb_is_said(play, typed):
    party = play(["好。"])
    await party.say("/召唤 悟空", "悟空，你好。", typed)
    assert party.notice == "觉得上一句怎样？/评价 👍、/评价 👎，/评价 收回"


async def test_without_a_line_and_of_a_shared_account_nothing_is_counted(play):
    party = play(["好。"])
    await party.say("/评价 好")
    assert "记下了" not in party.notice
    await party.say("/召唤 悟空")
    await party.room.hear(Message("test:channel", "频道", "/评价 好", personal=False))
    assert party.notice.startswith("几个人共用这个账号")
