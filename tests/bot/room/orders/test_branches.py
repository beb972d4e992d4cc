"""/checkpoint and /branch: from any line and back, whole or not at all, bounded, for everybody."""

import itertools

import pytest
import redis

from bot.memory import AlreadyHandled, Request, new_id
from bot.memory.branches import MOST_BRANCHES, leave_at
from bot.memory.update import RoomUpdate
from bot.room import Room
from bot.stage import Message


def counted():
    numbers = itertools.count(1)
    return lambda prompt: f"第{next(numbers)}句答话，{'甲乙丙丁戊己庚辛'[next(numbers) % 8] * 5}。"


def said(p):
    return [k.turn.text for k in p.room.memory.turns if k.turn.side == "human"]


async def scene(play, **more):
    p = play(counted(), **more)
    await p.say("/summon 悟空", "悟空，一", "悟空，二", "悟空，三")
    return p


def again(p):
    """The same room as another process sees it."""
    return Room("test", p.room.key.partition(":")[2], p.room.shared, p.stage)


async def test_from_three_lines_back_and_back_again(play):
    p = await scene(play)
    await p.say("/分支 四句")
    assert said(p) == ["悟空，一"]
    assert "/分支 b1 回去" in p.notice
    assert "小明：悟空，一" in p.notice
    await p.say("悟空，另一个二")
    assert "悟空，二" not in p.prompts[-1]
    assert "悟空，三" not in p.prompts[-1]
    await p.say("/branch b1")
    assert said(p) == ["悟空，一", "悟空，二", "悟空，三"]
    await p.say("悟空，四")
    assert "另一个二" not in p.prompts[-1]
    assert "悟空，三" in p.prompts[-1]
    await p.say("/branch back")
    assert said(p) == ["悟空，一", "悟空，另一个二"]
    await p.say("/branch 回去")
    assert said(p) == [
        "悟空，一",
        "悟空，二",
        "悟空，三",
        "悟空，四",
    ]  # it went on where it was left


async def test_a_checkpoint_stays_as_it_is(play):
    p = await scene(play)
    await p.say("/场景 月下荒庙", "/存档 过桥之前", "/场景 桥上", "悟空，四", "/branch 过桥之前")
    assert said(p)[-1] == "悟空，三"
    assert p.room.memory.state.place == "月下荒庙"
    await p.say("悟空，五", "/branch 过桥之前")
    assert said(p)[-1] == "悟空，三"
    await p.say("/branch")
    assert p.notice.count("\n") == 3  # the checkpoint, and both ways on from it
    await p.say("/branch b1")
    assert said(p)[-1] == "悟空，四"
    assert p.room.memory.state.place == "桥上"


async def test_from_the_line_that_is_replied_to(play):
    p = await scene(play)
    line = p.stage.done[1]  # the answer to 一
    message = Message("test:小明", "小明", "/branch here", moderator=True)
    await p.room.hear(
        Message("test:小明", "小明", "/分支 这里", reply_to=f"place of {line.id}", moderator=True)
    )
    assert said(p) == ["悟空，一"]
    assert p.room.memory.turns[-1].turn.text == line.text
    await p.room.hear(message)
    assert "回复那一句" in p.notice


async def test_other_processes_and_the_next_one_are_on_the_branch(play):
    p = await scene(play)
    other = again(p)
    await other.enter()
    await p.say("/branch 2")
    await other.hear(Message("test:小红", "小红", "悟空，别的三"))
    assert "悟空，三" not in p.prompts[-1]
    later = again(p)
    await later.enter()
    assert [k.turn.text for k in later.memory.turns if k.turn.side == "human"] == [
        "悟空，一",
        "悟空，二",
        "悟空，别的三",
    ]


async def test_a_lost_answer_of_redis_changes_nothing_twice(play, monkeypatch):
    p = await scene(play)
    send, lost = RoomUpdate.send, []

    async def once_lost(self, client, keys, **how):
        answer = await send(self, client, keys, **how)
        if self.state and self.closes and not lost:
            lost.append(self)
            raise redis.ConnectionError("the answer was lost")
        return answer

    monkeypatch.setattr(RoomUpdate, "send", once_lost)
    await p.say("/branch 4")
    assert lost
    assert said(p) == ["悟空，一"]
    assert [b.name for b in p.room.memory.state.branches] == ["b1"]


async def test_an_order_that_another_process_carried_out_changes_nothing(play):
    p = await scene(play)
    strange = Request(new_id(), person="test:小明", name="小明", text="/branch 2", order=True)
    with pytest.raises(AlreadyHandled):
        await leave_at(p.room.memory, "", strange)
    assert len(said(p)) == 3
    assert p.room.memory.state.branches == ()


async def test_summaries_hold_only_where_the_talk_was_the_same(play):
    p = await scene(play)
    mark = p.room.memory.turns[3].id
    await p.room.memory.write(mark=mark, summed=mark)
    await p.say("/branch 1")
    assert p.room.memory.state.mark == mark
    await p.say("/branch 3")
    assert p.room.memory.state.mark == ""
    assert said(p) == ["悟空，一"]


async def test_as_many_as_are_allowed_and_no_more(play):
    p = await scene(play)
    for number in range(MOST_BRANCHES):
        await p.say(f"/存档 第{number}处的")
    await p.say("/存档 多一个")
    assert "最多 20 个" in p.notice
    await p.say("/branch 2")
    assert p.notice.startswith("从这里另起") or "最多" in p.notice
    assert len(p.room.memory.state.branches) == MOST_BRANCHES
    await p.say("/分支 删除 第3处的", "/存档 多一个")
    assert p.room.memory.state.branches[-1].name == "多一个"


async def test_what_is_on_no_branch_any_more_is_gone(play):
    p = await scene(play)
    await p.say("/branch 2", "悟空，别的三", "/branch delete b1")
    stored = await p.room.memory.between(hidden=True)
    assert "悟空，三" not in [k.turn.text for k in stored]
    assert said(p) == ["悟空，一", "悟空，二", "悟空，别的三"]


@pytest.mark.parametrize("name", ["", "3", "三句", "back", "删除 x", "长" * 25, "！！", "here"])
async def test_names_that_are_none(play, name):
    p = await scene(play)
    await p.say(f"/checkpoint {name}")
    assert p.room.memory.state.branches == ()
    assert "最多 24 个字" in p.notice


@pytest.mark.parametrize("argument", ["99", "0", "nowhere", "back", "delete nowhere"])
async def test_ways_that_lead_nowhere(play, argument):
    p = await scene(play)
    await p.say(f"/branch {argument}")
    assert len(said(p)) == 3
    assert p.room.memory.state.branches == ()
    assert len(p.stage.notices) == 1


async def test_only_moderators_and_anybody_may_look(play):
    p = await scene(play)
    for text in ("/branch 2", "/checkpoint x", "/branch"):
        await p.room.hear(Message("test:小红", "小红", text))
    assert ["只有管理员" in notice for notice in p.stage.notices] == [True, True, False]


async def test_who_is_forgotten_is_forgotten_on_all_branches(play, memory):
    p = await scene(play)
    await memory.person("test:小红").came(p.room.key, "小红")
    await p.say("悟空，我住在高老庄东头三号", by="小红")
    await p.say("/scene 小红 的屋子", "/checkpoint 小红 来了", "/branch 4", "悟空，别的")
    await memory.person("test:小红").forget_everything()
    stored = await memory.redis.hgetall(p.room.memory._keys[1])
    assert "小红" not in "".join(stored.values())
    await p.room.enter()
    assert [b.turns for b in p.room.memory.state.branches]
    turns = await p.room.memory.between(hidden=True)
    assert all("高老庄" not in k.turn.text for k in turns)


async def test_a_forgotten_room_has_no_branches(play):
    p = await scene(play)
    await p.say("/checkpoint 这里的事", "/branch 2", "/forget room")
    assert p.room.memory.state.branches == ()
    assert p.room.memory.state.hidden == ()
    await p.say("/restore")
    assert said(p) == ["悟空，一", "悟空，二"]
    await p.say("/branch 这里的事")
    assert said(p) == ["悟空，一", "悟空，二", "悟空，三"]
