"""Processes that serve the same accounts: who is there, who is gone, who has the floor."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from bot import portable
from bot.memory import Memory, Request, new_id, workers
from bot.memory.workers import Workers

GROUP = "test/1"


@pytest.fixture
async def two(memory: Memory) -> tuple[Workers, Workers]:
    await memory.redis.delete("mrp:1:workers:test%2F1")
    a, b = Workers(memory, "box/1/1/1"), Workers(memory, "other/1/2/2")
    await a.beat(GROUP)
    await b.beat(GROUP)
    await a.beat(GROUP)
    return a, b


async def age(memory: Memory, process: str) -> None:
    """As if a process had said nothing for longer than it may."""
    await memory.redis.zincrby("mrp:1:workers:test%2F1", -workers.LIFE - 5, process)


async def test_each_knows_the_others(two: tuple[Workers, Workers]):
    a, b = two
    assert a.others == {"other/1/2/2"}
    assert b.others == {"box/1/1/1"}
    assert a.ended("other/1/2/2") is False
    assert a.ended("third/1/3/3") is None


async def test_one_of_the_others_is_told_who_is_gone(memory: Memory, two: tuple[Workers, Workers]):
    a, b = two
    c = Workers(memory, "third/1/3/3")
    await c.beat(GROUP)
    await age(memory, b.name)
    told = [*await a.beat(GROUP), *await c.beat(GROUP)]
    assert told == [b.name]
    assert a.ended(b.name) is True
    assert await b.beat(GROUP) == (), "it was only slow, and is there again"
    await a.beat(GROUP)
    assert a.ended(b.name) is False


async def test_who_leaves_is_taken_over_at_once(memory: Memory, two: tuple[Workers, Workers]):
    a, b = two
    await b.leave(GROUP)
    assert b.others == frozenset()
    assert await a.beat(GROUP) == (b.name,)
    await a.leave(GROUP)
    assert not await memory.redis.exists("mrp:1:workers:test%2F1"), "the last one leaves nothing"


async def test_the_floor_is_one_process_s(memory: Memory, two: tuple[Workers, Workers]):
    a, b = two
    seen: list[str] = []

    async def answer(worker: Workers, inside: asyncio.Event, go_on: asyncio.Event) -> None:
        async with worker.floor("test:floor", new_id()) as others:
            assert others
            seen.append(worker.name)
            inside.set()
            await go_on.wait()
            seen.append(worker.name)

    go_on, first, second = asyncio.Event(), asyncio.Event(), asyncio.Event()
    one = asyncio.create_task(answer(a, first, go_on))
    await first.wait()
    two_ = asyncio.create_task(answer(b, second, go_on))
    await asyncio.sleep(3 * workers.LOOK)
    assert not second.is_set()
    go_on.set()
    await asyncio.gather(one, two_)
    assert seen == [a.name, a.name, b.name, b.name]


async def test_who_died_with_the_floor_keeps_nobody_from_it(
    memory: Memory, two: tuple[Workers, Workers]
):
    a, b = two
    assert await b.take("polling")
    assert not await a.take("polling")
    await age(memory, b.name)
    await a.beat(GROUP)
    assert await a.take("polling")
    await b.beat(GROUP)
    assert not await b.take("polling"), "and does not get it back when it was only slow"
    await b.give_back("polling")
    assert not await b.take("polling"), "nor gives back what is another's"
    await a.give_back("polling")
    assert await b.take("polling")
    await b.give_back("polling")


async def test_who_died_on_this_machine_is_known_to_at_once(memory: Memory):
    await memory.redis.delete("mrp:1:workers:test%2F1")
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    a, b = Workers(memory, "box/1/1/1"), Workers(memory, portable._named(child.pid))
    c = Workers(memory, "box/1/3/3")
    await b.beat(GROUP)
    await a.beat(GROUP)
    await c.beat(GROUP)
    assert await b.take("polling")
    assert not await a.take("polling")
    child.kill()
    child.wait()
    assert b.name in a.others, "no beat was missed yet"
    assert await a.take("polling")
    await a.give_back("polling")
    assert await c.beat(GROUP) == (b.name,)
    assert await a.beat(GROUP) == (), "one of them is told"
    assert a.others == {c.name}


async def test_older_messages_of_others_go_first(
    memory: Memory, two: tuple[Workers, Workers], monkeypatch: pytest.MonkeyPatch
):
    a, b = two
    room = memory.room("test", "in order")
    older, newer = new_id(), new_id()
    monkeypatch.setattr("bot.memory.room.process_id", lambda: b.name)
    work = await room.hear(Request(older, "test:1", "小明", text="一"))
    entered = asyncio.Event()

    async def answer() -> None:
        async with a.floor("test:in order", newer):
            entered.set()

    answering = asyncio.create_task(answer())
    await asyncio.sleep(3 * workers.LOOK)
    assert not entered.is_set()
    await room.close(work)
    await asyncio.wait_for(answering, 20)
    # Whoever waits for each other in a ring goes on after a while.
    monkeypatch.setattr(workers, "IN_ORDER", 0.2)
    await room.hear(Request(new_id(), "test:1", "小明", text="二"))
    async with asyncio.timeout(20), a.floor("test:in order", new_id()):
        pass


async def test_who_is_alone_asks_nobody(memory: Memory):
    async with Workers(memory, "box/1/1/1").floor("test:alone", new_id()) as others:
        assert not others
    assert not await memory.redis.exists("mrp:1:{room:test:alone}:floor")
