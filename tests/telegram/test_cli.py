"""`mrp telegram`: tokens, the webhook, and what is said when it cannot begin."""

from __future__ import annotations

import argparse

import pytest

from bot.platforms.telegram.accounts import Accounts, TelegramProblem
from bot.platforms.telegram.cli import main, serve
from bot.platforms.telegram.client import TelegramClient
from tests.telegram.conftest import DIRECTOR, World


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
