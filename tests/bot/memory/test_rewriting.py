"""After an erasure the append-only file is rewritten: ours at once, another's when it is asked."""

import pytest

from bot.memory import Fact, open_memory
from bot.memory.rewriting import ERASED, erased, rewrite


async def test_nothing_is_rewritten_where_nothing_was_erased(tmp_path):
    memory = await open_memory(None, folder=tmp_path)
    assert not await rewrite(memory)
    await memory.close()


async def test_what_was_noted_is_done_after_a_restart(tmp_path):
    memory = await open_memory(None, folder=tmp_path)
    await memory.person("test:1").learn([Fact("西瓜")])
    await memory.redis.delete("mrp:1:{person:test:1}:facts")
    await memory.redis.incr(ERASED)
    await memory.close()
    again = await open_memory(None, folder=tmp_path)
    assert "西瓜".encode() in (tmp_path / "memory.aof").read_bytes()
    assert await again.rewrite()
    assert "西瓜".encode() not in (tmp_path / "memory.aof").read_bytes()
    assert not await again.rewrite()
    await again.close()


async def test_a_server_of_somebody_elses_is_asked_once_for_many(tmp_path, monkeypatch):
    memory = await open_memory(None, folder=tmp_path)
    asked = []
    real = memory.redis.bgrewriteaof

    async def counted():
        asked.append(1)
        return await real()

    monkeypatch.setattr(memory.redis, "bgrewriteaof", counted)
    monkeypatch.setattr(memory._server, "embedded", False, raising=False)
    for _ in range(5):
        await erased(memory)
    assert not asked
    assert await memory.rewrite()
    assert len(asked) == 1
    monkeypatch.undo()
    await memory.close()


@pytest.mark.parametrize("way", ["no append-only file", "not allowed"])
async def test_a_server_that_does_not_rewrite_is_left_alone(tmp_path, monkeypatch, way):
    memory = await open_memory(None, folder=tmp_path)
    if way == "not allowed":
        await memory.redis.execute_command("ACL", "SETUSER", "default", "-bgrewriteaof")
    else:
        await memory.redis.config_set("appendonly", "no")
    await erased(memory)
    assert await memory.redis.get(ERASED) is None
    assert not await memory.rewrite()
    await memory.close()
