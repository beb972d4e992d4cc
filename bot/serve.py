"""`mrp serve`: every platform that has a token, in one process with one model and one memory.

    DISCORD_TOKEN_FILE=… TELEGRAM_TOKEN_FILE=… mrp serve
    mrp serve --metrics 0.0.0.0:9464 --logs json

/healthz and /metrics (see bot/metrics.py) are at --metrics. It ends at SIGTERM or SIGINT, when what
is being said has been kept; and when a platform cannot go on, with that platform's sentence.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
from collections.abc import Coroutine, Mapping
from typing import Any

from bot import logs, metrics
from bot.house import House, add_options
from bot.platforms.discord import run as discord_run
from bot.platforms.telegram import cli as telegram_cli
from bot.platforms.telegram.client import Troupe as Telegram
from bot.portable import on_termination
from bot.secrets import without_empty

_log = logging.getLogger(__name__)

METRICS = "127.0.0.1:9464"


class NothingToServe(RuntimeError):
    """No platform has a token; the message says how one gets it."""

    for_user = True


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="mrp serve",
        description="Every platform that has a token: DISCORD_TOKEN, TELEGRAM_TOKEN, or files "
        "named by DISCORD_TOKEN_FILE, TELEGRAM_TOKEN_FILE.",
    )
    add_options(found)
    discord_run.add_discord_options(found)
    found.add_argument("--webhook", metavar="URL", help="let Telegram call here (default: polling)")
    found.add_argument(
        "--listen", metavar="HOST:PORT", default="127.0.0.1:8080", help="where that webhook listens"
    )
    found.add_argument(
        "--metrics",
        metavar="HOST:PORT",
        default=os.environ.get("MRP_METRICS", METRICS),
        help=f"/healthz and /metrics; '' for none (default: MRP_METRICS, or {METRICS})",
    )
    found.add_argument(
        "--log",
        choices=logs.LEVELS,
        default=os.environ.get("MRP_LOG", "info"),
        help="how much is logged; never what people write (default: MRP_LOG, or info)",
    )
    found.add_argument(
        "--logs",
        choices=("text", "json"),
        default=os.environ.get("MRP_LOGS", "text"),
        help="lines as text or as JSON (default: MRP_LOGS, or text)",
    )
    return found


def main(argv: list[str]) -> int:
    """Serve until told to end. Returns the exit status.

    Raises:
        NothingToServe, MetricsProblem, and what the platforms and the house raise: each is one
            sentence for the user.
    """
    options = parser().parse_args(argv)
    logs.set_up(options.log, form=options.logs)
    asyncio.run(serve(options, without_empty(os.environ)))
    return 0


async def serve(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    """Open the house, join the platforms, and hold until a signal or the first that ends."""
    discord_token, telegram = _tokens(environment)  # before a model is loaded
    house = await House.open(options)
    async with contextlib.AsyncExitStack() as leaving:
        leaving.push_async_callback(house.close)
        figures = metrics.Metrics(house.voice.engine, house.stats)
        counting = figures.listen_to_logs()
        leaving.callback(logging.getLogger().removeHandler, counting)
        running: dict[str, asyncio.Task[None]] = {}
        if options.metrics:

            async def ready() -> Mapping[str, bool]:
                well = {name: not task.done() for name, task in running.items()}
                return {"redis": await _answers(house), **well}

            runner = await metrics.serve(figures, options.metrics, ready=ready)
            leaving.push_async_callback(runner.cleanup)
        ended = asyncio.Event()
        on_termination(ended.set)
        if discord_token:
            troupe = await discord_run.join(house, options, discord_token)
            running["discord"] = _task("discord", discord_run.serve(troupe, discord_token))
            leaving.push_async_callback(troupe.close)
        if telegram:
            accounts = telegram_cli.accounts(
                environment, house.cast, on_refused=lambda: figures.limited("telegram")
            )
            running["telegram"] = _task(
                "telegram", telegram_cli.serve(Telegram(house, accounts), options)
            )
        _log.info("serving", extra={"platforms": ",".join(running), "model": house.voice.name})
        await _until_one_ends(ended, running)


def _tokens(environment: Mapping[str, str]) -> tuple[str, bool]:
    """Discord's token or "", and whether there is one for Telegram.

    Raises:
        NothingToServe: neither.
        DiscordProblem, TelegramProblem: a token cannot be read or is none.
    """
    discord = ""
    if environment.get("DISCORD_TOKEN") or environment.get("DISCORD_TOKEN_FILE"):
        discord = discord_run.token_from(dict(environment))
    telegram = any(k.startswith("TELEGRAM_TOKEN") and environment[k].strip() for k in environment)
    if telegram:
        telegram_cli.tokens(environment)
    if not discord and not telegram:
        raise NothingToServe(
            "no platform has a token: set DISCORD_TOKEN or TELEGRAM_TOKEN, or name a file that "
            "holds one in DISCORD_TOKEN_FILE or TELEGRAM_TOKEN_FILE (docs/deploy.md)"
        )
    return discord, telegram


def _task(name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.create_task(work, name=name)


async def _until_one_ends(ended: asyncio.Event, running: Mapping[str, asyncio.Task[None]]) -> None:
    """Wait for a signal or the first platform to end, and end the others. Raises as that did."""
    waiting: asyncio.Task[Any] = asyncio.create_task(ended.wait())
    tasks = tuple(running.values())
    try:
        await asyncio.wait({waiting, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in (waiting, *tasks):
            task.cancel()
        await asyncio.gather(waiting, *tasks, return_exceptions=True)


async def _answers(house: House) -> bool:
    """Whether Redis answers within a second."""
    try:
        async with asyncio.timeout(1.0):
            await house.memory.redis.ping()
    except Exception:  # whatever the driver raises: it does not answer
        return False
    return True
