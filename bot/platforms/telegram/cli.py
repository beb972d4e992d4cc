"""`mrp telegram`: the characters in Telegram chats, until the process is told to end.

    TELEGRAM_TOKEN=… mrp telegram
    mrp telegram --webhook https://bot.example.org --listen 0.0.0.0:8080

TELEGRAM_TOKEN (or TELEGRAM_TOKEN_FILE, a file that holds it) is the director's account. With
TELEGRAM_TOKEN_WUKONG and the like, a character has an account of its own. TELEGRAM_API names
another Bot API server.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from telegram import Bot, Update
from telegram.error import InvalidToken, TelegramError
from telegram.ext import ExtBot
from telegram.request import HTTPXRequest

from bot.doctor.finding import Checkup
from bot.doctor.probe import Probe
from bot.house import House
from bot.platforms.protocol import PlatformProblem
from bot.platforms.telegram.check import check
from bot.platforms.telegram.client import HEARD, POLL_SECONDS, Accounts, Troupe
from bot.platforms.telegram.limits import Limiter
from bot.secrets import redact
from bot.serve import alone
from characters.card import Cast

_TOKEN = re.compile(r"\d{5,}:[A-Za-z0-9_-]{20,}")


class TelegramProblem(PlatformProblem):
    """The bot cannot begin; the message says why and what to do."""


@dataclass(frozen=True)
class TelegramConnection:
    """A bot and the options that say whether it polls or is called."""

    troupe: Troupe
    options: argparse.Namespace

    async def run(self) -> None:
        await serve(self.troupe, self.options)

    async def close(self) -> None:
        await self.troupe.close()


class Telegram:
    """Telegram as `bot.platforms.protocol.Platform`."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--webhook", metavar="URL", help="let Telegram call here (default: polling)"
        )
        parser.add_argument(
            "--listen",
            metavar="HOST:PORT",
            default="127.0.0.1:8080",
            help="where that webhook listens",
        )

    def tokens(self, environment: Mapping[str, str]) -> dict[str, str]:
        return tokens(environment)

    async def open(
        self,
        house: House,
        options: argparse.Namespace,
        environment: Mapping[str, str],
        *,
        on_limited: Callable[[float], None],
    ) -> TelegramConnection:
        bots = accounts(environment, house.cast, on_limited=on_limited)
        return TelegramConnection(Troupe(house, bots), options)

    async def check(
        self, probe: Probe, options: argparse.Namespace, environment: Mapping[str, str]
    ) -> Checkup:
        return await check(probe, tokens(environment), _api(environment), options.cast)


PLATFORM = Telegram()


def main(argv: list[str]) -> int:
    """Be on Telegram until SIGINT or SIGTERM. Returns the exit status.

    Raises:
        TelegramProblem: no token, or one that Telegram does not take.
        What House.open raises: the message says why.
    """
    return alone("telegram", argv)


async def serve(troupe: Troupe, options: argparse.Namespace) -> None:
    """Take updates until cancelled.

    Raises:
        TelegramProblem: Telegram does not take a token, or cannot be reached.
    """
    try:
        await troupe.start()
    except InvalidToken as problem:
        raise TelegramProblem(
            "Telegram does not take the token; copy it anew from @BotFather into TELEGRAM_TOKEN"
        ) from problem
    except TelegramError as problem:
        raise TelegramProblem(f"Telegram cannot be reached: {redact(str(problem))}") from problem
    try:
        if options.webhook:
            await webhook(troupe, options.webhook, options.listen)
        else:
            await troupe.poll()
    except InvalidToken as problem:
        raise TelegramProblem("Telegram does not take the token any more") from problem


async def webhook(troupe: Troupe, url: str, listen: str) -> None:
    """Let Telegram deliver updates by HTTPS (a proxy in front of us ends the TLS), until cancelled.

    Each account has a path and a secret of its own; a request without the secret is refused.
    `/healthz` answers when the bot is ready.
    """
    app = web.Application(client_max_size=2**20)
    secrets_of: dict[str, tuple[Bot, str]] = {}
    for bot in troupe.accounts:
        secrets_of[secrets.token_urlsafe(12)] = (bot, secrets.token_urlsafe(32))

    async def take(request: web.Request) -> web.Response:
        known = secrets_of.get(request.match_info["path"])
        given = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")
        if known is None or not secrets.compare_digest(given.encode(), known[1].encode()):
            raise web.HTTPForbidden
        bot = known[0]
        try:
            update = Update.de_json(await request.json(), bot)
        except (ValueError, KeyError, TypeError) as problem:
            raise web.HTTPBadRequest from problem
        await troupe.take(update, bot)  # kept; Telegram need not send it again
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


# -- tokens ----------------------------------------------------------------------------------------


def tokens(environment: Mapping[str, str]) -> dict[str, str]:
    """The tokens that the environment names, by character id; the director's under "".

    Raises:
        TelegramProblem: there is none, or a file that should hold one cannot be read.
    """
    found: dict[str, str] = {}
    for key in environment:
        match = re.fullmatch(r"TELEGRAM_TOKEN(?:_(?!FILE$)(\w+?))?(_FILE)?", key)
        if not match or not environment[key].strip():
            continue
        token = environment[key].strip()
        if match[2]:
            try:
                token = Path(token).read_text(encoding="utf-8").strip()
            except OSError as problem:
                raise TelegramProblem(
                    f"{key} names a file that cannot be read: {problem.strerror}"
                ) from problem
        if not _TOKEN.fullmatch(token):
            raise TelegramProblem(f"{key} does not hold a token; @BotFather gives one (123456:AB…)")
        found.setdefault((match[1] or "").casefold(), token)
    if "" not in found:
        raise TelegramProblem(
            "TELEGRAM_TOKEN is not set; talk to @BotFather on Telegram, /newbot gives you a token"
        )
    return found


def accounts(
    environment: Mapping[str, str], cast: Cast, *, on_limited: Callable[[float], None] | None = None
) -> Accounts:
    """One bot for each token. `on_limited` is called with the seconds of each "retry after".

    Raises:
        TelegramProblem: a token is named after nobody in the cast.
    """
    made: dict[str, Bot] = {}
    ids = {character.id.casefold(): character.id for character in cast}
    base = _api(environment)
    for name, token in tokens(environment).items():
        if name and name not in ids:
            raise TelegramProblem(
                f"TELEGRAM_TOKEN_{name.upper()} is for nobody in the cast; there are "
                + ", ".join(ids.values())
            )
        made[ids.get(name, "")] = ExtBot(
            token,
            base_url=f"{base}/bot",
            base_file_url=f"{base}/file/bot",
            request=HTTPXRequest(connection_pool_size=64, read_timeout=20, pool_timeout=20),
            get_updates_request=HTTPXRequest(
                connection_pool_size=1, read_timeout=POLL_SECONDS + 10
            ),
            rate_limiter=Limiter(on_limited=on_limited),
        )
    return Accounts(made.pop(""), made)


def _api(environment: Mapping[str, str]) -> str:
    return environment.get("TELEGRAM_API", "https://api.telegram.org").rstrip("/")
