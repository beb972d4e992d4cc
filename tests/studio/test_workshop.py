"""The workshop: what is chosen becomes a job; its page shows how far it is, and its report."""

import asyncio
import os

import aiohttp
import pytest

from bot.platforms.studio.hosting.commands import COMMANDS, NotThere, Wares


@pytest.fixture
async def owner(studio):
    return await studio.browser("studio:owner", "主人", role="owner")


async def brought(owner, name, data):
    form = aiohttp.FormData({"csrf": owner.csrf}, quote_fields=False)
    form.add_field("file", data, filename=name)
    async with owner.http.post(
        f"{owner.url}/owner/workshop/bring", data=form, allow_redirects=False
    ) as answer:
        return answer.status, await answer.text()


async def ended(studio, job_id):
    jobs = studio.site.desk.jobs
    async with asyncio.timeout(120):
        while jobs.find(job_id).state == "running":
            await asyncio.sleep(0.05)
    return jobs.find(job_id)


async def test_a_book_is_brought_and_read_by_a_job(studio, owner):
    text = "第一回　石猴出世\n\n那猴道：“我来也！”众猴道：“大王！”\n" * 40
    assert (await brought(owner, "小书.txt", text.encode()))[0] == 303
    _, page = await owner.get("/owner/workshop")
    assert "小书.txt" in page
    status, _, where = await owner.post("/owner/workshop", command="canon", book="小书.txt")
    assert status == 303
    job_id = where.rpartition("/")[2]
    job = await ended(studio, job_id)
    status, page = await owner.get(where)
    assert status == 200
    assert f"canon build {studio.site.desk.workshop}/books/小书.txt -o build/canon" in page
    assert job.state in ("done", "failed")  # what becomes of such a book is the canon's own
    assert studio.site.desk.jobs.log(job_id)
    _, part = await owner.get(where, headers={"HX-Request": "true"})
    assert "<html" not in part


async def test_what_is_not_on_a_list_is_refused(studio, owner):
    for fields in (
        {"command": "canon", "book": "/etc/passwd"},
        {"command": "canon", "book": "../x.txt"},
        {"command": "canon"},
        {"command": "shrink", "gguf": "xiyou-mini.gguf", "type": "--json"},
        {"command": "train", "recipe": "--help"},
    ):
        status, page, _ = await owner.post("/owner/workshop", **fields)
        assert (status, "没有开始" in page) == (409, True)
    status, _, _ = await owner.post("/owner/workshop", command="rm")
    assert status == 400
    assert studio.site.desk.jobs.all() == []


async def test_only_books_and_recipes_are_brought(studio, owner):
    for name, data in (
        ("x.py", b"x"),
        ("../x.txt", b"x"),
        (".hidden.txt", b"x"),
        ("bad.toml", b"= ="),
        ("a b;c.toml", b"a = 1"),
    ):
        status, _ = await brought(owner, name, data)
        # A browser sends the last part of a name alone, and so it is taken.
        assert status == (303 if name == "../x.txt" else 400)
    found = [p.name for p in studio.site.desk.workshop.rglob("*") if p.is_file()]
    assert found == ["x.txt"]
    assert (await brought(owner, "mine.toml", b'name = "mine"\n'))[0] == 303


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("Journey to the West.EPUB", "Journey-to-the-West.epub"),
        ("《西游记》（上）.txt", "西游记-上.txt"),
        ("A.Tale, of 'Two' Cities!.html", "A.Tale-of-Two-Cities.html"),
        ("ÉTÉ.Txt", "ÉTÉ.txt"),
    ],
)
async def test_a_book_can_be_called_as_people_call_their_files(studio, owner, sent, kept):
    assert (await brought(owner, sent, b"x" * 9))[0] == 303
    _, page = await owner.get("/owner/workshop")
    assert f"<option>{kept}</option>" in page.replace("&#39;", "'")


async def test_what_a_step_still_needs_is_named(studio, owner):
    _, page = await owner.get("/owner/workshop")
    assert "还缺：书" in page
    assert "还缺：适配器、底子（文件夹）" in page


async def test_a_report_is_shown_and_nothing_beside_it(studio, owner):
    folder = studio.site.desk.workshop / "reports" / "mini"
    folder.mkdir(parents=True)
    (folder / "report.html").write_text("<style>b{}</style><script>1</script>")
    (folder / "answers.jsonl").write_text("{}")
    _, page = await owner.get("/owner/workshop")
    assert "/owner/workshop/report/mini/report.html" in page
    async with owner.http.get(f"{owner.url}/owner/workshop/report/mini/report.html") as answer:
        assert answer.status == 200
        policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    for other in (
        "mini/answers.jsonl",
        "mini/none.html",
        "..%2Fmini/report.html",
        "mini/..%2Fx.html",
    ):
        assert (await owner.get(f"/owner/workshop/report/{other}"))[0] == 404


async def test_one_at_a_time_cancel_and_resume(studio, owner, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import pathlib, sys, time\nprint('training: 1 of 2, loss 2.5', flush=True)\n"
        "print('training: 2 of 2, loss 1.5', flush=True)\n"
        "while not pathlib.Path('go').exists(): time.sleep(0.01)\n"
    )
    studio.site.desk.jobs.program = program
    fields = {"command": "shrink", "gguf": "xiyou-mini.gguf", "type": "Q4_K_M"}
    _, _, where = await owner.post("/owner/workshop", **fields)
    status, page, _ = await owner.post("/owner/workshop", **fields)
    assert (status, "one job at a time" in page) == (409, True)
    jobs, job_id = studio.site.desk.jobs, where.rpartition("/")[2]
    async with asyncio.timeout(60):
        while len(jobs.losses(job_id)) < 2:
            await asyncio.sleep(0.02)
    _, page = await owner.get(where)
    assert "<svg" in page
    assert "1.500" in page
    await owner.post(where, do="cancel")
    assert (await ended(studio, job_id)).state == "cancelled"
    async with owner.http.get(f"{owner.url}{where}", headers={"HX-Request": "true"}) as answer:
        assert answer.headers["HX-Refresh"] == "true"  # its buttons are others now
    (jobs.workshop / "go").touch()
    _, page = await owner.get(where)
    assert "接着做" in page
    await owner.post(where, do="resume")
    assert (await ended(studio, job_id)).state == "done"
    status, _, _ = await owner.post(where, do="resume")
    assert status == 409


def test_every_command_line_is_one_that_mrp_reads(tmp_path, monkeypatch):
    """Each form's words are parsed by the command itself, up to its first look at a file."""
    import mrp
    from bot.jobs import ROOT

    workshop = tmp_path / "w"
    for folder in (
        "books",
        "recipes",
        "build/canon",
        "build/lessons",
        "runs/r/adapter",
        "models/m",
    ):
        (workshop / folder).mkdir(parents=True)
    (workshop / "books" / "b.txt").touch()
    (workshop / "runs" / "r" / "recipe.json").touch()
    (workshop / "runs" / "r" / "adapter" / "card.json").touch()
    (workshop / "models" / "m" / "config.json").touch()
    monkeypatch.setenv("MRP_MODELS", str(tmp_path / "none"))
    wares = Wares.of(workshop)
    assert (ROOT / "mrp.py").is_file()
    for command in COMMANDS:
        chosen = {f.name: wares.choices(f.kind)[0] for f in command.fields}
        argv = command.argv(wares, chosen)
        assert argv[0] in mrp.verbs()
        assert all("\n" not in word for word in argv)
        assert command.about(chosen)
        with pytest.raises(NotThere):
            command.argv(wares, {})
        kept = [word for word in argv if word.startswith("-")]
        assert all(word in ("-o", *(w for w in kept if w.startswith("--"))) for word in kept)
        assert os.sep not in argv[0]
