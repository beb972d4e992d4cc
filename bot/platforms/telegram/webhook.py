"""Webhook mode: Telegram delivers updates by HTTPS, and a proxy in front of us ends the TLS.

Any number of processes may listen behind one address: path and secret follow from the token (and
TELEGRAM_WEBHOOK_SECRET, where it is set), so that each takes what Telegram sends to any of them.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import os
import secrets
import time
from collections.abc import Mapping

from aiohttp import web
from telegram import Bot, Update

from bot.platforms.telegram.client import HEARD, TelegramClient
from bot.platforms.telegram.updates import FRESH, late, readable
from bot.secrets import secret as secret_of

log = logging.getLogger(__name__)


def path_and_secret(token: str, salt: str = "") -> tuple[str, str]:
    """Where Telegram calls for an account, and what it says there to be believed.

    The same in every process, and nothing that the token could be found by.
    """

    def derived(what: str, size: int) -> str:
        made = hmac.digest(token.encode(), f"mrp webhook {what} {salt}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(made).decode()[:size]

    return derived("path", 16), derived("secret", 43)


async def webhook(
    client: TelegramClient, url: str, listen: str, environment: Mapping[str, str] = os.environ
) -> None:
    """Let Telegram call `url` (and the proxy `listen`, HOST:PORT), until cancelled.

    Each account has a path and a secret of its own; a request without the secret is refused.
    A request is answered when its update is stored; 503 says that it must come again. `/healthz`
    answers when the bot is ready.

    Raises:
        SecretProblem: the file that TELEGRAM_WEBHOOK_SECRET_FILE names cannot be read.
        OSError: the address cannot be listened on.
        telegram.error.TelegramError: Telegram does not take the webhook.
    """
    app = web.Application(client_max_size=2**20)
    secrets_of: dict[str, tuple[Bot, str]] = {}
    salt = secret_of(environment, "TELEGRAM_WEBHOOK_SECRET") or ""
    for bot in client.accounts:
        path, password = path_and_secret(bot.token, salt)
        secrets_of[path] = (bot, password)
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
