"""`mrp telegram`: tokens, the webhook, and what is said when it cannot begin."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import re

import aiohttp
import pytest

from bot.platforms.telegram.accounts import Accounts, TelegramProblem, accounts, tokens
from bot.platforms.telegram.cli import main, serve
from bot.platforms.telegram.client import TelegramClient
from bot.platforms.telegram.webhook import webhook
from characters.card import load_cast
from tests.telegram.conftest import DIRECTOR, WUKONG, World


def test_tokens_are_found(tmp_path):
    file = tmp_path / "token"
    file.write_text(f"{DIRECTOR}\n")
    found = tokens({"TELEGRAM_TOKEN_FILE": str(file), "TELEGRAM_TOKEN_WUKONG": WUKONG, "X": "y"})
    assert found == {"": DIRECTOR, "wukong": WUKONG}


def test_a_character_s_token_may_lie_in_a_file(tmp_path):
    file = tmp_path / "token"
    file.write_text(WUKONG)
    found = tokens({"TELEGRAM_TOKEN": DIRECTOR, "TELEGRAM_TOKEN_WUKONG_FILE": str(file)})
    assert found == {"": DIRECTOR, "wukong": WUKONG}


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({}, "TELEGRAM_TOKEN is not set"),
        ({"TELEGRAM_TOKEN": "hello"}, "TELEGRAM_TOKEN does not hold a token"),
        ({"TELEGRAM_TOKEN_FILE": "/does/not/exist"}, "cannot be read"),
        ({"TELEGRAM_TOKEN_WUKONG": WUKONG}, "TELEGRAM_TOKEN is not set"),
    ],
)
def test_what_is_wrong_with_tokens_is_said(environment, says):
    with pytest.raises(TelegramProblem, match=says):
        tokens(environment)


def test_a_token_for_nobody():
    environment = {"TELEGRAM_TOKEN": DIRECTOR, "TELEGRAM_TOKEN_ROBOT": WUKONG}
    with pytest.raises(TelegramProblem, match=r"TELEGRAM_TOKEN_ROBOT.*wukong"):
        accounts(environment, load_cast())


def test_without_a_token_no_model_is_loaded(monkeypatch, capsys):
    monkeypatch.delenv("TELEGRAM_TOKEN", raising=False)
    with pytest.raises(TelegramProblem, match="BotFather"):
        main(["--model", "/does/not/exist.gguf"])


async def test_a_token_that_is_refused(world: World):
    world.server.accounts.clear()
    troupe = TelegramClient(world.house(), Accounts(world.account(DIRECTOR)))
    with pytest.raises(TelegramProblem, match="does not take the token") as told:
        await serve(troupe, argparse.Namespace(webhook=None))
    assert DIRECTOR not in str(told.value)


async def test_a_webhook_with_a_secret(world: World, unused_tcp_port):
    troupe = TelegramClient(world.house(), Accounts(world.account(DIRECTOR)), clock=world.clock)
    await troupe.start()
    here = f"127.0.0.1:{unused_tcp_port}"
    serving = asyncio.create_task(webhook(troupe, f"http://{here}", here))
    try:
        await world.server.until(lambda: world.director.webhook)
        hook = world.director.webhook
        assert hook
        world.server.says(world.group, world.ming, "/summon wukong")
        update = world.director.updates[-1]
        async with aiohttp.ClientSession() as session:
            async with session.post(hook["url"], json=update) as refused:
                assert refused.status == 403
            headers = {"X-Telegram-Bot-Api-Secret-Token": hook["secret_token"]}
            async with session.post(hook["url"], json=update, headers=headers) as taken:
                assert taken.status == 200
            async with session.post(hook["url"], data=b"{", headers=headers) as broken:
                assert broken.status == 400
            elsewhere = re.sub(r"telegram/.*", "telegram/x", hook["url"])
            async with session.post(elsewhere, json=update, headers=headers) as strange:
                assert strange.status == 403
            async with session.get(f"http://{here}/healthz") as health:
                assert await health.json() == {"ready": True}
        await world.hears("孙悟空")
    finally:
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
        await troupe.close()
