"""The first steps: a model, the chats' tokens, the doctor; nothing of a token is shown again."""

import asyncio
import os
import stat

import pytest

from bot import settings
from bot.jobs import Job
from bot.platforms import registry
from bot.platforms.protocol import Platform
from bot.platforms.studio.hosting import chats, setup
from hub.choice import default_model, use

TOKEN = "123456789:" + "AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr"


@pytest.fixture
async def owner(studio):
    return await studio.browser("studio:owner", "主人", role="owner")


class Fake:
    """A chat platform that is joined, or refuses."""

    def __init__(self, refuses=""):
        self.refuses, self.joined, self.left = refuses, [], 0

    def add_options(self, parser):
        parser.add_argument("--of-the-platform", default="x")

    def tokens(self, environment):
        return {"": "t"}

    async def open(self, house, options, environment, *, on_limited):
        assert options.of_the_platform == "x"
        self.joined.append(dict(environment))
        fake = self

        class Joined:
            async def run(self):

                if fake.refuses:
                    from bot.platforms.protocol import PlatformProblem

                    raise PlatformProblem(fake.refuses)
                await asyncio.Event().wait()

            async def close(self):
                fake.left += 1

        return Joined()

    async def check(self, probe, options, environment):
        from bot.doctor.finding import Checkup, Finding

        return Checkup([Finding("warning", "telegram", f"seen {TOKEN}", "switch it on")])


@pytest.fixture
def fake(monkeypatch):
    found = Fake()
    assert isinstance(found, object)
    monkeypatch.setattr(chats, "load", lambda row: found)
    return found


async def test_the_first_visit_begins_here_and_later_ones_do_not(studio, monkeypatch):
    owner = await studio.browser("studio:owner", "主人", role="owner")
    status, _, where = await owner.post(f"/enter/{await a_link(studio)}")
    assert (status, where) == (303, "/owner/setup")
    _, text = await owner.get("/owner/setup")
    assert "自带的小模型" in text
    assert "qwen3-8b-chat" in text
    status, _, where = await owner.post("/owner/setup/done")
    assert where == "/"
    _, _, where = await owner.post(f"/enter/{await a_link(studio)}")
    assert where == "/"


async def a_link(studio, role="owner"):
    from bot.memory import Link, Visitor

    return await studio.site.sessions.invite(Link(Visitor("studio:owner", "主人", role)))


async def test_what_is_configured_leads_past_the_first_steps(studio):
    use("echo")
    owner = studio.stranger()
    _, _, where = await owner.post(f"/enter/{await a_link(studio)}")
    assert where == "/"


async def test_a_model_is_chosen_and_waits_for_a_restart(studio, owner, data_home):
    status, text, _ = await owner.post("/owner/setup/model", name="no-such", do="use")
    assert status == 400
    status, text, _ = await owner.post("/owner/setup/model", name="qwen3-0.6b", do="use")
    assert (status, default_model()) == (400, "")
    made = data_home / "workshop" / "models" / "mine.gguf"
    made.parent.mkdir(parents=True)
    made.write_bytes(b"GGUF")
    asked = []
    studio.site.desk.restart = lambda: asked.append(1)
    status, _, where = await owner.post("/owner/setup/model", name=str(made), do="use")
    assert (status, where, default_model()) == (303, "/owner/setup", str(made))
    _, text = await owner.get("/owner/setup")
    assert "现在重启" in text
    status, text, _ = await owner.post("/owner/restart")
    assert (status, "正在重启" in text) == (200, True)
    async with asyncio.timeout(5):
        while not asked:
            await asyncio.sleep(0.01)
    boot = studio.site.desk.boot
    assert (await owner.get(f"/owner/ready?boot={boot}"))[0] == 204
    async with owner.http.get(f"{owner.url}/owner/ready?boot=other") as answer:
        assert answer.headers["HX-Redirect"] == "/owner/setup"
    await owner.post("/owner/setup/model", name="shipped", do="use")
    assert default_model() == ""


@pytest.mark.parametrize(("language", "words"), [("zh", "显卡"), ("en", "for a card of")])
async def test_models_are_described_in_the_language_of_the_page(owner, language, words):
    await owner.post("/look", back="/owner/setup", language=language)
    _, page = await owner.get("/owner/setup")
    assert words in page
    assert ({"zh": "for a card of", "en": "显卡"}[language]) not in page


@pytest.mark.parametrize(
    ("variable", "offered"),
    [
        *((v, True) for v in ("MRP_LIMITS", "MRP_FILTER", "MRP_RIGHTS")),
        *((v, False) for v in ("MRP_MODEL", "MRP_ENGINE")),
    ],
)
async def test_a_restart_is_offered_unless_the_model_itself_was_given(
    studio, owner, data_home, variable, offered
):
    studio.site.desk.given = {variable: "/etc/mrp/x"}
    studio.site.desk.restart = lambda: None
    made = data_home / "workshop" / "models" / "mine.gguf"
    made.parent.mkdir(parents=True)
    made.write_bytes(b"GGUF")
    await owner.post("/owner/setup/model", name=str(made), do="use")
    _, text = await owner.get("/owner/setup")
    assert ("现在重启" in text) is offered
    assert ("启动时已经指定了" in text) is not offered


async def test_a_file_that_is_no_model_is_said_to_be_none(owner, data_home):
    broken = data_home / "workshop" / "models" / "broken.gguf"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"GGUF")
    _, text = await owner.get("/owner/setup")
    assert "读不出它是什么模型" in text  # and not that it takes 0 GB, which is too much


async def test_a_model_that_was_refused_is_said_until_another_is_chosen(studio, owner):
    settings.keep(settings.REFUSED, "bad.gguf: <b>cut off</b>\n")
    _, text = await owner.get("/owner/setup")
    assert "选的模型打不开" in text
    assert "bad.gguf: &lt;b&gt;cut off" in text
    await owner.post("/owner/setup/model", name="shipped", do="use")
    _, text = await owner.get("/owner/setup")
    assert "选的模型打不开" not in text


async def test_a_model_is_fetched_by_a_job(studio, owner, monkeypatch):
    begun = []
    jobs = studio.site.desk.jobs
    job = Job("1700000000000-abcdef", setup.PULL, ("model", "pull", "qwen3-0.6b"), "qwen3-0.6b")
    monkeypatch.setattr(jobs, "start", lambda kind, argv, about: begun.append((kind, argv, about)))
    _, _, where = await owner.post("/owner/setup/model", name="qwen3-0.6b", do="fetch")
    assert where == "/owner/setup"
    assert begun == [("pull", ["model", "pull", "qwen3-0.6b"], "qwen3-0.6b")]
    monkeypatch.setattr(jobs, "running", lambda: job)
    _, text = await owner.get("/owner/setup")
    assert "正在下载 qwen3-0.6b" in text
    _, text = await owner.get("/owner/setup/came")
    assert "<progress" in text
    monkeypatch.setattr(jobs, "running", lambda: None)
    async with owner.http.get(f"{owner.url}/owner/setup/came") as answer:
        assert answer.headers["HX-Refresh"] == "true"


async def test_a_token_is_kept_connected_and_never_shown(studio, owner, fake, data_home):
    status, text, _ = await owner.post("/owner/setup/token", chat="telegram", token="nonsense")
    assert (status, "没有存" in text) == (400, True)
    assert settings.kept("TELEGRAM_TOKEN") is None
    status, _, _ = await owner.post("/owner/setup/token", chat="telegram", token=f" {TOKEN} ")
    assert status == 303
    file = settings.kept("TELEGRAM_TOKEN")
    assert file is not None
    assert file.read_text() == TOKEN
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    async with asyncio.timeout(5):
        while not fake.joined:
            await asyncio.sleep(0)
    assert fake.joined[0]["TELEGRAM_TOKEN_FILE"] == str(file)
    _, text = await owner.get("/owner/setup")
    assert "接上了" in text
    assert "switch it on" in text
    assert TOKEN not in text
    assert TOKEN[-4:] in text
    assert TOKEN[-6:] not in text
    await owner.post("/owner/setup/token", chat="telegram", do="remove")
    assert settings.kept("TELEGRAM_TOKEN") is None
    assert fake.left == 1


@pytest.mark.parametrize("second", ["give", "take away"])
async def test_what_is_sent_while_a_platform_is_asked_waits(studio, owner, fake, second):
    """A form that is sent twice joins once; one that is taken back meanwhile, not at all."""
    asked, go_on, check = asyncio.Event(), asyncio.Event(), fake.check

    async def slow(*given):
        asked.set()
        await go_on.wait()
        return await check(*given)

    fake.check = slow
    desk = studio.site.desk.chats
    row = next(r for r in registry.with_tokens() if r.name == "telegram")
    first = asyncio.create_task(desk.give(row, TOKEN))
    await asked.wait()
    then = desk.give(row, TOKEN) if second == "give" else desk.take_away(row)
    other = asyncio.create_task(then)
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(first, other)
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(fake.joined) - fake.left == (1 if second == "give" else 0)
    assert list(desk._tasks) == (["telegram"] if second == "give" else [])


async def test_a_platform_that_refuses_says_why_and_the_studio_goes_on(studio, owner, fake):
    fake.refuses = "Telegram does not take the token"
    await owner.post("/owner/setup/token", chat="telegram", token=TOKEN)
    task = studio.site.desk.chats._tasks["telegram"]
    await asyncio.wait([task])
    _, text = await owner.get("/owner/setup")
    assert "Telegram does not take the token" in text
    assert "没有接上" in text


async def test_a_token_of_the_environment_is_not_ours(studio, owner, monkeypatch):
    monkeypatch.setenv("TELEGRAM_TOKEN", TOKEN)
    monkeypatch.setattr(studio.site.desk.chats, "_environment", dict(os.environ))
    _, text = await owner.get("/owner/setup")
    assert "由 TELEGRAM_TOKEN 给出" in text
    assert TOKEN not in text
    status, _, _ = await owner.post("/owner/setup/token", chat="telegram", token=TOKEN)
    assert status == 400


async def test_the_doctor_looks_without_opening_a_second_model(studio, owner, monkeypatch):
    async def none(*_):
        raise AssertionError("the model was opened again")

    monkeypatch.setattr("bot.doctor.examine.check_model", none)
    status, text, _ = await owner.post("/owner/setup/doctor")
    assert status == 200
    assert "no token is set" in text
    assert "→ set DISCORD_TOKEN" in text
    assert text.count('<li class="finding') == text.count("好：") + text.count(
        "当心："
    ) + text.count("毛病：")


def test_the_fake_is_a_platform():
    platform: Platform = Fake()
    assert platform is not None
