"""The client of a cluster, on six real redis-server processes: MOVED, ASK, failover, transactions.

# slow: starts six servers
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import redis

from benchmarks.redis_servers import SLOTS, Cluster
from bot.doctor.machine import Machine
from bot.doctor.redis import check_redis
from bot.memory import Fact, Memory, MemoryAway, open_memory
from bot.memory.cluster import ClusterClient
from bot.memory.keys import room_keys
from bot.memory.rewriting import ERASED, erased
from bot.memory.stored import Request, StoredLine, new_id
from characters.turn import Turn

_names = itertools.count()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster")) as made:
        yield made


@pytest.fixture
async def memory(cluster: Cluster) -> AsyncIterator[Memory]:
    opened = await open_memory(cluster.url, patience=60)
    yield opened
    await opened.close()


def room_in(client: ClusterClient, slot_ok: Any) -> str:
    """A name of a room whose keys lie in a slot that `slot_ok` takes."""
    for number in _names:
        if slot_ok(client.slot_of(room_keys(f"test:r{number}"))):
            return f"r{number}"
    raise AssertionError


class Move:
    """A slot on its way from one node to another."""

    def __init__(self, cluster: Cluster, slot: int) -> None:
        self._cluster, self._slot = cluster, slot
        self._source = cluster.primary_of(slot)
        self._target = next(
            number
            for number, role in cluster.roles().items()
            if role == "master" and number != self._source
        )
        self._ids = {n: cluster._do(n, "MYID") for n in (self._source, self._target)}

    def begin(self) -> None:
        """From now on the source answers ASK for keys that it has not."""
        do = self._cluster._do
        do(self._target, "SETSLOT", self._slot, "IMPORTING", self._ids[self._source])
        do(self._source, "SETSLOT", self._slot, "MIGRATING", self._ids[self._target])

    def end(self) -> None:
        """Bring the keys over; from now on the source answers MOVED."""
        do, ports = self._cluster._do, self._cluster.ports
        while keys := do(self._source, "GETKEYSINSLOT", self._slot, 100):
            self._cluster.client(self._source).execute_command(
                "MIGRATE", "127.0.0.1", ports[self._target], "", 0, 5000, "KEYS", *keys
            )
        for number in (self._target, self._source):
            do(number, "SETSLOT", self._slot, "NODE", self._ids[self._target])


async def texts(memory: Memory, name: str) -> list[str]:
    room = memory.room("test", name)
    await room.look()
    return [stored.turn.text for stored in room.turns]


async def test_a_plain_address_of_one_node_is_followed_to_all(cluster: Cluster):
    opened = await open_memory(f"redis://127.0.0.1:{cluster.ports[4]}/0", patience=20)
    assert isinstance(opened.redis, ClusterClient)
    names = [f"plain {number}" for number in range(12)]
    for name in names:
        await opened.room("test", name).write(Turn("小明", name))
    slots = {opened.redis.slot_of(room_keys(f"test:plain%20{n}")) for n in range(12)}
    assert len({cluster.primary_of(slot) for slot in slots}) == 3
    assert [await texts(opened, name) for name in names] == [[name] for name in names]
    await opened.close()


@pytest.mark.parametrize("idle", [1, 2, 3, 4])
async def test_a_slot_that_is_being_moved_is_followed(cluster: Cluster, memory: Memory, idle: int):
    client: Any = memory.redis
    old = room_in(client, lambda slot: True)
    slot = client.slot_of(room_keys(f"test:{old}"))
    await memory.room("test", old).write(Turn("小明", "一"))
    # With several idle connections ASKING and its command must not take two of them.
    await asyncio.gather(
        *(node.execute_command("DEBUG", "SLEEP", "0.05") for node in client.get_primaries()
          for _ in range(idle)),
        return_exceptions=True,
    )  # fmt: skip
    move = Move(cluster, slot)
    move.begin()
    tag = f"{{room:test:{old}}}"
    await client.set(f"mrp:1:{tag}:new", "asked")  # a key that the source has not
    assert await client.get(f"mrp:1:{tag}:new") == "asked"
    async with client.pipeline(transaction=True) as pipe:
        await pipe.watch(f"mrp:1:{tag}:more")
        assert await pipe.get(f"mrp:1:{tag}:more") is None
        pipe.multi()
        pipe.set(f"mrp:1:{tag}:more", "1")
        pipe.incr(f"mrp:1:{tag}:more")
        assert await pipe.execute() == [True, 2]
    writing = asyncio.create_task(memory.room("test", old).write(Turn("小明", "二")))
    await asyncio.sleep(0.2)  # keys on both sides: TRYAGAIN, until the move is over
    move.end()
    await asyncio.wait_for(writing, 60)
    assert await texts(memory, old) == ["一", "二"]
    assert await client.get(f"mrp:1:{tag}:new") == "asked"
    for key in ("new", "more"):
        await client.delete(f"mrp:1:{tag}:{key}")


async def test_two_who_know_the_old_place_of_a_slot_write_at_the_new_one(
    cluster: Cluster, memory: Memory
):
    client: Any = memory.redis
    name = room_in(client, lambda slot: True)
    other = await open_memory(cluster.url, patience=60)
    for number, each in enumerate((memory, other)):
        await each.room("test", name).write(Turn("小明", f"{number}"))
    move = Move(cluster, client.slot_of(room_keys(f"test:{name}")))
    move.begin()
    move.end()
    for number, each in enumerate((memory, other), 2):
        await each.room("test", name).write(Turn("小明", f"{number}"))
        await each.person("test:1").learn([Fact(f"第{number}件", room=f"test:{name}")])
    assert await texts(memory, name) == ["0", "1", "2", "3"]
    await other.close()


async def test_many_who_change_one_person_at_once_lose_nothing(memory: Memory):
    person = f"test:many {next(_names)}"
    await asyncio.gather(
        *(memory.person(person).learn([Fact(f"我有{n}只猫", room="test:x")]) for n in range(12))
    )
    facts = (await memory.person(person).known()).facts
    assert sorted(fact.text for fact in facts) == sorted(f"我有{n}只猫" for n in range(12))
    assert sorted(fact.id for fact in facts) == list(range(1, 13))


async def test_a_transaction_that_was_overtaken_does_nothing(memory: Memory):
    client: Any = memory.redis
    key = f"mrp:1:{{t{next(_names)}}}:a"
    pipe: Any
    async with client.pipeline(transaction=True) as pipe:
        await pipe.watch(key)
        await client.set(key, "theirs")
        pipe.multi()
        pipe.set(key, "ours")
        with pytest.raises(redis.WatchError):
            await pipe.execute()
        assert await client.get(key) == "theirs"
        # A key that only lives longer is the same.
        await pipe.watch(key)
        await client.expire(key, 100)
        pipe.multi()
        pipe.hset(key + ":h", mapping={"one": "1", "two": "二"})
        pipe.hgetall(key + ":h")
        pipe.xadd(key + ":s", {"a": "b"}, id="1-1")
        pipe.delete(key, key + ":h", key + ":none")
        assert await pipe.execute() == [2, {"one": "1", "two": "二"}, "1-1", 2]
    async with client.pipeline(transaction=True) as pipe:
        assert await pipe.execute() == []


async def test_what_lies_in_two_slots_is_refused(memory: Memory):
    client: Any = memory.redis
    with pytest.raises(redis.ResponseError, match="CROSSSLOT"):
        await client.delete("mrp:1:{a}", "mrp:1:{b}")
    async with client.pipeline(transaction=True) as pipe:
        pipe.set("mrp:1:{a}", "1")
        pipe.set("mrp:1:{b}", "1")
        with pytest.raises(redis.ResponseError, match="CROSSSLOT"):
            await pipe.execute()
    assert await client.get("mrp:1:{a}") is None


async def test_every_node_rewrites_its_file_after_an_erasure(memory: Memory):
    client: Any = memory.redis
    nodes = client.get_nodes()
    assert len(nodes) == 6

    sizes = [await client.info("persistence", target_nodes=node) for node in nodes]
    assert all(info["aof_enabled"] for info in sizes)
    asked: list[object] = []
    rewriting = client.bgrewriteaof

    def bgrewriteaof(**server: Any) -> Any:
        asked.append(server["target_nodes"])
        return rewriting(**server)

    client.bgrewriteaof = bgrewriteaof
    await erased(memory)
    assert await memory.rewrite()
    assert asked == nodes
    assert await client.get(ERASED) is None


async def test_the_doctor_asks_every_node(cluster: Cluster):
    (finding,) = await check_redis({"REDIS_URL": cluster.url}, Machine())
    assert finding.level == "well", finding
    assert "3 primaries and 3 replicas" in finding.says
    odd: Any = cluster.client(4)
    odd.config_set("maxmemory-policy", "allkeys-lru")
    (finding,) = await check_redis({"REDIS_URL": cluster.url}, Machine())
    assert (finding.level, finding.about) == ("fault", "redis eviction")
    odd.config_set("maxmemory-policy", "noeviction")


async def test_a_slot_without_a_primary_is_said_and_waited_for(cluster: Cluster, memory: Memory):
    client: Any = memory.redis
    slot = SLOTS - 1
    number = cluster.primary_of(slot)
    cluster._do(number, "DELSLOTS", slot)
    name = room_in(client, lambda slot: cluster.primary_of(slot - slot // (SLOTS - 1)) == number)
    hasty = await open_memory(cluster.url, patience=60)
    problems: list[str] = []
    back = asyncio.Event()

    async def told(problem: MemoryAway | None) -> None:
        problems.append(str(problem))
        if problem is None:
            back.set()

    writing = asyncio.create_task(hasty.room("test", name, told).write(Turn("小明", "等")))
    while not problems:
        await asyncio.sleep(0.01)
    assert "the cluster is down" in problems[0]
    assert "redis-cli --cluster check" in problems[0]
    cluster._do(number, "ADDSLOTS", slot)
    await asyncio.wait_for(writing, 60)
    assert back.is_set()
    await hasty.close()
    cluster.wait_until_well()


async def test_a_primary_that_dies_takes_no_turn_with_it(cluster: Cluster, memory: Memory):
    client: Any = memory.redis
    dead = cluster.primary_of(0)
    theirs = room_in(client, lambda slot: cluster.primary_of(slot) == dead)
    room = memory.room("test", theirs)
    work = await room.hear(Request(new_id(), "test:1", "小明"), Turn("小明", "在吗"), message="m1")
    told: list[object] = []

    async def on_connection(problem: object) -> None:
        told.append(problem)

    cluster.kill(dead)
    waiting = memory.room("test", theirs, on_connection)
    began = time.monotonic()
    line = StoredLine(work.line, "wukong", ("在。",))
    await waiting.write(Turn("孙悟空", "在。", "character"), line=line, work=work)
    away, over = told  # whoever waits is told once, and when it is over
    assert isinstance(away, MemoryAway)
    assert over is None
    assert time.monotonic() - began < 60
    assert await texts(memory, theirs) == ["在吗", "在。"]
    await memory.person("test:9").learn([Fact("我怕水", room=f"test:{theirs}")])
    assert await memory.unfinished("test") == [theirs]  # not shown yet
    cluster.start_dead()
    assert await texts(memory, theirs) == ["在吗", "在。"]


async def test_who_does_not_answer_is_not_waited_for_longer_than_the_patience():
    with pytest.raises(MemoryAway, match=r"127\.0\.0\.1:1,127\.0\.0\.1:2"):
        await open_memory("redis+cluster://127.0.0.1:1,127.0.0.1:2", patience=0.3)
