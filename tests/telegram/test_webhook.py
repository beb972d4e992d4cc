"""Webhook mode: secrets, what is confirmed, and what is not."""

from __future__ import annotations

import asyncio
import contextlib
import re

import aiohttp

from bot.platforms.telegram.accounts import Accounts
from bot.platforms.telegram.client import TelegramClient
from bot.platforms.telegram.webhook import webhook
from tests.telegram.conftest import DIRECTOR, World


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
