"""What a room does when nobody waits."""

import asyncio

from bot.room.chores import Chores
from engine.sequence import EngineError


async def test_a_chore_that_fails_is_logged_and_ends_nothing(play, caplog):
    chores = Chores(play().room.view)

    async def fails():
        raise RuntimeError("out of chalk")

    chores.later(fails())
    assert not chores.idle
    await chores.settle()
    assert chores.idle
    assert "out of chalk" in caplog.text


async def test_a_summary_does_without_a_model_that_cannot(play, monkeypatch):
    p = play(context=2600)
    await p.say("/summon 悟空")

    async def cannot(*args, **how):
        raise EngineError("no")

    monkeypatch.setattr(p.room.shared.voice, "summed_up", cannot)
    for number in range(60):
        await p.say(f"悟空，第{number}件事说定了。")
    await p.room.settle()
    assert p.room.memory.state.mark
    assert "说定了" in p.room.memory.state.summary("wukong")
    assert p.room.stats["summaries without the model"]


async def test_a_model_that_cannot_sum_up_is_not_asked(play, monkeypatch):
    p = play(context=2600)
    p.room.shared.voice.tasks = frozenset({"facts", "bonds", "turns"})
    asked = []
    monkeypatch.setattr(p.room.shared.voice, "summed_up", asked.append)
    await p.say("/summon 悟空")
    await p.say(*(f"悟空，第{number}件事说定了。" for number in range(60)))
    await p.room.settle()
    assert not asked
    assert "说定了" in p.room.memory.state.summary("wukong")


async def test_going_on_is_a_choice_between_versions_once(play, memory):
    p = play(["第一种说法。", "第二种说法。", "好。"])
    await p.say("/summon 悟空", "悟空，你怕什么？", "/retry", "好。", "再来。")
    await p.room.settle()
    await asyncio.sleep(0)
    given = [g async for g in memory.feedback.given() if g.person == "test:小明"]
    assert [g.kind for g in given if "第二种" in g.asked.reply] == ["choice"]
