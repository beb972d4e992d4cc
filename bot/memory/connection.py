"""The connection to Redis, and how a step outlasts Redis being away.

When Redis cannot be reached or refuses for a while (still loading, read-only, out of memory, wrong
password), the one who waits is notified once, and the same step is tried again with growing pauses
until it succeeds.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import redis
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from bot.memory.refusals import heals, told

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0  # seconds
_LEAST_PAUSE = 0.1  # seconds between two tries of a step, also when others find Redis back

T = TypeVar("T")

Client = redis.asyncio.Redis | redis.asyncio.RedisCluster


class MemoryProblem(RuntimeError):
    """What was to be remembered or recalled cannot be; the message says why and what to do."""

    for_user = True


class MemoryAway(MemoryProblem):
    """Redis cannot be reached or refuses just now; it is tried again."""


# Awaited with the problem when waiting for Redis begins, and with None when it is over.
ConnectionCallback = Callable[[MemoryAway | None], Awaitable[None]]


class Store(Protocol):
    """A Redis server: somebody's own (`server.Server`), or the embedded one (`embedded`)."""

    where: str
    embedded: bool  # its append-only file is ours to rewrite

    def start(self) -> bool:
        """Make sure that it runs. Returns whether clients need to be made anew."""
        ...

    async def client(self, **options: Any) -> Client:
        """A client of it. Raises redis.RedisError: it does not answer, or refuses."""
        ...

    def stop(self) -> None: ...


class Connection:
    """One connection to Redis for the whole process."""

    def __init__(self, server: Store, patience: float) -> None:
        self._server = server
        self._patience = patience
        self.redis: Any = redis.asyncio.Redis()  # a `Client`, whose commands redis-py types apart
        self._attached = False
        self._closed = False
        self._back = asyncio.Event()  # set, and made anew, when a step that waited is done

    @property
    def where(self) -> str:
        """Where it is kept, for people to read; never holds a password."""
        return self._server.where

    @property
    def embedded(self) -> bool:
        """Whether the server is our own."""
        return self._server.embedded

    async def close(self) -> None:
        """Disconnect; the last one to leave the embedded server stops it.

        A step that is under way, or that begins later, raises MemoryAway.
        """
        self._closed = True
        self._back.set()
        await self.redis.aclose()
        await asyncio.to_thread(self._server.stop)

    async def connect(self, patience: float) -> None:
        async def hello() -> None:
            await self._attach()
            await self.redis.ping()

        await self.lasting(hello, None, patience)

    async def _attach(self) -> None:
        """Make sure there is a server to talk to, and a client for it."""
        moved = await asyncio.to_thread(self._server.start)
        if self._attached and not moved:
            return
        self._attached = False
        await self.redis.aclose()
        self.redis = await self._server.client(
            decode_responses=True,
            socket_timeout=5,
            socket_connect_timeout=3,
            # We wait and tell people; the library must not wait silently before.
            retry=Retry(NoBackoff(), 0),
        )
        self._attached = True

    async def lasting(
        self,
        step: Callable[[], Awaitable[T]],
        on_connection: ConnectionCallback | None,
        patience: float | None = None,
    ) -> T:
        """Do `step` until Redis lets it be done.

        Raises:
            MemoryAway: the patience is used up, or the connection was closed.
            MemoryProblem: Redis answers with an error that waiting does not cure.
        """
        until = time.monotonic() + (self._patience if patience is None else patience)
        pause, waiting = _FIRST_PAUSE, False
        closed = MemoryAway(f"Redis ({self.where}): the connection was closed")
        task = asyncio.current_task()
        cancelled = task.cancelling() if task else 0
        while True:
            if self._closed:
                raise closed
            try:
                if waiting:
                    await self._attach()
                done = await step()
            except Exception as problem:
                if self._closed:  # then the driver may raise anything: its streams are gone
                    raise closed from problem
                if not isinstance(problem, redis.RedisError):
                    raise
                if not heals(problem):
                    raise MemoryProblem(f"Redis ({self.where}): {told(problem)}") from problem
                away = MemoryAway(
                    f"Redis ({self.where}) does not answer or refuses: {told(problem)}"
                )
                if time.monotonic() + pause > until:
                    raise away from problem
                if not waiting and on_connection:
                    await on_connection(away)
                waiting = True
                await self._pause(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                if waiting:
                    self._back.set()
                    self._back = asyncio.Event()
                if waiting and on_connection:
                    await on_connection(None)
                if task and task.cancelling() > cancelled:
                    # redis-py (8.1) swallows a cancellation that comes while it connects.
                    raise asyncio.CancelledError
                return done

    async def _pause(self, seconds: float) -> None:
        """Wait until it is worth another try: so many seconds, or until a step that waited too is
        done. (That may have been on another node of a cluster, so not at once each time.)"""
        back = self._back
        await asyncio.sleep(min(seconds, _LEAST_PAUSE))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds - _LEAST_PAUSE)):
                await back.wait()
