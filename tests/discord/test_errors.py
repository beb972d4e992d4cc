"""Failed requests: what is repeated, and what is not."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
import pytest

from bot.platforms.discord import errors
from bot.platforms.discord.errors import AnswerLost, Gone, described, retried


def http(status: int, code: int = 0) -> discord.HTTPException:
    response: Any = SimpleNamespace(status=status, reason="")
    return discord.HTTPException(response, {"code": code, "message": "no"})


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch):
    async def at_once(seconds: float) -> None:
        return None

    monkeypatch.setattr(asyncio, "sleep", at_once)


class Step:
    """Fails so many times with one exception."""

    def __init__(self, problem: BaseException, times: int) -> None:
        self.problem, self.times, self.nonces = problem, times, []

    async def __call__(self, nonce: str) -> None:
        self.nonces.append(nonce)
        if len(self.nonces) <= self.times:
            raise self.problem


@pytest.mark.parametrize(
    "problem",
    [
        http(500),
        http(503),
        http(429),
        AnswerLost(),
        OSError(),
        aiohttp.ClientError(),
        TimeoutError(),
    ],
    ids=str,
)
async def test_what_may_heal_is_repeated_with_the_same_nonce(problem: BaseException):
    step = Step(problem, 3)
    assert await retried("it", step)
    assert len(step.nonces) == 4
    assert len(set(step.nonces)) == 1


@pytest.mark.parametrize("problem", [http(400), http(404), Gone()], ids=str)
async def test_a_refusal_is_not(problem: BaseException):
    step = Step(problem, 1)
    assert not await retried("it", step)
    assert len(step.nonces) == 1


async def test_a_missing_permission_is_reported():
    reported = []

    async def forbidden() -> None:
        reported.append(True)

    assert not await retried("it", Step(http(403), 1), on_forbidden=forbidden)
    assert reported == [True]


async def test_an_unexpected_exception_is_repeated_and_logged_but_not_for_ever(caplog):
    caplog.set_level(logging.ERROR)
    step = Step(KeyError("id"), 2)
    assert await retried("it", step)
    assert len(step.nonces) == 3
    assert "KeyError" in caplog.text
    step = Step(KeyError("id"), 99)
    assert not await retried("it", step)
    assert len(step.nonces) == errors.MOST_UNEXPECTED


async def test_where_the_client_is_closed_nothing_is_repeated(caplog):
    caplog.set_level(logging.ERROR)
    step = Step(RuntimeError("Session is closed"), 99)
    assert not await retried("it", step)
    assert len(step.nonces) == 1
    assert caplog.text == ""


async def test_patience_ends():
    step = Step(OSError(), 99)
    assert not await retried("it", step, patience=-1)
    assert len(step.nonces) == 1


def test_an_error_in_the_log():
    assert described(http(403, 50013)) == "403 50013 no"
    assert described(OSError("cut")) == "OSError cut"
