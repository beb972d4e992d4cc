"""Up to which message nothing was missed."""

from __future__ import annotations

import secrets

from bot.memory import Memory
from bot.platforms.discord.progress import Progress


def progress(memory: Memory, name: str = "") -> Progress:
    name = name or f"test/{secrets.token_hex(4)}"
    return Progress(memory, lambda: name)


async def test_what_is_not_stored_yet_holds_it_back(memory: Memory):
    name = f"test/{secrets.token_hex(4)}"
    first = progress(memory, name)
    first.caught_up()
    for event in (10, 20, 30):
        first.began(event)
    first.done(10)
    first.done(30)
    await first.save(now=True)
    second = progress(memory, name)
    await second.load()
    assert second.until == 19
    first.done(20)
    await first.save(now=True)
    await second.load()
    assert second.until == 30


async def test_nothing_is_known_at_first_and_nothing_saved_before_it_caught_up(memory: Memory):
    one = progress(memory)
    await one.load()
    assert one.until == 0
    one.passed(7)
    await one.save(now=True)
    await one.load()
    assert one.until == 0


async def test_offline_it_stays_where_it_was(memory: Memory):
    one = progress(memory)
    one.caught_up()
    one.passed(5)
    one.went_offline()
    assert one.until == 5
    one.passed(9)  # an event that arrives before the gap is known
    one.new_session()
    assert one.until == 5
    one.caught_up()
    one.went_offline()
    assert one.until == 9
    one.resumed()
    one.passed(12)
    one.went_offline()
    assert one.until == 12
