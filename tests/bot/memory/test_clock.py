"""A clock that jumps is not believed; one that goes is."""

import time

import pytest

from bot.memory.clock import CLOCK, RESTART_SECONDS, plausible

DAY, YEAR = 86_400.0, 366 * 86_400.0
NOW = 1.8e9


def test_the_first_time_the_clock_is_all_there_is():
    assert plausible(NOW, None, None) == (NOW, NOW)


@pytest.mark.parametrize("passed", [0.0, 3600.0, 40 * DAY])
def test_time_goes_as_fast_as_it_passes(passed):
    assert plausible(NOW + passed, NOW, passed) == (NOW + passed, NOW + passed)


def test_a_jump_ahead_is_what_passed_and_no_more():
    assert plausible(NOW + YEAR, NOW, 3600.0)[0] == NOW + 3600.0


def test_over_a_restart_a_day_may_have_passed():
    for unknown in (None, -5.0):
        assert plausible(NOW + YEAR, NOW, unknown)[0] == NOW + RESTART_SECONDS
        assert plausible(NOW + 60, NOW, unknown)[0] == NOW + 60


def test_a_clock_that_was_set_back_holds_it_and_does_not_set_it_back():
    now, kept = plausible(NOW - YEAR, NOW, 60.0)
    assert (now, kept) == (NOW - YEAR, NOW)
    now, kept = plausible(NOW + 120, kept, 60.0)
    assert now == NOW + 60


def test_many_restarts_do_not_run_ahead_of_the_clock():
    kept = NOW
    for _ in range(1000):
        _, kept = plausible(NOW + 10, kept, None)
    assert kept == NOW + 10


async def test_it_is_kept_in_redis(memory, monkeypatch):
    await memory.redis.delete(CLOCK)
    before = await memory.now()
    assert abs(before - time.time()) < 5
    right = time.time
    monkeypatch.setattr("time.time", lambda: right() + YEAR)
    assert await memory.now() - before < 60
    monkeypatch.setattr("time.time", lambda: right() - YEAR)
    assert await memory.now() < before - DAY
    monkeypatch.undo()
    assert abs(await memory.now() - before) < 60


async def test_a_first_look_under_a_wrong_clock_asks_redis_too(memory, monkeypatch):
    await memory.redis.delete(CLOCK)
    right = time.time
    monkeypatch.setattr("time.time", lambda: right() + YEAR)
    assert abs(await memory.now() - right()) < 60
