"""Failed requests to Discord: which may be repeated, how they are logged, and repeating them.

delivered = await retried("a notice", lambda nonce: channel.send(text, nonce=nonce))
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import discord

_log = logging.getLogger(__name__)

# Seconds for which a request is repeated before it is given up.
PATIENCE = 600.0
LONGEST_PAUSE = 30.0  # seconds between two tries
# A bug, ours or discord.py's, may be one of a moment (half an answer); it is not tried for long.
MOST_UNEXPECTED = 5


class AnswerLost(Exception):
    """The response to a request was lost: it may or may not have been carried out."""


class Gone(Exception):
    """The message cannot be edited any more: deleted, too old, or its webhook is gone."""


TRANSIENT = (AnswerLost, OSError, aiohttp.ClientError, TimeoutError)
FAILED = (discord.HTTPException, *TRANSIENT)
UNEDITED = (Gone, *FAILED)
UNREADABLE = (discord.InvalidData, *FAILED)  # a channel that cannot be fetched
DOWN = (discord.DiscordServerError, *TRANSIENT)  # no answer, or a 5xx


def described(problem: BaseException) -> str:
    """An error for the log: status, code and text, or its type and text."""
    if isinstance(problem, discord.HTTPException):
        return f"{problem.status} {problem.code} {problem.text}".strip()
    return f"{type(problem).__name__} {problem}".strip()


def _closed(problem: Exception) -> bool:
    """Whether aiohttp says that the client's session is closed: the bot is shutting down."""
    return isinstance(problem, RuntimeError) and "session is closed" in str(problem).lower()


async def retried(
    what: str,
    step: Callable[[str], Awaitable[Any]],
    *,
    patience: float = PATIENCE,
    on_forbidden: Callable[[], Awaitable[None]] | None = None,
) -> bool:
    """Repeat `step` with growing pauses until it succeeds. Returns False when it failed for good.

    `step` gets the same nonce each time; `what` names it in the log, `patience` is in seconds. A
    refusal (4xx) is not repeated; `on_forbidden` is called when it is one for want of permission.
    """
    nonce, pause, end, unexpected = secrets.token_hex(12), 0.5, time.monotonic() + patience, 0
    while True:
        try:
            await step(nonce)
            return True
        except Gone:
            _log.warning("%s: it is too late to answer there", what)
            return False
        except TRANSIENT as problem:
            said = described(problem)
        except discord.HTTPException as problem:
            said = described(problem)
            if problem.status < 500 and problem.status != 429:
                _log.warning("%s: not done, %s", what, said)
                if problem.status == 403 and on_forbidden is not None:
                    await on_forbidden()
                return False
        except Exception as problem:
            if _closed(problem):
                _log.info("%s: not done, the client is closed", what)
                return False
            # Whatever it is, the reply is stored: it is tried again rather than left to a restart.
            unexpected += 1
            said = described(problem)
            _log.error("%s failed", what, exc_info=problem)
        if time.monotonic() > end or unexpected >= MOST_UNEXPECTED:
            _log.error("%s: given up, %s", what, said)
            return False
        _log.info("%s: tried again after %s", what, said)
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)
