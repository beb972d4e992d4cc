"""Backups on the pages: made, taken along, checked, restored, and foreign files refused."""

import asyncio
import gzip

import aiohttp
import pytest

from bot import backup


@pytest.fixture
async def owner(studio):
    return await studio.browser("studio:owner", "主人", role="owner")


async def test_made_taken_along_and_restored(studio, owner):
    ming = await studio.browser()
    path = await studio.room(ming, "wukong")
    await studio.say(ming, path, "悟空，第一句")
    status, _, where = await owner.post("/owner/backups/make")
    assert (status, where) == (303, "/owner/backups")
    (file,) = backup.listed()
    async with owner.http.get(f"{owner.url}/owner/backups/file/{file.name}") as answer:
        assert await answer.read() == file.read_bytes()
        assert answer.headers["Cache-Control"] == "no-store"
    _, text, _ = await owner.post("/owner/backups", name=file.name, do="check")
    assert "完好：1 间屋子" in text
    await studio.say(ming, path, "悟空，第二句")
    status, text, _ = await owner.post("/owner/backups", name=file.name, do="restore")
    assert (status, "先勾上" in text) == (400, True)
    asked = asyncio.Event()
    studio.site.desk.restart = asked.set
    status, text, _ = await owner.post("/owner/backups", name=file.name, do="restore", sure="yes")
    assert (status, "恢复好了：1 间屋子" in text) == (200, True)
    await asyncio.wait_for(asked.wait(), 5)
    turns = await studio.memory.redis.xrange(
        f"mrp:1:{{room:studio:{path.rpartition(':')[2]}}}:turns"
    )
    assert [fields["t"] for _, fields in turns if fields["k"] == "h"] == ["悟空，第一句"]
    assert len(backup.listed()) == 2  # what was there before
    assert (await owner.get("/owner/backups"))[0] == 200  # still signed in
    await owner.post("/owner/backups", name=file.name, do="remove")
    assert file not in backup.listed()


@pytest.mark.parametrize(
    "brought",
    [b"", b"no gzip", gzip.compress(b'{"mrp":"else"}\n', mtime=0)],
    ids=["empty", "text", "else"],
)
async def test_a_foreign_file_is_refused(studio, owner, brought):
    form = aiohttp.FormData({"csrf": owner.csrf, "do": "bring"})
    form.add_field("file", brought, filename="<i>x.mrp.gz")
    async with owner.http.post(f"{owner.url}/owner/backups", data=form) as answer:
        text = await answer.text()
    assert answer.status == 400
    assert "is no backup of mRP" in text
    assert "<i>" not in text
    assert backup.listed() == []


async def test_one_is_brought_and_names_lead_nowhere_else(studio, owner, data_home):
    file = await backup.make(studio.memory)
    data = file.read_bytes()
    file.unlink()
    form = aiohttp.FormData({"csrf": owner.csrf, "do": "bring"})
    form.add_field("file", data, filename="mine.mrp.gz")
    async with owner.http.post(
        f"{owner.url}/owner/backups", data=form, allow_redirects=False
    ) as answer:
        assert answer.status == 303
    (brought,) = backup.listed()
    assert brought.read_bytes() == data
    (data_home / "secret.mrp.gz").write_bytes(b"x")
    for name in ("../secret.mrp.gz", "..%2Fsecret.mrp.gz", "secret.mrp.gz", ".x.mrp.gz", ""):
        status, _, _ = await owner.post("/owner/backups", name=name, do="remove")
        assert status == 404
        assert (await owner.get(f"/owner/backups/file/{name}"))[0] == 404
    assert (data_home / "secret.mrp.gz").exists()


async def test_the_folder_is_named_as_people_write_it(studio, owner, monkeypatch, data_home):
    monkeypatch.setenv("HOME", str(data_home.parent))
    for page, folder in (("backups", "~/mrp/backups"), ("workshop", "~/mrp/workshop")):
        _, text, *_ = await owner.get(f"/owner/{page}")
        assert folder in text
        assert str(data_home) not in text
