"""Rate limits of the Bot API: one bucket a chat, so that nothing is refused; "retry after" obeyed.

Telegram allows some 30 messages a second to all chats, one a second to a chat (short bursts are
forgiven), and 20 a minute to a group, where edits count like messages. Where it answers "retry
after N", that chat waits, and no other.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from telegram.error import NetworkError, RetryAfter, TimedOut
from telegram.ext import BaseRateLimiter

log = logging.getLogger(__name__)

# What counts. Answers to a button, typing and settings are not limited with messages.
COUNTED = frozenset(
    {
        "sendMessage",
        "sendDocument",
        "sendVoice",
        "editMessageText",
        "editMessageReplyMarkup",
        "deleteMessage",
    }
)
# Not worth waiting for: the next one says the same.
PASSING = frozenset({"sendChatAction", "sendMessageDraft"})
_TRIES = 6


class Clock(Protocol):
    """Time, so that tests need not wait for it."""

    def now(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


class RealClock:
    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Bucket:
    """A sliding-window rate limit: at most `most` in any `seconds`, waiters served in order."""

    def __init__(self, most: int, seconds: float, clock: Clock) -> None:
        self._most, self._seconds, self._clock = most, seconds, clock
        self._taken: deque[float] = deque()
        self._turn = asyncio.Lock()
        self._closed_until = 0.0

    async def take(self) -> None:
        """Wait until one more is allowed, and count it."""
        async with self._turn:
            while (wait := self._wait()) > 0:
                await self._clock.sleep(wait)
            self._taken.append(self._clock.now())

    def close(self, seconds: float) -> None:
        """Nothing for a while: the server said so."""
        self._closed_until = max(self._closed_until, self._clock.now() + seconds)

    @property
    def free(self) -> bool:
        """Whether one more is allowed just now."""
        return self._wait() <= 0

    def _wait(self) -> float:
        now = self._clock.now()
        while self._taken and now - self._taken[0] >= self._seconds:
            self._taken.popleft()
        wait = self._closed_until - now
        if len(self._taken) >= self._most:
            wait = max(wait, self._taken[0] + self._seconds - now)
        return wait


class Limiter(BaseRateLimiter[None]):
    """python-telegram-bot's hook before every request of one bot account.

    `refused` counts the answers "retry after"; `on_limited` is called with the seconds of each.
    """

    def __init__(
        self, clock: Clock | None = None, *, on_limited: Callable[[float], None] | None = None
    ):
        self.refused = 0
        self._clock = clock or RealClock()
        self._all = Bucket(30, 1.0, self._clock)
        self._chats: dict[str, Bucket] = {}
        self._on_limited = on_limited

    async def initialize(self) -> None: ...
    async def shutdown(self) -> None: ...

    def bucket(self, chat: int | str) -> Bucket:
        """The chat's own bucket; groups have negative ids."""
        found = self._chats.get(str(chat))
        if found is None:
            group = str(chat).startswith(("-", "@"))
            # 19, not 20: the server's minute begins when the request arrives, ours when it leaves.
            made = Bucket(19, 60.0, self._clock) if group else Bucket(3, 3.0, self._clock)
            found = self._chats[str(chat)] = made
            if len(self._chats) > 10_000:
                self._chats.pop(next(iter(self._chats)))
        return found

    async def process_request(
        self,
        callback: Callable[..., Coroutine[Any, Any, Any]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: None,
    ) -> Any:
        """Wait for the chat's turn and send; again where that is safe and may help.

        Raises:
            TelegramError: as the request did.
        """
        bucket = self.bucket(data["chat_id"]) if "chat_id" in data else None
        for tried in range(_TRIES):
            if bucket and endpoint in PASSING and not bucket.free:
                return True  # it would come too late to be worth anything
            if bucket and endpoint in COUNTED:
                await bucket.take()
                await self._all.take()
            try:
                return await callback(*args, **kwargs)
            except RetryAfter as refusal:
                self.refused += 1
                seconds = _seconds(refusal)
                if self._on_limited:
                    self._on_limited(seconds)
                log.warning("Telegram: %s is to wait %.0f s", endpoint, seconds)
                if bucket:
                    bucket.close(seconds + 0.1)
                if endpoint in PASSING:
                    return True
                if tried == _TRIES - 1:
                    raise
                if not bucket or endpoint not in COUNTED:
                    await self._clock.sleep(seconds + 0.1)
            except NetworkError as problem:
                if type(problem) not in (NetworkError, TimedOut):
                    raise  # BadRequest is a NetworkError to the library
                if endpoint in PASSING:
                    return True
                # Telegram has no key that makes sending twice send once. Where the answer was lost
                # a message may stand twice; not sending it again would lose it in all other cases.
                if tried == _TRIES - 1:
                    raise
                await self._clock.sleep(min(0.2 * 2**tried, 5.0))
        raise AssertionError("the last try returns or raises")


def _seconds(refusal: RetryAfter) -> float:
    wait: Any = refusal.retry_after  # a timedelta, where the library is told to use them
    return float(wait.total_seconds() if hasattr(wait, "total_seconds") else wait)
