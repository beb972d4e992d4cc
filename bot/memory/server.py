"""A Redis that somebody else runs, named by REDIS_URL."""

from __future__ import annotations

from typing import Any

import redis.asyncio

from bot.memory.connection import MemoryProblem


class Server:
    """A Redis that somebody else runs."""

    embedded = False

    def __init__(self, url: str) -> None:
        try:
            parsed = redis.asyncio.connection.parse_url(url)
        except ValueError as problem:
            raise MemoryProblem(
                "REDIS_URL is not a Redis address; it looks like redis://HOST:6379/0"
            ) from problem
        self._url = url
        self.where = str(
            parsed.get("path") or f"{parsed.get('host', 'localhost')}:{parsed.get('port', 6379)}"
        )
        self._known = False

    def start(self) -> bool:
        """Whether clients need to be made anew."""
        moved, self._known = not self._known, True
        return moved

    def client(self, **options: Any) -> redis.asyncio.Redis:
        return redis.asyncio.Redis.from_url(self._url, **options)

    def stop(self) -> None:
        """Nothing: it is not ours."""
