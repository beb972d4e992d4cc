"""Webhook mode: secrets, what is confirmed, and what is not."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from typing import Any

import aiohttp

from bot.memory import MemoryProblem
from bot.memory.room import RoomMemory
from bot.platforms.telegram.accounts import Accounts
from bot.platforms.telegram.client import TelegramClient
from bot.platforms.telegram.webhook import path_and_secret, webhook
from tests.telegram.conftest import DIRECTOR, WUKONG, World


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


@contextlib.asynccontextmanager
async def called(world: World, port: int):
    """The bot in webhook mode, and a way to call it as Telegram does."""
    client = TelegramClient(world.house(), Accounts(world.account(DIRECTOR)), clock=world.clock)
    await client.start()
    here = f"127.0.0.1:{port}"
    serving = asyncio.create_task(webhook(client, f"http://{here}", here))
    try:
        hook = await world.server.until(lambda: world.director.webhook)
        headers = {"X-Telegram-Bot-Api-Secret-Token": hook["secret_token"]}
        async with aiohttp.ClientSession(headers=headers) as session:

            async def call(body: Any) -> int:
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                async with session.post(hook["url"], data=data) as answer:
                    return answer.status

            yield call
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        await client.close()
        await client.house.people.close()


async def test_an_update_that_cannot_be_parsed_need_not_come_again(world: World, unused_tcp_port):
    async with called(world, unused_tcp_port) as call:
        assert await call({"update_id": 7, "message": {"message_id": "x"}}) == 200
        assert await call({"update_id": 8, "my_chat_member": {"chat": None}}) == 200
        for nonsense in (b"", b"{", b"[]", b"3", b'{"message": {}}', b"\xff"):
            assert await call(nonsense) == 400, nonsense


async def test_what_could_not_be_stored_comes_again_and_is_answered_once(
    world: World, unused_tcp_port, monkeypatch
):
    async def refusing(self: RoomMemory, *given: Any, **more: Any) -> Any:
        raise MemoryProblem("Redis (here): WRONGTYPE")

    async with called(world, unused_tcp_port) as call:
        world.server.says(world.group, world.ming, "/summon 悟空")
        assert await call(world.director.updates[-1]) == 200
        await world.hears("孙悟空")
        world.server.says(world.group, world.ming, "悟空，在吗？")
        update = world.director.updates[-1]
        with monkeypatch.context() as broken:
            broken.setattr(RoomMemory, "hear", refusing)
            assert await call(update) == 503
        assert await call(update) == 200
        await world.hears("知道了：悟空，在吗？")
        assert await call(update) == 200  # Telegram may say it twice
        await asyncio.sleep(0.5)
    assert sum("在吗" in text for text in world.texts()) == 1


async def test_a_backlog_of_long_ago_is_not_answered(world: World, unused_tcp_port):
    async with called(world, unused_tcp_port) as call:
        world.server.says(world.group, world.ming, "/summon 悟空")
        update = world.director.updates[-1]
        update["message"]["date"] -= 700
        assert await call(update) == 200
        await asyncio.sleep(0.5)
    assert not world.texts()


def test_path_and_secret_are_the_same_in_every_process_and_tell_nothing_of_the_token():
    path, secret = path_and_secret(DIRECTOR)
    assert (path, secret) == path_and_secret(DIRECTOR)
    assert re.fullmatch(r"[A-Za-z0-9_-]{16}", path)
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", secret)
    others = [path_and_secret(WUKONG), path_and_secret(DIRECTOR, "ours")]
    assert len({path, secret, *(part for pair in others for part in pair)}) == 6
    assert DIRECTOR.partition(":")[2][:8] not in path + secret


async def test_two_processes_behind_one_address_answer_once(world: World, unused_tcp_port_factory):
    """Whichever of them Telegram's update comes to, and if it comes to both."""
    one, two = unused_tcp_port_factory(), unused_tcp_port_factory()
    async with called(world, one) as call, called(world, two) as call_other:
        world.server.says(world.group, world.ming, "/summon wukong")
        assert await call(world.director.updates[-1]) == 200
        await world.hears("孙悟空")
        for number, calls in enumerate([(call_other,), (call, call_other), (call_other, call)]):
            world.server.says(world.group, world.ming, f"悟空，第{number}句")
            update = world.director.updates[-1]
            codes = await asyncio.gather(*(each(update) for each in calls))
            assert set(codes) == {200}
            await world.hears(f"知道了：悟空，第{number}句")
        for number in range(3):
            assert sum(f"知道了：悟空，第{number}句" in text for text in world.texts()) == 1
