"""Webhook mode: Telegram delivers updates by HTTPS, and a proxy in front of us ends the TLS."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time

from aiohttp import web
from telegram import Bot, Update

from bot.platforms.telegram.client import HEARD, TelegramClient
from bot.platforms.telegram.updates import FRESH, late, readable

log = logging.getLogger(__name__)


async def webhook(client: TelegramClient, url: str, listen: str) -> None:
    """Let Telegram call `url` (and the proxy `listen`, HOST:PORT), until cancelled.

    Each account has a path and a secret of its own; a request without the secret is refused.
    A request is answered when its update is stored; 503 says that it must come again. `/healthz`
    answers when the bot is ready.

    Raises:
        OSError: the address cannot be listened on.
        telegram.error.TelegramError: Telegram does not take the webhook.
    """
    app = web.Application(client_max_size=2**20)
    secrets_of: dict[str, tuple[Bot, str]] = {}
    for bot in client.accounts:
        secrets_of[secrets.token_urlsafe(12)] = (bot, secrets.token_urlsafe(32))
    # What Telegram could not deliver while nobody listened comes first.
    began = time.monotonic()

    async def take(request: web.Request) -> web.Response:
        known = secrets_of.get(request.match_info["path"])
        given = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")
        if known is None or not secrets.compare_digest(given.encode(), known[1].encode()):
            raise web.HTTPForbidden
        try:
            raw = readable(json.loads(await request.read()))
        except ValueError as problem:
            raise web.HTTPBadRequest from problem
        if raw is None:
            raise web.HTTPBadRequest
        update = Update.de_json(raw, known[0])
        backlog = time.monotonic() - began < FRESH
        if not await client.take(update, known[0], backlog and late(update)):
            raise web.HTTPServiceUnavailable
        return web.Response()

    async def health(_: web.Request) -> web.Response:
        return web.json_response({"ready": True})

    app.router.add_post("/telegram/{path}", take)
    app.router.add_get("/healthz", health)
    runner = web.AppRunner(app, access_log=None)  # paths are secrets
    await runner.setup()
    host, _, port = listen.rpartition(":")
    try:
        await web.TCPSite(runner, host or "127.0.0.1", int(port)).start()
        for path, (bot, secret) in secrets_of.items():
            await bot.set_webhook(
                f"{url.rstrip('/')}/telegram/{path}",
                secret_token=secret,
                allowed_updates=HEARD,
                max_connections=40,
            )
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
