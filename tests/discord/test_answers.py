"""Responses to interactions: files, and those that come too late."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from bot.platforms.discord.answers import Answer
from bot.platforms.discord.stage import DiscordStage
from bot.platforms.text import is_document
from tests.discord.conftest import World, begun
from tests.fakes.discord_server import Fault, text_of


async def test_a_long_answer_is_a_file(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bot.platforms.discord.answers.LONGEST_TOLD", 100)
    async with world.bot():
        call = await world.server.slash(world.ming, world.channel, "export")
        await call.acknowledged()
        answer = world.server.answer_to(call)
        await world.server.until(lambda: answer["_files"])
    assert answer["flags"] & 64
    assert json.loads(answer["_files"]["mrp.json"])


async def test_an_answer_that_comes_too_late_is_said_in_the_channel(world: World):
    async with world.bot():
        await begun(world)
        world.server.fault = lambda asked: Fault(404) if asked.path.endswith("/callback") else None
        call = await world.server.slash(world.ming, world.channel, "summon", who="林黛玉")
        await world.server.until(
            lambda: any("林黛玉" in text for _, text in world.server.said(world.channel))
        )
        call.answer.set_result({})


async def test_an_export_is_a_file_however_short(world: World):
    """As a command, as text in a server (by direct message) and in a direct message."""
    direct = world.server.add_direct(world.ming)
    server = world.server
    async with world.bot():
        call = await server.slash(world.ming, world.channel, "remember", text="我住在_杭州_")
        await call.acknowledged()
        await server.until(lambda: server.answer_to(call)["content"])
        call = await server.slash(world.ming, world.channel, "export")
        await call.acknowledged()
        answer = server.answer_to(call)
        await server.until(lambda: answer["_files"])
        assert "杭州" in json.loads(answer["_files"]["mrp.json"])["facts"][0]["text"]
        await server.say(world.ming, world.channel, f"<@{server.bot}> /导出")
        await server.until(lambda: any(m["_files"] for m in server.messages(direct)))
        await server.say(world.ming, direct, "/export")
        await server.until(lambda: sum(bool(m["_files"]) for m in server.messages(direct)) == 2)
    for message in server.messages(direct):
        if message["_files"]:
            assert json.loads(message["_files"]["mrp.json"])


async def test_a_transcript_is_a_file_in_the_channel(world: World):
    server = world.server
    async with world.bot():
        direct = world.server.add_direct(world.ming)
        await server.say(world.ming, direct, "/summon 悟空")
        await server.until(lambda: "老孙" in "".join(map(text_of, server.messages(direct))))
        await server.say(world.ming, direct, "/剧本 html")
        sent = await server.until(
            lambda: next((m["_files"] for m in server.messages(direct) if m["_files"]), None)
        )
    ((name, data),) = sent.items()
    assert name.endswith(".html")
    assert "<!doctype html>" in data


def test_what_is_a_document():
    assert is_document('{"a": 1}')
    assert is_document(' {"a": {}} ')
    for text in ("{旁白}", "[1]", "{", "嗯", '{"a": 1} 嗯', "1"):
        assert not is_document(text)


class Response:
    """An interaction whose response is written down."""

    def __init__(self) -> None:
        self.response = self
        self.contents: list[str] = []

    def is_done(self) -> bool:
        return False

    def is_expired(self) -> bool:
        return False

    async def defer(self, **_: bool) -> None: ...

    async def edit_original_response(self, *, content: str, **_: object) -> SimpleNamespace:
        self.contents.append(content)
        return SimpleNamespace(id=1)


LINK = f"http://127.0.0.1:8642/enter/{'aB3_' * 8}"


@pytest.mark.parametrize("secret", [True, False])
async def test_a_link_can_be_pressed_in_what_is_secret_alone(secret):
    """Other answers hold what anybody wrote, as a card's long description."""
    call: Any = Response()
    answer = Answer(call)
    await answer.hold(private=True)
    assert await answer.tell(f"这是链接：\n{LINK}", secret)
    assert (f"<{LINK}>" in call.contents[-1]) == secret
    sent: list[str] = []

    async def send(text: str, nonce: str) -> None:
        sent.append(text)

    async def nothing(*_: object) -> Any:
        return False

    none: Any = None
    stage = DiscordStage(
        none, none, send=send, type=nothing, whisper=nothing, why_silent=str, private=True
    )
    await stage.notice(f"这是链接：\n{LINK}", to="discord:1", secret=secret)
    assert (f"<{LINK}>" in sent[-1]) == secret
