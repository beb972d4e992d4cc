"""What may be sent when: no more than Telegram allows, and nothing lost when it refuses."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from telegram.error import BadRequest, NetworkError, RetryAfter, TimedOut

from bot.platforms.telegram.limits import Bucket, Limiter


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.at = 1000.0

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += max(0.0, seconds)
        await asyncio.sleep(0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def send(limiter: Limiter, chat: int, results: list[Any], endpoint: str = "sendMessage"):
    async def request() -> Any:
        result = results.pop(0) if results else True
        if isinstance(result, Exception):
            raise result
        return result

    return await limiter.process_request(request, (), {}, endpoint, {"chat_id": chat}, None)


async def test_a_group_gets_no_more_than_twenty_a_minute(clock):
    limiter, times = Limiter(clock), []
    for _ in range(100):
        await send(limiter, -1, [])
        times.append(clock.now())
    assert all(b - a >= 60 for a, b in zip(times, times[20:], strict=False))
    assert times[-1] - times[0] < 60 * 6


async def test_edits_and_messages_share_one_bucket(clock):
    limiter = Limiter(clock)
    for number in range(40):
        await send(limiter, -1, [], "editMessageText" if number % 2 else "sendMessage")
    assert clock.now() - 1000 >= 60


async def test_answers_to_buttons_are_free(clock):
    limiter = Limiter(clock)
    for _ in range(100):
        await send(limiter, -1, [], "answerCallbackQuery")
    assert clock.now() == 1000


async def test_one_chat_that_waits_makes_no_other_wait(clock):
    limiter = Limiter(clock)
    with pytest.raises(RetryAfter):
        await send(limiter, -1, [RetryAfter(137)] * 6)
    before = clock.now()
    await send(limiter, -2, [])
    assert clock.now() == before


async def test_retry_after_is_obeyed_and_nothing_is_lost(clock):
    refused: list[float] = []
    limiter = Limiter(clock, on_limited=refused.append)
    assert await send(limiter, -1, [RetryAfter(34), "sent"]) == "sent"
    assert clock.now() - 1000 >= 34
    assert len(refused) == limiter.refused == 1


async def test_what_passes_is_dropped_rather_than_waited_for(clock):
    limiter = Limiter(clock)
    assert await send(limiter, 5, [RetryAfter(30)], "sendMessageDraft") is True
    asked: list[Any] = ["a draft"]
    assert await send(limiter, 5, asked, "sendMessageDraft") is True
    assert asked == ["a draft"]  # not even asked
    assert clock.now() == 1000


@pytest.mark.parametrize("problem", [NetworkError("Bad Gateway"), TimedOut()])
async def test_a_server_that_stumbles_is_asked_again(clock, problem):
    assert await send(Limiter(clock), 5, [problem, problem, "sent"]) == "sent"


async def test_a_request_that_is_wrong_is_not_repeated(clock):
    results: list[Any] = [BadRequest("message is not modified"), "sent"]
    with pytest.raises(BadRequest):
        await send(Limiter(clock), 5, results)
    assert results == ["sent"]


async def test_who_takes_is_served_in_order(clock):
    bucket, order = Bucket(1, 10.0, clock), []

    async def take(number: int) -> None:
        await bucket.take()
        order.append(number)

    await asyncio.gather(*(take(n) for n in range(5)))
    assert order == [0, 1, 2, 3, 4]
