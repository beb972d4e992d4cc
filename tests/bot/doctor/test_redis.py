"""What Redis says of itself, and servers that are none."""

from __future__ import annotations

import asyncio

import pytest

from bot.doctor.machine import Machine
from bot.doctor.redis import check_redis, findings_of

WELL = {"redis_version": "8.0.1", "aof_enabled": 1, "maxmemory_policy": "noeviction"}


def test_a_redis_that_keeps_what_it_is_given_is_well():
    (finding,) = findings_of(WELL, "127.0.0.1:6379")
    assert finding.level == "well"


@pytest.mark.parametrize(
    ("info", "about", "says"),
    [
        ({"redis_version": "6.0.9"}, "redis version", "needs 6.2"),
        ({"redis_version": "odd"}, "redis version", "needs 6.2"),
        ({"aof_enabled": 0}, "redis persistence", "append-only"),
        ({"aof_last_write_status": "err"}, "redis persistence", "aof last write status: err"),
        ({"rdb_last_bgsave_status": "err"}, "redis persistence", "bgsave"),
        ({"maxmemory_policy": "allkeys-lru"}, "redis eviction", "people are forgotten"),
        ({"role": "slave"}, "redis", "takes no writes"),
    ],
)
def test_each_fault_is_one_finding(info, about, says):
    (finding,) = findings_of(WELL | info, "127.0.0.1:6379")
    assert (finding.level, finding.about) == ("fault", about)
    assert says in finding.says
    assert finding.do


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff\xfe\x00\r\n", b""])
async def test_a_server_that_is_no_redis_is_one_finding(answer):
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    environment = {"REDIS_URL": f"redis://127.0.0.1:{port}/0"}
    (finding,) = await check_redis(environment, Machine())
    server.close()
    assert finding.level == "fault"
    assert finding.do


async def test_an_address_that_is_none_is_one_finding():
    (finding,) = await check_redis({"REDIS_URL": "localhost:6379"}, Machine())
    assert finding.level == "fault"
    assert finding.do == "correct REDIS_URL"


async def test_a_password_file_that_is_missing_is_one_finding():
    environment = {"REDIS_URL": "redis://localhost", "REDIS_PASSWORD_FILE": "/does/not/exist"}
    (finding,) = await check_redis(environment, Machine())
    assert "REDIS_PASSWORD_FILE" in finding.says
