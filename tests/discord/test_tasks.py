"""Background tasks end with the client, and what fails in them is logged."""

from __future__ import annotations

import asyncio
import logging

from bot.memory import MemoryProblem
from bot.platforms.discord.tasks import Tasks


async def test_close_ends_what_is_running_and_begins_nothing_new():
    tasks, ended = Tasks(), []

    async def forever(name: str) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(name)

    async def tracked() -> None:
        with tasks.tracked():
            await forever("tracked")

    tasks.spawn(forever("spawned"), "forever")
    outer = asyncio.create_task(tracked())
    await asyncio.sleep(0.01)
    await tasks.close()
    tasks.spawn(forever("late"), "late")
    await asyncio.wait({outer})
    assert sorted(ended) == ["spawned", "tracked"]
    assert tasks.closing


async def test_a_failure_is_logged_and_ends_only_its_task(caplog):
    caplog.set_level(logging.ERROR)
    tasks = Tasks()

    async def fails(problem: Exception) -> None:
        raise problem

    tasks.spawn(fails(MemoryProblem("Redis is away")), "a message")
    tasks.spawn(fails(OSError("cut")), "a picture")
    tasks.spawn(fails(KeyError("id")), "a bug")
    await asyncio.sleep(0.05)
    assert "a message: Redis is away" in caplog.text
    assert "a picture failed: cut" in caplog.text
    assert "KeyError" in caplog.text
    await tasks.close()


async def test_a_task_that_is_cancelled_before_it_begins_leaves_no_warning(recwarn):
    tasks = Tasks()

    async def work() -> None:
        return None

    tasks.spawn(work(), "work")
    await tasks.close()
    await asyncio.sleep(0)
    assert not [w for w in recwarn if "never awaited" in str(w.message)]
