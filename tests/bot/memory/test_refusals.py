"""What Redis refuses, in a sentence for who runs it; and real servers that refuse."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import redis

from benchmarks.redis_servers import Servers
from bot.memory import Fact, MemoryAway, MemoryProblem, open_memory
from bot.memory.refusals import first_line, heals, told
from characters.turn import Turn


def chained(outer: Exception, inner: Exception) -> Exception:
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    ("problem", "says"),
    [
        (redis.AuthenticationError("invalid username-password pair or user is disabled."),
         "correct REDIS_PASSWORD"),
        (redis.ResponseError("WRONGPASS invalid username-password pair"), "correct REDIS_PASSWORD"),
        (redis.AuthenticationError("Authentication required."), "set REDIS_PASSWORD"),
        (redis.ResponseError("NOAUTH Authentication required."), "set REDIS_PASSWORD"),
        (redis.exceptions.NoPermissionError("this user has no permissions to run the 'eval'"),
         "docs/memory.md"),
        (redis.ResponseError("Command # 1 (HSET k f v) of pipeline caused error: NOPERM x"),
         "docs/memory.md"),
        (redis.ReadOnlyError("You can't write against a read only replica."), "name its primary"),
        (redis.exceptions.ClusterDownError("The cluster is down"), "redis-cli --cluster check"),
        (redis.ConnectionError("No master found for 'mrp' : x"), "Sentinel knows no primary"),
        (chained(redis.ConnectionError("Error 1 connecting to h:1."),
                 ssl.SSLCertVerificationError(1, "certificate verify failed: self-signed")),
         "ssl_ca_certs=FILE"),
        (redis.ConnectionError("Error: [SSL: WRONG_VERSION_NUMBER] wrong version number"),
         "not rediss"),
    ],
)  # fmt: skip
def test_what_can_be_mended_says_how(problem: Exception, says: str):
    assert says in told(problem)
    assert first_line(problem) in told(problem), "its own words stand beside it"


def test_what_somebody_says_gives_no_advice():
    said = "Command # 1 (SET k NOPERM NOAUTH READONLY) of pipeline caused error: WRONGTYPE x"
    assert told(redis.ResponseError(said)) == said


def test_a_move_of_slots_heals():
    assert heals(redis.exceptions.ClusterError("slot 7 was moved 16 times"))
    assert heals(redis.exceptions.MovedError("7 127.0.0.1:7000"))
    assert heals(redis.ResponseError("UNBLOCKED force unblock from blocking operation"))
    assert not heals(redis.ResponseError("CROSSSLOT Keys in request don't hash to the same slot"))


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[Servers]:
    with Servers(tmp_path) as made:
        yield made


async def test_a_wrong_password_and_none_are_each_a_sentence(servers: Servers):
    port = servers.ports[servers.add(requirepass="right")]
    opened = await open_memory(f"redis://:right@127.0.0.1:{port}/0", patience=20)
    await opened.close()
    with pytest.raises(MemoryAway, match="correct REDIS_PASSWORD") as caught:
        await open_memory(f"redis://:wr0ng@127.0.0.1:{port}/0", patience=0.3)
    assert "wr0ng" not in str(caught.value)
    with pytest.raises(MemoryAway, match="set REDIS_PASSWORD"):
        await open_memory(f"redis://127.0.0.1:{port}/0", patience=0.3)


# What docs/memory.md says that a user needs.
RIGHTS = (
    "~mrp:* +@read +@write +@transaction +eval +dump +restore +wait +asking +ping +time +info "
    "+command +select +hello +cluster|slots +bgrewriteaof +scan"
)


async def test_the_rights_of_the_docs_are_enough_and_fewer_are_one_sentence(servers: Servers):
    docs = Path(__file__).parents[3] / "docs" / "memory.md"
    assert RIGHTS in " ".join(docs.read_text(encoding="utf-8").split())
    number = servers.add()
    admin: Any = servers.client(number)
    admin.execute_command("ACL", "SETUSER", "mrp", "on", ">s", *RIGHTS.split())
    admin.execute_command("ACL", "SETUSER", "few", "on", ">s", "~other:*", "+@all")
    where = f"127.0.0.1:{servers.ports[number]}/0"
    memory = await open_memory(f"redis://mrp:s@{where}", patience=20)
    room = memory.room("test", "a")
    await room.write(Turn("小明", "一"))
    person = memory.person("test:1")
    await person.came("test:a", "小明")
    await person.learn([Fact("我怕水", room="test:a")], since="test:a")
    assert await memory.move("test", "a", "b")
    await memory.due(now=await memory.now())
    await person.forget_everything()
    await memory.rewrite()
    refused = [entry["object"] for entry in admin.acl_log()]
    assert not [what for what in refused if not what.startswith("client")]  # only a name for lists
    await memory.close()
    with pytest.raises(MemoryProblem, match=r"rights that docs/memory\.md lists"):
        await open_memory(f"redis://few:s@{where}", patience=20)


async def test_a_replica_is_named_as_one(servers: Servers):
    primary = servers.add()
    replica = servers.add(replicaof=f"127.0.0.1 {servers.ports[primary]}")
    with pytest.raises(MemoryAway, match="name its primary"):
        await open_memory(f"redis://127.0.0.1:{servers.ports[replica]}/0", patience=0.3)
