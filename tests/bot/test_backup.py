"""`mrp backup`: what comes back is what was there; foreign, cut and changed files are refused."""

import gzip
import json
import stat
import time

import pytest

import mrp
from bot import backup
from bot.backup import BackupProblem
from bot.memory import open_memory
from bot.memory.backup import belongs

KEYS = {
    "mrp:1:{room:x:1}:turns": "stream",
    "mrp:1:{room:x:1}:state": "hash",
    "mrp:1:{person:x:小明}:facts": "hash",
    "mrp:1:rooms:x": "zset",
    "mrp:1:{cast}:of:x%3A1": "set",
    "mrp:1:{cast}:people:c_1": "string",
}


async def filled(memory):
    redis = memory.redis
    await redis.flushall()
    for number in range(2500):
        await redis.xadd("mrp:1:{room:x:1}:turns", {"t": f'第{number}句 \n\t"\\', "k": "h"})
    last = (await redis.xrevrange("mrp:1:{room:x:1}:turns", count=1))[0][0]
    await redis.xdel("mrp:1:{room:x:1}:turns", last)  # the next id is after it all the same
    await redis.hset("mrp:1:{room:x:1}:state", mapping={"epoch": "7", "cast": "wukong"})
    await redis.hset(
        "mrp:1:{person:x:小明}:facts", mapping={"1": json.dumps({"t": "花生"}), "": ""}
    )
    await redis.pexpire("mrp:1:{person:x:小明}:facts", 9_000_000)
    await redis.zadd("mrp:1:rooms:x", {"1": 1700000000.125, "二": 2})
    await redis.sadd("mrp:1:{cast}:of:x%3A1", "a", "b")
    await redis.pfadd("mrp:1:{cast}:people:c_1", *map(str, range(300)))
    await redis.sadd("mrp:versions", "1")
    await redis.set("mrp:1:{session:abc}", "who is signed in")
    await redis.set("somebody:else", "theirs")
    return last


@pytest.fixture
async def memory(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("REDIS_URL", raising=False)
    opened = await open_memory(None, folder=tmp_path / "data" / "mrp", patience=5)
    yield opened
    await opened.close()


async def everything(redis):
    found = {}
    for key in sorted(await redis.keys("*")):
        kind = await redis.type(key)
        if kind == "stream":
            value = await redis.xrange(key)
        elif kind == "hash":
            value = await redis.hgetall(key)
            value.pop("epoch", None)
        elif kind == "zset":
            value = await redis.zrange(key, 0, -1, withscores=True)
        elif kind == "set":
            value = await redis.smembers(key)
        else:
            value = await redis.pfcount(key) if "people" in key else await redis.get(key)
        found[key] = (kind, value)
    return found


async def test_what_comes_back_is_what_was_there(memory):
    last = await filled(memory)
    redis = memory.redis
    before = await everything(redis)
    life = time.time() * 1000 + await redis.pttl("mrp:1:{person:x:小明}:facts")
    file = await backup.make(memory)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    contents, records = backup.read(file)
    assert {r.key: r.kind for r in records} == KEYS | {"mrp:versions": "set"}
    assert (contents.rooms, contents.keys) == (1, 7)
    order = [r.key for r in records]
    assert order.index("mrp:1:{room:x:1}:turns") < order.index("mrp:1:{person:x:小明}:facts")
    # meanwhile: something more, something less, something of others
    await redis.set("mrp:1:{room:y:2}:turns", "new")
    await redis.delete("mrp:1:{cast}:of:x%3A1")
    await redis.hset("mrp:1:{room:x:1}:state", "cast", "bajie")
    await redis.set("mrp:1:{session:abc}", "somebody now")
    told, kept = await backup.restore(memory, file)
    after = await everything(redis)
    assert after.pop("mrp:1:{session:abc}")[1] == "somebody now"
    assert after == {k: v for k, v in before.items() if "session" not in k}
    assert await redis.hget("mrp:1:{room:x:1}:state", "epoch") != "7"  # read anew by whoever has it
    now = time.time() * 1000 + await redis.pttl("mrp:1:{person:x:小明}:facts")
    assert abs(now - life) < 500
    assert await redis.xadd("mrp:1:{room:x:1}:turns", {"t": "x"}) > last
    assert told == contents
    assert "mrp:1:{room:y:2}:turns" in {r.key for r in backup.read(kept)[1]} or kept.exists()


async def test_what_is_no_backup_is_refused_before_anything_is_changed(memory, tmp_path):
    await filled(memory)
    good = await backup.make(memory)
    lines = gzip.decompress(good.read_bytes()).splitlines(keepends=True)
    before = await everything(memory.redis)

    def written(*rows):
        file = tmp_path / "bad.mrp.gz"
        file.write_bytes(gzip.compress(b"".join(rows)))
        return file

    foreign = json.dumps(["somebody:else", "set", "", ["x"]]).encode() + b"\n"
    session = json.dumps(["mrp:1:{session:x}", "string", "", "00"]).encode() + b"\n"
    odd = json.dumps(["mrp:1:rooms:x", "zset", "", ["odd"]]).encode() + b"\n"
    code = json.dumps(["mrp:1:rooms:x", "function", "", []]).encode() + b"\n"
    older = lines[0].replace(b'"keys_version":1', b'"keys_version":0')
    bad = [
        written(),
        written(b"[1]\n"),
        written(*lines[:-1]),
        written(*lines[:2], *lines[3:]),
        written(*lines[:-2], lines[-2].replace(b"b", b"c", 1), lines[-1]),
        written(lines[0], foreign, *lines[1:]),
        written(lines[0], session, *lines[1:]),
        written(lines[0], odd, *lines[1:]),
        written(lines[0], code, *lines[1:]),
        written(older, *lines[1:]),
        written(*lines, b"{}\n"),
        written(b"[" * 100_000 + b"\n"),
    ]
    for file in bad:
        with pytest.raises(BackupProblem):
            await backup.restore(memory, file)
    cut = tmp_path / "cut.mrp.gz"
    cut.write_bytes(good.read_bytes()[:-20])
    for file in (cut, tmp_path / "missing.mrp.gz", tmp_path):
        with pytest.raises(BackupProblem):
            await backup.restore(memory, file)
    assert await everything(memory.redis) == before
    assert backup.listed() == [good]


async def test_many_pictures_come_back_whatever_their_size_together(memory, monkeypatch):
    """They lie in one hash, which would be larger than what is read again at once."""
    faces = {f"c_{n}": f"{n:02}" * 10_000 for n in range(60)}
    await memory.redis.hset("mrp:1:{cast}:faces", mapping=faces)
    await memory.redis.hset("mrp:1:{cast}:cards", mapping={"c_1": "{}"})
    monkeypatch.setattr(backup, "LONGEST_LINE", 600_000)
    file = await backup.make(memory)
    await memory.redis.hset("mrp:1:{cast}:faces", mapping={"c_new": "x", "c_2": "y"})
    await backup.restore(memory, file)
    assert await memory.redis.hgetall("mrp:1:{cast}:faces") == faces
    assert await memory.redis.hgetall("mrp:1:{cast}:cards") == {"c_1": "{}"}


async def test_what_could_not_be_read_again_is_not_written(memory, monkeypatch):
    await filled(memory)
    monkeypatch.setattr(backup, "LONGEST_LINE", 20_000)
    with pytest.raises(BackupProblem, match=r"room:x:1.*has 0 MB; a backup takes"):
        await backup.make(memory)
    assert backup.listed() == []
    assert not list(backup.backups_folder().iterdir())


def test_what_lives_for_minutes_or_signs_in_is_no_part():
    for key in (
        "mrp:1:{login:x}",
        "mrp:1:{session:x}",
        "mrp:1:{link:123456}",
        "mrp:1:studio",
        "mrp:1:workers:discord",
        "mrp:1:{person:x:1}:sessions",
        "mrp:1:{room:x:1}:turns:gone",
        "mrp:2:rooms:x",
        "other",
    ):
        assert not belongs(key)
    for key in ("mrp:versions", "mrp:1:rooms:x", "mrp:1:{room:x:1}:turns", "mrp:1:{cast}:gone"):
        assert belongs(key)


def test_on_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv("REDIS_URL", raising=False)
    file = tmp_path / "b.mrp.gz"
    assert mrp.main(["backup", "make", str(file)]) == 0
    assert mrp.main(["backup", "check", str(file), "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["rooms"] == 0
    assert mrp.main(["backup", "restore", str(file)]) == 0
    file.write_bytes(b"x")
    assert mrp.main(["backup", "restore", str(file)]) == 2
    assert "is no backup of mRP" in capsys.readouterr().err
    assert mrp.main(["backup", "make", str(tmp_path / "no" / "x.mrp.gz")]) == 2
    assert "cannot be written" in capsys.readouterr().err
