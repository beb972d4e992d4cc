"""Forgetting leaves nothing: not in Redis, not on disk, not in what others are known by."""

import itertools
import time

import pytest

from bot.memory import Fact, forgetting, open_memory
from bot.people import People
from characters.turn import Turn

_numbers = itertools.count()


@pytest.fixture
def new(memory):
    """Makes people whom nobody knows yet."""
    return lambda platform="test": memory.person(f"{platform}:forgotten {next(_numbers)}")


async def test_what_was_erased_is_not_on_the_disk_either(tmp_path):
    memory = await open_memory(None, folder=tmp_path)
    ann, bob = memory.person("test:id4711"), memory.person("test:bob")
    room = memory.room("test", "r")
    for person, name in ((ann, "阿青姑娘"), (bob, "老王头")):
        await person.came("test:r", name)
        await room.write(Turn(name, f"我是{name}，爱吃榴莲酥饼。"), person=person.person)
    await ann.learn([Fact("我对桂花过敏得厉害", "test:r")])
    await bob.learn([Fact("我爱吃榴莲酥饼", "test:r")])
    held = (tmp_path / "memory.aof").read_bytes()
    for trace in ("id4711", "阿青姑娘", "桂花"):
        assert trace.encode() in held
    await ann.forget_everything()
    held = b"".join(file.read_bytes() for file in tmp_path.iterdir() if file.is_file())
    for trace in ("id4711", "阿青姑娘", "桂花"):
        assert trace.encode() not in held
    await memory.close()
    again = await open_memory(None, folder=tmp_path)
    assert [f.text for f in (await again.person("test:bob").known()).facts] == ["我爱吃榴莲酥饼"]
    await again.close()


@pytest.mark.parametrize("how", ["forget", "opt out"])
async def test_less_than_everything_is_gone_from_the_disk_too(tmp_path, how):
    memory = await open_memory(None, folder=tmp_path)
    ann = memory.person("test:ann")
    await ann.came("test:r", "阿青")
    await ann.learn([Fact("我对桂花过敏得厉害", "test:r")])
    if how == "forget":
        await ann.forget(1)
    else:
        await memory.room("test", "r").write(Turn("阿青", "我对桂花过敏"), person="test:ann")
        await ann.set(in_groups=False)
        await ann.leave_groups(now=time.time() + 10)
    assert "桂花".encode() not in (tmp_path / "memory.aof").read_bytes()
    await memory.close()


async def test_others_do_not_go_on_telling_it(new):
    ann, bob = new(), new()
    await ann.came("test:g", "阿青姑娘")
    await ann.learn(
        [
            Fact("我的电话是13800138000"),
            Fact("我住在扬州府瘦西湖边柳树巷二十四号"),
            Fact("我对花生过敏"),
        ]
    )
    await bob.learn(
        [
            Fact("阿青姑娘的电话是13800138000"),
            Fact("我记着那个号码：13800138000"),
            Fact("她住在扬州府瘦西湖边柳树巷二十四号，要常去"),
            Fact("我对花生过敏"),
            Fact("我的猫叫花卷"),
        ]
    )
    await bob.introduce("test:g", "阿青姑娘的师弟，住在扬州府瘦西湖边柳树巷二十四号隔壁")
    await bob.talked(["wukong"], private=False)
    await bob.sum_up("wukong", "聊过阿青姑娘的事", private=False)
    await ann.forget_everything()
    known = await bob.known()
    texts = [fact.text for fact in known.facts]
    whole = " ".join((*texts, *known.personas.values(), known.bonds["wukong", False].summary))
    for trace in ("阿青", "13800138000", "柳树巷", "二十四号"):
        assert trace not in whole
    assert {"我对花生过敏", "我的猫叫花卷"} <= set(texts)  # what is bob's own
    assert "师弟" in known.personas["test:g"]


async def test_deleting_that_is_broken_off_is_found_again(new, memory, monkeypatch):
    one = new("a")
    await one.came("a:r", "小明")
    await one.learn([Fact("西瓜")])

    async def killed(store, accounts):
        raise KeyboardInterrupt

    monkeypatch.setattr(forgetting, "delete_accounts", killed)
    with pytest.raises(KeyboardInterrupt):
        await one.forget_everything()
    monkeypatch.undo()
    assert one.person in (await memory.due(now=0.0)).leaving
    await one.forget_everything()
    assert (await one.known()).facts == ()
    assert one.person not in (await memory.due(now=0.0)).leaving


@pytest.mark.parametrize("days", [200, 400, 3660])
async def test_a_clock_that_jumps_ahead_erases_nobody(new, memory, cast, play, monkeypatch, days):
    """During one hourly look, and during several after it."""
    person = new()
    await person.came("test:g", "小明")
    await person.learn([Fact("西瓜", "test:g")])
    await memory.room("test", "jump").write(Turn("小明", "一"), person=person.person)
    people = People(memory, play().room.shared.voice, cast)
    await people.look_after()
    right = time.time
    monkeypatch.setattr("time.time", lambda: right() + days * 86_400)
    for _ in range(3):
        await people.look_after()
    monkeypatch.undo()
    await people.look_after()
    assert [fact.text for fact in (await person.known()).facts] == ["西瓜"]
    await people.close()
