"""Tokens, and the accounts that they are of."""

from __future__ import annotations

import pytest

from bot.platforms.telegram.accounts import TelegramProblem, accounts, tokens
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


async def test_a_character_has_an_account_of_its_own(world: World):
    account = world.server.bot(WUKONG, "wukong_bot", privacy=True)
    for group in world.server.groups.values():
        group.members.add(account.id)
    async with world.bot(characters={"wukong": WUKONG}):
        world.server.says(world.group, world.ming, "/summon wukong, pigsy")
        await world.hears("猪八戒")
        world.server.says(world.group, world.ming, "悟空，你好")
        await world.hears("知道了：悟空，你好")
        line = next(m for m in world.server.shown(world.group) if "你好" in m.text)
        assert line.bot == WUKONG
        assert not line.text.startswith("🐵")
        assert line.text == "知道了：悟空，你好"
        # Its buttons come to its account, and mean the same room.
        world.script = lambda prompt: "换个说法"
        world.server.presses(world.group, world.ming, line.id, "retry")
        await world.hears("换个说法")
        # In private with 孙悟空's account, 孙悟空 is there.
        world.server.says(world.hong, world.hong, "你是谁？", to="wukong_bot")
        await world.hears("换个说法", world.hong)
        assert {m.bot for m in world.server.shown(world.hong)} == {WUKONG}
