"""`mrp telegram`: the characters in Telegram chats, until the process is told to end.

    TELEGRAM_TOKEN=… mrp telegram
    mrp telegram --webhook https://bot.example.org --listen 0.0.0.0:8080

TELEGRAM_TOKEN (or TELEGRAM_TOKEN_FILE, a file that holds it) is the director's account. With
TELEGRAM_TOKEN_WUKONG and the like, a character has an account of its own. TELEGRAM_API names
another Bot API server.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from telegram.error import InvalidToken, TelegramError

from bot.doctor.finding import Checkup
from bot.doctor.probe import Probe
from bot.house import House
from bot.platforms.telegram.accounts import TelegramProblem, accounts, api_of, tokens
from bot.platforms.telegram.check import check
from bot.platforms.telegram.client import TelegramClient
from bot.platforms.telegram.webhook import webhook
from bot.secrets import redact
from bot.serve import alone


@dataclass(frozen=True)
class TelegramConnection:
    """A client and the options that say whether it polls or is called."""

    client: TelegramClient
    options: argparse.Namespace

    async def run(self) -> None:
        await serve(self.client, self.options)

    async def close(self) -> None:
        await self.client.close()


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
        return TelegramConnection(TelegramClient(house, bots), options)

    async def check(
        self, probe: Probe, options: argparse.Namespace, environment: Mapping[str, str]
    ) -> Checkup:
        return await check(probe, tokens(environment), api_of(environment), options.cast)


PLATFORM = Telegram()


def main(argv: list[str]) -> int:
    """Be on Telegram until SIGINT or SIGTERM. Returns the exit status.

    Raises:
        TelegramProblem: no token, or one that Telegram does not take.
        What House.open raises: the message says why.
    """
    return alone("telegram", argv)


async def serve(client: TelegramClient, options: argparse.Namespace) -> None:
    """Take updates until cancelled.

    Raises:
        TelegramProblem: Telegram does not take a token, or cannot be reached; the address of the
            webhook cannot be listened on.
    """
    try:
        await client.start()
    except InvalidToken as problem:
        raise TelegramProblem(
            "Telegram does not take the token; copy it anew from @BotFather into TELEGRAM_TOKEN"
        ) from problem
    except TelegramError as problem:
        raise TelegramProblem(f"Telegram cannot be reached: {redact(str(problem))}") from problem
    try:
        if options.webhook:
            await webhook(client, options.webhook, options.listen)
        else:
            await client.poll()
    except InvalidToken as problem:
        raise TelegramProblem("Telegram does not take the token any more") from problem
    except TelegramError as problem:
        raise TelegramProblem(
            f"Telegram does not take the webhook: {redact(str(problem))}"
        ) from problem
    except OSError as problem:
        raise TelegramProblem(
            f"{options.listen} cannot be listened on: {problem.strerror}; give another --listen"
        ) from problem
