"""Which refusals of Redis time heals, wherever they come from."""

import asyncio
import contextlib

import pytest
import redis

from bot.memory import MemoryAway, open_memory
from bot.memory.connection import Connection
from bot.memory.refusals import heals as _heals
from characters.turn import Turn

HEALS = (
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
    "LOADING Redis is loading the dataset in memory",
    "MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist",
    "MISCONF Errors writing to the AOF file: No space left on device",
    "NOREPLICAS Not enough good replicas to write.",
    "READONLY You can't write against a read only replica.",
    "OOM command not allowed when used memory > 'maxmemory'.",
    "TRYAGAIN Multiple keys request during rehashing of slot",
    "CLUSTERDOWN The cluster is down",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
)
STAYS = (
    "WRONGTYPE Operation against a key holding the wrong kind of value",
    "NOPERM this user has no permissions to run the 'eval' command",
    "ERR unknown command 'XADD'",
    "BUSYKEY Target key name already exists.",
    "BUSYGROUP Consumer Group name already exists",
)
WAYS = (
    "{}",
    "Command # 3 (HSET mrp:1:{{room:a:b}}:state note x) of pipeline caused error: {}",
    "Command # 3 (HSET mrp:1:{{room:a:b}}:state note x) of pipeline caused error: ('{}',)",
    "ERR Error running script (call to f_1a): @user_script:58: @user_script: 58: -{}",
    "EXECABORT Transaction discarded because of: {}",
)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("refusal", HEALS)
def test_what_time_heals_is_tried_again(refusal, way):
    assert _heals(redis.ResponseError(way.format(refusal)))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("refusal", STAYS)
def test_what_time_does_not_heal_is_said_at_once(refusal, way):
    assert not _heals(redis.ResponseError(way.format(refusal)))


def test_what_somebody_says_is_no_refusal():
    said = "Command # 1 (SET k BUSY of pipeline caused error: BUSY x) of pipeline caused error: {}"
    assert not _heals(redis.ResponseError(said.format("WRONGTYPE Operation against a key")))
    assert _heals(redis.ResponseError(said.format("BUSY Redis is busy")))


@pytest.fixture
async def mine(tmp_path):
    """A memory on a server that the test may trouble."""
    memory = await open_memory(None, folder=tmp_path, patience=20)
    yield memory
    await memory.close()


async def block(memory, seconds):
    """Somebody else's script keeps Redis busy."""
    path = memory.redis.connection_pool.connection_kwargs["path"]
    async with redis.asyncio.Redis(unix_socket_path=path, socket_timeout=30) as other:
        await other.config_set("lua-time-limit", 50)
        script = (
            "local t = redis.call('TIME'); local function now() local n = redis.call('TIME') "
            "return n[1] - t[1] + (n[2] - t[2]) / 1e6 end while now() < tonumber(ARGV[1]) do end"
        )
        await other.eval(script, 0, seconds)


@pytest.mark.parametrize("what", ["script", "pipeline", "transaction"])
async def test_a_busy_redis_is_waited_for(mine, what):
    room, person = mine.room("test", "a"), mine.person("test:1")
    await room.write(Turn("小明", "一"))
    busy = asyncio.create_task(block(mine, 1.0))
    await asyncio.sleep(0.3)
    if what == "script":
        await room.write(Turn("小明", "二"))
        assert [stored.turn.text for stored in room.turns] == ["一", "二"]
    elif what == "pipeline":
        assert await mine.unfinished("test") == []
    else:
        await person.set(shared=True)
        assert (await person.known()).profile.shared
    await busy


@pytest.mark.parametrize("what", ["script", "pipeline"])
async def test_too_few_replicas_are_waited_for(mine, what):
    room = mine.room("test", "a")
    await mine.redis.config_set("min-replicas-to-write", 1)
    writing = asyncio.create_task(
        room.write(Turn("小明", "一")) if what == "script" else mine.person("test:1").set(days=9)
    )
    await asyncio.sleep(0.4)
    assert not writing.done()
    await mine.redis.config_set("min-replicas-to-write", 0)
    await asyncio.wait_for(writing, 10)


async def test_patience_ends_with_the_reason(tmp_path):
    memory = await open_memory(None, folder=tmp_path, patience=0.3)
    await memory.redis.config_set("min-replicas-to-write", 1)
    with pytest.raises(MemoryAway, match="NOREPLICAS"):
        await memory.person("test:1").set(days=9)
    await memory.redis.config_set("min-replicas-to-write", 0)
    await memory.close()


class Nowhere:
    """A server that is there at once and needs no client."""

    where, embedded = "here", True

    def start(self) -> bool:
        return False

    def stop(self) -> None:
        pass


async def test_a_closed_connection_ends_every_step_in_a_sentence():
    connection = Connection(Nowhere(), 60.0)  # type: ignore[arg-type]
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def step() -> None:
        begun.set()
        await go_on.wait()
        raise AttributeError("'NoneType' object has no attribute 'writelines'")

    under_way = asyncio.create_task(connection.lasting(step, None))
    await begun.wait()
    await connection.close()
    go_on.set()
    with pytest.raises(MemoryAway, match="closed"):
        await under_way
    with pytest.raises(MemoryAway, match="closed"):
        await connection.lasting(step, None)


async def test_a_cancellation_that_the_driver_swallows_counts():
    connection = Connection(Nowhere(), 1.0)  # type: ignore[arg-type]
    begun = asyncio.Event()

    async def step() -> str:
        begun.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return "done"

    under_way = asyncio.create_task(connection.lasting(step, None))
    await begun.wait()
    under_way.cancel()
    with pytest.raises(asyncio.CancelledError):
        await under_way
    await connection.close()


async def test_what_is_no_fault_of_redis_is_not_hidden():
    connection = Connection(Nowhere(), 1.0)  # type: ignore[arg-type]

    async def step() -> None:
        raise KeyError("ours")

    with pytest.raises(KeyError):
        await connection.lasting(step, None)
    await connection.close()


class Ready(Nowhere):
    """A server whose client needs nothing."""

    async def client(self, **_: object) -> redis.asyncio.Redis:
        return redis.asyncio.Redis()


async def test_who_finds_redis_back_wakes_the_others(monkeypatch):
    monkeypatch.setattr("bot.memory.connection._LEAST_PAUSE", 0.0)
    connection = Connection(Ready(), float("inf"))
    tried: dict[str, asyncio.Event] = {"slow": asyncio.Event(), "quick": asyncio.Event()}
    away = True

    async def step(name: str) -> str:
        tried[name].set()
        if away:
            raise redis.ConnectionError("away")
        return name

    monkeypatch.setattr("bot.memory.connection._FIRST_PAUSE", 3600.0)
    slow = asyncio.create_task(connection.lasting(lambda: step("slow"), None))
    await tried["slow"].wait()
    monkeypatch.setattr("bot.memory.connection._FIRST_PAUSE", 0.01)
    quick = asyncio.create_task(connection.lasting(lambda: step("quick"), None))
    await tried["quick"].wait()
    away = False
    assert await asyncio.wait_for(asyncio.gather(slow, quick), 30) == ["slow", "quick"]
    await connection.close()


async def test_a_closed_connection_waits_for_nothing(monkeypatch):
    monkeypatch.setattr("bot.memory.connection._FIRST_PAUSE", 3600.0)
    connection = Connection(Ready(), float("inf"))
    tried = asyncio.Event()

    async def step() -> None:
        tried.set()
        raise redis.ConnectionError("away")

    waiting = asyncio.create_task(connection.lasting(step, None))
    await tried.wait()
    await connection.close()
    with pytest.raises(MemoryAway, match="closed"):
        await asyncio.wait_for(waiting, 30)
