"""Messages of a room: in order, admitted or not, taken up again."""

# slow: waits for lines that are not delivered

import asyncio

import pytest

from bot.limits import Limits, Rate
from bot.memory import MemoryAway
from bot.room import inbox
from bot.stage import Message


def message(number, text="", person="test:小明"):
    return Message(person, "小明", text or f"悟空，{number}", id=f"m{number}")


async def test_messages_are_taken_in_the_order_they_came_in(play):
    p = play(limits=Limits(Rate(100, 1), Rate(100, 1)), delay=0.0005)
    await p.say("/summon 悟空")
    await asyncio.gather(*(p.room.hear(message(number)) for number in range(12)))
    said = [kept.turn.text for kept in p.room.memory.turns if kept.turn.side == "human"]
    assert said == [f"悟空，{number}" for number in range(12)]


async def test_a_crowd_is_not_heard_beyond_what_can_wait(play, monkeypatch):
    monkeypatch.setattr(inbox, "MOST_WAITING", 3)
    p = play(["一" * 30], delay=0.005)
    await p.say("/summon 悟空")
    hearing = [asyncio.create_task(p.room.hear(message(n))) for n in range(6)]
    await asyncio.gather(*hearing)
    assert p.room.stats["refused: crowd"] == 3
    assert len(p.lines) == 4


async def test_stored_is_said_once_it_is_and_not_for_what_is_refused(play):
    p = play()
    stored = []
    await p.room.hear(message(1, "/summon 悟空"), kept=lambda: stored.append(1))
    await p.room.hear(message(2), kept=lambda: stored.append(2))
    await p.room.hear(message(3, "x" * 5000), kept=lambda: stored.append(3))
    assert stored == [1, 2]


async def test_nothing_is_done_about_what_cannot_be_stored(play, monkeypatch):
    p = play()
    await p.say("/summon 悟空")

    async def away(*args, **how):
        raise MemoryAway("gone")

    monkeypatch.setattr(p.room.memory, "hear", away)
    with pytest.raises(MemoryAway):
        await p.room.hear(message(1))
    assert len(p.lines) == 1
    assert p.room.idle
    monkeypatch.undo()
    await p.room.hear(message(1))
    assert len(p.lines) == 2
    await p.room.settle()
    assert p.room.idle
