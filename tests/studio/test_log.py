"""What a viewer is sent that comes back, and what is kept for those who do not keep up."""

import asyncio

import pytest

from bot.platforms.studio.log import Log


def numbers(log, position):
    found = log.since(position)
    return None if found is None else [event.value for event in found]


def test_who_comes_back_gets_what_came_after():
    log = Log()
    start = log.position
    for number in range(5):
        log.put(f"k{number}", number)
    middle = start.rpartition("-")[0] + "-2"
    assert numbers(log, start) == [0, 1, 2, 3, 4]
    assert numbers(log, middle) == [2, 3, 4]
    assert numbers(log, log.position) == []
    log.put("k1", None)
    assert numbers(log, log.position.rpartition("-")[0] + "-5") == [None]


def test_a_growing_line_takes_one_place_and_out_of_date_events_are_not_sent():
    log = Log(kept=10)
    start = log.position
    log.put("first", "x")
    for size in range(1000):
        log.put("line", "一" * size)
    assert numbers(log, start) == ["x", "一" * 999]
    assert len(log._events) == 2


def test_who_is_too_far_back_is_shown_everything_anew():
    log = Log(kept=10)
    start = log.position
    for number in range(50):
        log.put(f"k{number}", number)
    assert numbers(log, start) is None
    assert len(log._events) == len(log._newest) == 10
    kept = log.position.rpartition("-")[0] + "-40"
    assert numbers(log, kept) == list(range(40, 50))
    log.forget()
    assert numbers(log, kept) is None
    assert numbers(log, log.position) == []


@pytest.mark.parametrize(
    "position", ["", "x", "-", "0-0", "-5", "ffffffff-1", "a-b-c", "9" * 400, "１-１"]
)
def test_a_position_that_is_none_is_not_believed(position):
    log = Log()
    log.put("k", 1)
    assert log.since(position) is None
    boot = log.position.partition("-")[0]
    assert log.since(f"{boot}-999") is None  # from the future
    assert log.since(f"{boot}-{'9' * 4000}") is None


async def test_all_who_wait_are_woken():
    log = Log()
    waiting = [asyncio.create_task(log.wait(log.number)) for _ in range(20)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    log.put("k", 1)
    await asyncio.gather(*waiting)
    await log.wait(0)  # at once
