"""`mrp discord` from outside: tokens, options, refusals, what is logged."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import discord
import pytest

import mrp
from bot.house import add_options
from bot.platforms.discord.run import (
    PERMISSIONS,
    DiscordProblem,
    add_discord_options,
    invitation,
    join,
    may_read,
    serve,
    shards,
    token_from,
)
from bot.serve import parser
from tests.discord.conftest import World
from tests.fakes.discord_server import TOKEN, FakeDiscord


def test_the_token_comes_from_the_environment_or_a_file(tmp_path: Path):
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    assert token_from({"DISCORD_TOKEN": f" {TOKEN} "}) == TOKEN
    assert token_from({"DISCORD_TOKEN": f"Bot {TOKEN}"}) == TOKEN
    assert token_from({"DISCORD_TOKEN_FILE": str(file)}) == TOKEN


@pytest.mark.parametrize(
    "environment",
    [{}, {"DISCORD_TOKEN": "  "}, {"DISCORD_TOKEN": "not a token"}, {"DISCORD_TOKEN_FILE": "/no"}],
)
def test_without_a_token_one_sentence_and_status_2(environment, monkeypatch, capsys):
    for name in ("DISCORD_TOKEN", "DISCORD_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert mrp.main(["discord"]) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("mrp discord: ")
    assert "\n" not in said
    assert "DISCORD_TOKEN" in said


async def test_a_token_that_discord_refuses(server: FakeDiscord, capsys):
    with pytest.raises(DiscordProblem, match="refuses the token") as problem:
        await may_read("MTIz.wrong.token")
    assert "MTIz" not in str(problem.value)


async def test_discord_that_cannot_be_reached(monkeypatch):
    monkeypatch.setattr(discord.http.Route, "BASE", "http://127.0.0.1:9/api/v10")
    with pytest.raises(DiscordProblem, match="cannot be reached"):
        await may_read(TOKEN)


async def test_whether_it_may_read_is_asked_beforehand(server: FakeDiscord, caplog):
    assert await may_read(server.token) is True
    server.approved = 0
    assert await may_read(server.token) is False
    assert "Message Content intent is off" in caplog.text
    assert str(server.application) in caplog.text  # the invitation


async def test_an_intent_that_is_taken_away_meanwhile(world: World):
    troupe = world.troupe(reads=True)
    world.server.approved = 0
    with pytest.raises(DiscordProblem, match="Message Content"):
        await serve(troupe, world.server.token)


async def test_options_reach_the_bot(world: World):
    found = argparse.ArgumentParser()
    add_options(found)
    add_discord_options(found)
    options = found.parse_args(["--shards", "1/2", "--webhooks", "2", "--faces", "https://a.b"])
    troupe = await join(world.house(), options, world.server.token)
    assert (troupe.shard_ids, troupe.shard_count) == ([1], 2)
    assert troupe.faces.url(world.cast["wukong"]) == "https://a.b/wukong.png"
    assert troupe.reads


def test_shards_are_named_in_one_word():
    assert shards("0-3/8") == ((0, 1, 2, 3), 8)
    assert shards("2/4") == ((2,), 4)
    for wrong in ("4/4", "3-1/4", "all", "1", "1/0"):
        with pytest.raises(argparse.ArgumentTypeError, match="0-3/8"):
            shards(wrong)
    with pytest.raises(SystemExit):
        parser("discord").parse_args(["--shards", "9/4"])


def test_the_invitation_asks_for_what_is_needed_and_no_more():
    link = invitation(1)
    assert f"permissions={PERMISSIONS.value}" in link
    assert "applications.commands" in link
    assert PERMISSIONS.manage_webhooks
    assert not PERMISSIONS.administrator
    assert not PERMISSIONS.mention_everyone


async def test_the_token_is_in_no_log(world: World, caplog):
    caplog.set_level(logging.DEBUG)
    async with world.bot() as troupe:
        await world.server.slash(world.ming, world.channel, "summon", who="悟空")
        await world.lines_until(1)
        assert world.server.token not in repr(vars(troupe)) + repr(troupe.webhooks)
    from bot.logs import Formatter

    form = Formatter("json", texts=True, secrets=(world.server.token,))
    written = "\n".join(form.format(record) for record in caplog.records)
    assert world.server.token not in written
