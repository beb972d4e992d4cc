"""The flag that stops a job: it counts whenever it comes."""

import asyncio

import pytest

from bot.memory import Request, new_id
from bot.people import People
from bot.room.job import Job

WUKONG, BAJIE = "孙悟空", "猪八戒"


@pytest.fixture
def job():
    return Job(Request(new_id()))


def test_nothing_is_stopped_while_nobody_speaks(job):
    assert not job.stop()
    assert job.stopped


def test_a_reply_that_is_prepared_is_stopped(job, cast):
    with job.speaking(cast["wukong"], chatter=False):
        assert not job.interrupted
        assert job.stop()
        assert job.interrupted
    assert job.speaker is None


def test_an_interruption_ends_one_reply_and_a_stop_the_job(job, cast):
    with job.speaking(cast["wukong"], chatter=True):
        job.interrupt()
        assert job.interrupted
    with job.speaking(cast["wukong"], chatter=True):
        assert not job.interrupted
        job.stop()
    with job.speaking(cast["wukong"], chatter=True):
        assert job.interrupted


async def test_only_the_task_that_writes_is_cancelled(job, cast):
    async def write():
        with job.writing():
            await asyncio.sleep(10)

    with job.speaking(cast["wukong"], chatter=False):
        writing = asyncio.create_task(write())
        await asyncio.sleep(0)
        job.stop()
        with pytest.raises(asyncio.CancelledError):
            await writing
        assert job.stop()  # again: nothing is left to cancel


def test_a_job_knows_its_next_step(job):
    assert job.next_step().step == 1
    assert not job.overheard
    assert Job(job.work, lambda: True).overheard


# -- in a room -------------------------------------------------------------------------------------


@pytest.fixture
async def remembering(play, memory, cast, monkeypatch):
    """A room whose recall waits until it is let go on."""
    p = play(["老孙在此。"])
    people = People(memory, p.room.shared.voice, cast)
    p.room.shared.people = people
    recalling, go_on = asyncio.Event(), asyncio.Event()
    recall = people.recall

    async def slow(*args, **how):
        recalling.set()
        await go_on.wait()
        return await recall(*args, **how)

    monkeypatch.setattr(people, "recall", slow)
    yield p, recalling, go_on
    await people.close()


async def test_a_stop_during_recall_counts(remembering):
    p, recalling, go_on = remembering
    await p.say("/summon 悟空 八戒")
    hearing = asyncio.create_task(p.say("悟空、八戒，你们好"))
    await recalling.wait()
    assert (await p.room.status()).speaking.id == "wukong"
    assert p.room.stop()
    go_on.set()
    await hearing
    assert p.prompts == []
    assert len(p.lines) == 2  # the greetings
    await p.say("悟空？")
    assert p.lines[-1] == (WUKONG, "老孙在此。")


async def test_who_speaks_during_the_recall_of_chatter_ends_it(remembering):
    p, recalling, go_on = remembering
    await p.say("/summon 悟空 八戒")
    chatter = asyncio.create_task(p.say("/auto 4"))
    await recalling.wait()
    talk = asyncio.create_task(p.say("八戒，且住"))
    await asyncio.sleep(0.05)
    go_on.set()
    await asyncio.gather(chatter, talk)
    assert [name for name, _ in p.lines[2:]] == [BAJIE]


async def test_a_stop_between_two_attempts_counts(play):
    p = play(["作为一个人工智能，我不能说。", "吃老孙一棒！"], delay=0.0001)
    await p.say("/summon 悟空 八戒")
    withdraw = p.stage.withdraw

    async def stops(line_id, places):
        await withdraw(line_id, places)
        assert p.room.stop()

    p.stage.withdraw = stops
    await p.say("悟空、八戒，打！")
    assert len(p.prompts) == 1
    assert len(p.lines) == 2
    scene, _ = await p.room.enter()
    assert scene.turns[-1].text == "悟空、八戒，打！"


async def test_a_stop_while_it_is_asked_who_answers_counts(play):
    p = play()
    score = p.engine.score

    async def slow(*args, **how):
        p.room.stop()
        return await score(*args, **how)

    await p.say("/summon 悟空 八戒 沙僧")
    p.engine.score = slow
    await p.say("今晚歇在哪里？")
    assert len(p.lines) == 3
