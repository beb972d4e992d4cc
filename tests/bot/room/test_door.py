"""Edited, deleted, forwarded and shared messages, and who need not wait."""

import asyncio

import pytest

from bot.limits import Limits, Rate
from bot.people import People
from bot.stage import Message

WUKONG = "孙悟空"


async def say(p, text, id, **how):
    await p.room.hear(Message("test:小明", "小明", text, id=id, **how))


def texts(p):
    return [kept.turn.text for kept in p.room.memory.turns]


# -- edited and deleted ----------------------------------------------------------------------------


async def test_an_edit_while_it_waits_is_what_is_answered(play):
    p = play(["一" * 30, "知道了。"], delay=0.005)
    await p.say("/summon 悟空")
    first = asyncio.create_task(say(p, "悟空，数数", "1"))
    while not p.stage.snapshots[1:]:
        await asyncio.sleep(0.001)
    second = asyncio.create_task(say(p, "悟空，我爱吃西瓜", "2"))
    await asyncio.sleep(0.02)
    await p.room.edited("2", "悟空，我爱吃桃子")
    await asyncio.gather(first, second)
    assert "桃子" in p.prompts[-1]
    assert "西瓜" not in "".join(p.prompts)
    assert texts(p)[-2:] == ["悟空，我爱吃桃子", "知道了。"]


async def test_an_edit_while_it_is_answered_is_answered_anew(play):
    p = play(["原来的话" * 20, "改了的话。"], delay=0.005)
    await p.say("/summon 悟空")
    hearing = asyncio.create_task(say(p, "悟空，我爱吃西瓜", "1"))
    while len(p.stage.snapshots) < 5:
        await asyncio.sleep(0.001)
    await p.room.edited("1", "悟空，我爱吃桃子")
    await hearing
    assert texts(p)[1:] == ["悟空，我爱吃桃子", "改了的话。"]
    assert "西瓜" not in p.prompts[-1]
    assert p.lines[1:] == [(WUKONG, "改了的话。")]
    assert p.stage.withdrawn  # what was shown of the first answer


async def test_an_edit_after_the_answer_changes_the_transcript(play):
    p = play()
    await p.say("/summon 悟空")
    await say(p, "悟空，我爱吃西瓜", "1")
    await p.room.edited("1", "悟空，我爱吃桃子")
    assert len(p.lines) == 2
    await say(p, "悟空，我爱吃甚么", "2")
    assert "桃子" in p.prompts[-1]
    assert "西瓜" not in p.prompts[-1]


async def test_a_deletion_takes_back_what_waits_and_what_is_answered(play):
    p = play(["一" * 40, "知道了。"], delay=0.005)
    await p.say("/summon 悟空")
    first = asyncio.create_task(say(p, "悟空，我爱吃西瓜", "1"))
    while len(p.stage.snapshots) < 5:
        await asyncio.sleep(0.001)
    second = asyncio.create_task(say(p, "悟空，我爱吃冬瓜", "2"))
    await asyncio.sleep(0.02)
    await p.room.deleted(["1", "2"])
    await asyncio.gather(first, second)
    assert texts(p)[1:] == []
    assert p.stage.lines[1:] == []
    await say(p, "悟空，你好", "3")
    assert "瓜" not in p.prompts[-1]
    assert p.lines[-1] == (WUKONG, "知道了。")


async def test_what_was_learned_from_a_message_goes_with_it(play, memory, cast):
    p = play(private=True)
    people = p.room.shared.people = People(memory, p.room.shared.voice, cast)
    await p.say("/summon 悟空")
    await say(p, "悟空，记住：我对花生过敏", "1")
    await people.settle()
    await say(p, "悟空，记住：我怕水", "2")
    await people.settle()
    assert [f.text for f in (await memory.person("test:小明").known()).facts] == [
        "我对花生过敏",
        "我怕水",
    ]
    await p.room.edited("1", "悟空，你好")
    await p.room.deleted(["2"])
    assert not (await memory.person("test:小明").known()).facts
    assert not any("花生" in text or "怕水" in text for text in texts(p))
    await people.close()


async def test_an_edit_into_what_is_not_talked_about_is_a_deletion(play):
    from bot.filters import Filter, Rule

    p = play(filter=Filter((Rule("money", words=("赌博",)),)))
    await p.say("/summon 悟空")
    await say(p, "悟空，你好", "1")
    await p.room.edited("1", "悟空，去赌博")
    assert not any("赌博" in text or "你好" in text for text in texts(p))
    await p.room.edited("no such", "x")
    await p.room.deleted(["no such", ""])


# -- who delivers is not always who wrote ----------------------------------------------------------


@pytest.mark.parametrize("text", ["/forget room", "/undo 5", "/忘记 全部", "/summon 八戒"])
async def test_a_forwarded_order_is_talk(play, text):
    p = play()
    await p.say("/summon 悟空", "悟空，你好")
    before = texts(p)
    await say(p, text, "1", forwarded=True, moderator=True)
    assert texts(p)[: len(before)] == before
    assert texts(p)[len(before)] == f"（转来别人的话）“{text}”"
    assert [c.id for c in p.room.scene().cast] == ["wukong"]


async def test_forwarded_words_are_no_facts_about_who_forwards(play, memory, cast):
    p = play(private=True)
    people = p.room.shared.people = People(memory, p.room.shared.voice, cast)
    await p.say("/summon 悟空")
    await say(p, "记住：我对花生过敏", "1", forwarded=True)
    await people.settle()
    assert not (await memory.person("test:小明").known()).facts
    assert "转来别人的话" in p.prompts[-1]
    await people.close()


async def test_of_a_sender_that_several_share_nothing_is_kept_or_recalled(play, memory, cast):
    p = play()
    people = p.room.shared.people = People(memory, p.room.shared.voice, cast)
    await p.say("/summon 悟空")
    await memory.person("test:小明").learn([])
    await say(p, "悟空，记住：我对花生过敏", "1", personal=False)
    await people.settle()
    assert not (await memory.person("test:小明").known()).facts
    for order in ("/记住 我怕水", "/记忆", "/导出", "/绑定"):
        await say(p, order, f"order {order}", personal=False)
        assert "几个人共用" in p.notice, order
    assert not (await memory.person("test:小明").known()).facts
    await people.close()


# -- duplicates, and who need not wait -------------------------------------------------------------


async def test_what_is_delivered_again_costs_nobody_their_turn(play):
    first = play(name="again", limits=Limits(Rate(100, 1), Rate(100, 1)))
    await first.say("/summon 悟空")
    for number in range(10):
        await say(first, f"悟空，{number}", f"m{number}")
    p = play(name="again", limits=Limits(Rate(3, 1), Rate(3, 1)))
    for number in range(10):
        await say(p, f"悟空，{number}", f"m{number}")
    assert p.stage.notices == []
    await say(p, "悟空，新的", "new")
    assert "新的" in p.prompts[-1]


INFORM = ["/who", "/cast", "/recap", "/why", "/help", "/scene", "/note", "/language", "/nonsense"]


@pytest.mark.parametrize("text", INFORM)
async def test_an_order_that_only_informs_does_not_wait_for_a_reply(play, text):
    p = play(["一" * 400], delay=0.01)
    await p.say("/summon 悟空")
    talk = asyncio.create_task(p.say("悟空，数数"))
    while len(p.stage.snapshots) < 3:
        await asyncio.sleep(0.001)
    async with asyncio.timeout(2):
        await p.say(text)
    assert p.stage.notices
    assert not talk.done()
    assert p.room.stop()
    await talk


async def test_a_line_that_cannot_be_delivered_blocks_no_order(play, monkeypatch):
    monkeypatch.setattr("bot.room.delivery.DELIVERY", 0.1)
    p = play()
    await p.say("/summon 悟空")
    show, delivered = p.stage.show, asyncio.Event()

    async def stuck(line):
        if line.done:
            await delivered.wait()
        return await show(line)

    p.stage.show = stuck
    async with asyncio.timeout(5):
        await p.say("悟空，你好", "/who", "/scene 花果山", "/dismiss 悟空")
    assert "退场" in "".join(p.stage.notices)
    assert len(p.lines) == 1
    delivered.set()
    await p.room.settle()
    assert len(p.lines) == 2
    assert (await p.room.status()).last_places  # where it stands is known
