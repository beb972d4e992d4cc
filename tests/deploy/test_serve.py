"""`mrp serve`: both platforms in one process, its pages, and no token anywhere."""

from __future__ import annotations

import asyncio
import gc
import io
import logging
import socket
from typing import Any

import aiohttp
import discord
import pytest
from telegram import Bot
from telegram.ext import ExtBot

import mrp
from bot import logs
from bot.house import House
from bot.metrics import Metrics
from bot.platforms.telegram.accounts import Accounts, accounts
from bot.platforms.telegram.client import TelegramClient as Telegram
from bot.platforms.telegram.limits import Limiter
from bot.secrets import without_empty
from bot.serve import EngineStopped, NothingToServe, parser, serve
from bot.voice import Voice
from characters.card import load_cast
from characters.prompt import Style
from characters.style import Serving
from engine.echo import EchoEngine
from engine.sequence import EngineError
from tests.fakes.discord_server import FakeDiscord
from tests.fakes.telegram_server import TelegramServer

TELEGRAM = "1000001:AAdirectordirectordirectordirector1"


@pytest.fixture(autouse=True)
def _bare(monkeypatch, tmp_path):
    for key in ("DISCORD_TOKEN", "TELEGRAM_TOKEN", "REDIS_URL", "MRP_METRICS", "MRP_CANON"):
        monkeypatch.delenv(key, raising=False)
        monkeypatch.delenv(f"{key}_FILE", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def test_both_platforms_one_house_and_no_token_anywhere() -> None:
    stream = io.StringIO()
    handler = logs.set_up("debug", form="json", texts=True, libraries="debug", stream=stream)
    telegram = TelegramServer()
    await telegram.start()
    telegram.bot(TELEGRAM, "xiyou_bot", privacy=False)
    person = telegram.person(11, "小明")
    port = free_port()
    try:
        async with FakeDiscord() as server:
            guild = server.add_guild("取经路")
            server.add_channel(guild, "花果山")
            environment = {
                "DISCORD_TOKEN": server.token,
                "TELEGRAM_TOKEN": TELEGRAM,
                "TELEGRAM_API": telegram.url,
            }
            options = parser().parse_args(
                [
                    "--model",
                    "echo",
                    "--metrics",
                    f"127.0.0.1:{port}",
                    "--faces",
                    "https://f.example",
                ]
            )
            running = asyncio.create_task(serve(options, environment))
            pages = await _until_ready(port, running, {"redis", "discord", "telegram"})
            assert pages["health"] == {
                "ready": True, "redis": True, "discord": True, "telegram": True,
            }  # fmt: skip
            telegram.says(person, person, "/summon 悟空")
            await telegram.until(lambda: any("老孙" in m.text for m in telegram.shown(person)))
            everything = stream.getvalue() + pages["metrics"]
            for kind in (House, Telegram, Accounts, Metrics, discord.Client):
                for found in [each for each in gc.get_objects() if type(each) is kind]:
                    everything += repr(found)
            assert server.problems == []
            for token in (server.token, TELEGRAM, TELEGRAM.partition(":")[2]):
                assert token not in everything
            assert "mrp_platform_429_total" in pages["metrics"]
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    finally:
        logging.getLogger().removeHandler(handler)
        await telegram.stop()


async def _until_ready(port: int, running: asyncio.Task[None], parts: set[str]) -> dict[str, Any]:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
        for _ in range(600):
            if running.done():
                running.result()
            try:
                async with client.get("/healthz") as answer:
                    health = await answer.json()
                if parts <= health.keys() and answer.status == 200:
                    async with client.get("/metrics") as answer:
                        return {"health": health, "metrics": await answer.text()}
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)
    raise AssertionError("it did not get ready")


def test_the_reason_for_hiding_accounts_is_still_there() -> None:
    assert "secret-part" in repr(Bot("123456:secret-part"))


async def test_without_a_token_it_says_what_to_set() -> None:
    with pytest.raises(NothingToServe, match="DISCORD_TOKEN or TELEGRAM_TOKEN"):
        await serve(parser().parse_args(["--model", "echo"]), {})


def test_an_empty_token_file_is_a_platform_that_is_not_wanted(tmp_path, monkeypatch, capsys):
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "full").write_text(TELEGRAM)
    kept = without_empty(
        {
            "DISCORD_TOKEN_FILE": str(tmp_path / "empty"),
            "TELEGRAM_TOKEN_FILE": str(tmp_path / "full"),
            "REDIS_PASSWORD_FILE": str(tmp_path / "empty"),  # a wanted secret: its reader complains
            "OTHER_TOKEN_FILE": str(tmp_path / "gone"),
        }
    )
    assert set(kept) == {"TELEGRAM_TOKEN_FILE", "REDIS_PASSWORD_FILE", "OTHER_TOKEN_FILE"}
    monkeypatch.setenv("DISCORD_TOKEN_FILE", str(tmp_path / "empty"))
    assert mrp.main(["serve", "--model", "echo"]) == 2
    assert "no platform has a token" in capsys.readouterr().err


async def test_a_platform_that_cannot_go_on_ends_it_with_its_sentence() -> None:
    telegram = TelegramServer()
    await telegram.start()
    try:
        options = parser().parse_args(["--model", "echo", "--metrics", ""])
        environment = {"TELEGRAM_TOKEN": TELEGRAM, "TELEGRAM_API": telegram.url}
        with pytest.raises(RuntimeError, match="Telegram does not take the token"):
            await asyncio.wait_for(serve(options, environment), 30)
    finally:
        await telegram.stop()


def test_telegrams_refusals_reach_the_figures() -> None:
    heard: list[str] = []
    made = accounts(
        {"TELEGRAM_TOKEN": TELEGRAM}, load_cast(), on_limited=lambda seconds: heard.append("429")
    )
    assert isinstance(made.director, ExtBot)
    limiter = made.director.rate_limiter
    assert isinstance(limiter, Limiter)
    assert limiter._on_limited is not None
    limiter._on_limited(3.0)
    assert heard == ["429"]


class Failing(EchoEngine):
    """An engine that fails for good at the word 倒下, as the real one does after its restarts."""

    failure: EngineError | None = None

    def __init__(self) -> None:
        super().__init__(self._said, context=2**16)

    def _said(self, prompt: str) -> str:
        if "倒下" in prompt:
            self.failure = EngineError("the engine stopped unexpectedly (out of memory)")
        if self.failure:
            raise self.failure
        return "好的。"


async def test_an_engine_that_failed_for_good_is_said_shown_and_ends_the_process(monkeypatch):
    voice = Voice(Failing(), Serving(style=Style(cards="brief")), name="failing")
    monkeypatch.setattr("bot.engines.open_voice", lambda *given, **more: voice)
    monkeypatch.setattr("bot.serve.LAST_WORDS", 3.0)
    telegram = TelegramServer()
    await telegram.start()
    telegram.bot(TELEGRAM, "xiyou_bot", privacy=False)
    person = telegram.person(11, "小明")
    port = free_port()
    options = parser().parse_args(["--metrics", f"127.0.0.1:{port}"])
    environment = {"TELEGRAM_TOKEN": TELEGRAM, "TELEGRAM_API": telegram.url}
    try:
        running = asyncio.create_task(serve(options, environment))
        await _until_ready(port, running, {"telegram"})
        telegram.says(person, person, "/summon 悟空")
        await telegram.until(lambda: any("老孙" in m.text for m in telegram.shown(person)), 30)
        telegram.says(person, person, "悟空，倒下！")
        # Whoever waits for the reply is told in the chat …
        await telegram.until(
            lambda: any("engine stopped" in m.text for m in telegram.shown(person)), 30
        )
        # … the page says that it is not well …
        page = f"http://127.0.0.1:{port}/healthz"
        async with aiohttp.ClientSession() as client, client.get(page) as answer:
            assert answer.status == 503
            health = await answer.json()
        assert (health["ready"], health["model"], health["telegram"]) == (False, False, True)
        # … and the process ends with a sentence, which mrp turns into a status that is not 0.
        with pytest.raises(EngineStopped, match="has stopped") as told:
            await asyncio.wait_for(running, 60)
        assert told.value.for_user
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await telegram.stop()
