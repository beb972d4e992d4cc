"""`mrp serve`: every platform that has a token, in one process with one model and one memory.

    DISCORD_TOKEN_FILE=… TELEGRAM_TOKEN_FILE=… mrp serve
    mrp serve --metrics 0.0.0.0:9464 --logs json

/healthz and /metrics (see bot/metrics.py) are at --metrics. It ends at SIGTERM or SIGINT, when what
is being said has been kept; when a platform cannot go on, with that platform's sentence; and when
the engine has failed for good, so that its supervisor starts it anew.
`mrp discord`, `mrp telegram` and the like are the same with one platform (`alone`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import logging
import os
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

from bot import logs, metrics, settings
from bot.house import House, add_options
from bot.memory import MemoryProblem
from bot.platforms import registry
from bot.platforms.protocol import Platform, Restart, load
from bot.portable import on_termination, start_anew
from bot.secrets import without_empty
from bot.settings import with_tokens
from characters.style import StyleError
from engine.sequence import EngineError
from hub.choice import default_model, use
from hub.error import HubError

_log = logging.getLogger(__name__)

METRICS = "127.0.0.1:9464"


# The model that served before the pages asked for a restart, for the process that comes after.
BEFORE = "MRP_MODEL_BEFORE"
# Seconds between looks at the engine, and for which people are still told that it has stopped.
LOOK, LAST_WORDS = 0.5, 10.0


class EngineStopped(RuntimeError):
    """The engine has failed for good, and nothing but a new process helps."""

    for_user = True


class NothingToServe(RuntimeError):
    """No platform has a token; the message says how one gets it."""

    for_user = True


def parser(name: str = "") -> argparse.ArgumentParser:
    """The options of `mrp serve`, or of one platform of this name alone."""
    rows = [row for row in registry.served() if name in ("", row.name)]
    variables = ", ".join(row.variable for row in rows if row.variable)
    files = ", ".join(f"{row.variable}_FILE" for row in rows if row.variable)
    what = rows[0].does.capitalize() if name else "Every platform that has a token"
    read = f" Tokens are read from {variables}, or from files named by {files}."
    found = argparse.ArgumentParser(
        prog=f"mrp {name or 'serve'}", description=f"{what}.{read if variables else ''}"
    )
    add_options(found)
    for row in rows:
        load(row).add_options(found)
    address = os.environ.get("MRP_METRICS", "" if name else METRICS)
    found.add_argument(
        "--metrics",
        metavar="HOST:PORT",
        default=address,
        help="/healthz and /metrics; '' for none "
        f"(default: MRP_METRICS, or {'none' if name else METRICS})",
    )
    logs.add_options(found)
    return found


def main(argv: list[str]) -> int:
    """Serve until told to end. Returns the exit status.

    Raises:
        NothingToServe, EngineStopped, MetricsProblem, and what the platforms and the house raise:
            each is one sentence for the user.
    """
    options = parser().parse_args(argv)
    logs.set_up(options.log, form=options.logs)
    environment = without_empty(os.environ)
    if not any(row.setting and row.wanted(environment) for row in registry.served()):
        environment = with_tokens(environment)  # beside the web pages it is they who use them
    _run(serve(options, environment))
    return 0


def alone(name: str, argv: list[str]) -> int:
    """`mrp NAME`: one platform alone, until SIGINT or SIGTERM. Returns the exit status.

    Raises:
        What its `tokens` raises when there is none, and what `main` does.
    """
    options = parser(name).parse_args(argv)
    (row,) = (row for row in registry.served() if row.name == name)
    environment = with_tokens(os.environ) if row.variable else os.environ
    load(row).tokens(environment)  # before anything else is done
    logs.set_up(options.log, form=options.logs)
    _run(serve(options, environment, only=(row,)))
    return 0


def _run(serving: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(serving)
    except Restart as again:
        _log.info("beginning anew")
        os.environ[BEFORE] = again.model
        start_anew()


async def serve(
    options: argparse.Namespace,
    environment: Mapping[str, str],
    *,
    only: Sequence[registry.Row] | None = None,
) -> None:
    """Open the house, join the platforms, and hold until a signal or the first that ends.

    `only` names the platforms; else they are those that have a token.
    """
    platforms = _platforms(environment, only)  # before a model is loaded
    house = await _opened(options)
    async with contextlib.AsyncExitStack() as leaving:
        leaving.push_async_callback(house.close)
        figures = metrics.Metrics(house.voice.engine, house.stats)
        counting = figures.listen_to_logs()
        leaving.callback(logging.getLogger().removeHandler, counting)
        running: dict[str, asyncio.Task[None]] = {}
        if options.metrics:

            async def ready() -> Mapping[str, bool]:
                well = {name: not task.done() for name, task in running.items()}
                return {"redis": await _answers(house), **_engine(house), **well}

            runner = await metrics.serve(figures, options.metrics, ready=ready)
            leaving.push_async_callback(runner.cleanup)
        ended = asyncio.Event()
        on_termination(ended.set)
        for name, platform in platforms.items():
            limited = functools.partial(figures.limited, name)
            joined = await platform.open(house, options, environment, on_limited=limited)
            leaving.push_async_callback(joined.close)
            running[name] = asyncio.create_task(joined.run(), name=name)
        watching = asyncio.create_task(_until_it_fails(house), name="engine")
        voice = house.voice
        told = {"platforms": ",".join(running), "model": voice.name, "on": voice.placement}
        _log.info("serving", extra=told)
        await _until_one_ends(ended, (*running.values(), watching))


async def _opened(options: argparse.Namespace) -> House:
    """The house. Where the model that was chosen on the pages cannot be opened, the one that served
    before the restart serves on: whoever chose it has nothing but those pages.

    Raises:
        What `House.open` raises.
    """
    before, chosen = os.environ.pop(BEFORE, None), default_model(os.environ)
    try:
        return await House.open(options)
    except (EngineError, HubError, StyleError) as problem:
        if before is None or before == chosen:
            raise
        _log.error("%s cannot be opened; what served before serves on: %s", chosen, problem)
        settings.keep(settings.REFUSED, f"{chosen or 'shipped'}: {problem}\n")
        use(before)
    return await House.open(options)


def _platforms(
    environment: Mapping[str, str], only: Sequence[registry.Row] | None
) -> dict[str, Platform]:
    """The platforms that are to be served, by name; their tokens can be read.

    Raises:
        NothingToServe: no platform has a token.
        PlatformProblem, SecretProblem: a token cannot be read or is none.
    """
    if only is None:
        only = [row for row in registry.served() if row.wanted(environment)]
    found = {row.name: load(row) for row in only}
    for platform in found.values():
        platform.tokens(environment)
    if not found:
        variables = [row.variable for row in registry.with_tokens()]
        raise NothingToServe(
            f"no platform has a token: set {' or '.join(variables)}, or name a file that holds one "
            f"in {' or '.join(f'{name}_FILE' for name in variables)} (docs/deploy.md)"
        )
    return found


async def _until_one_ends(ended: asyncio.Event, tasks: Sequence[asyncio.Task[None]]) -> None:
    """Wait for a signal or the first task to end, and end the others. Raises as that did."""
    waiting: asyncio.Task[Any] = asyncio.create_task(ended.wait())
    try:
        await asyncio.wait({waiting, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in (waiting, *tasks):
            task.cancel()
        await asyncio.gather(waiting, *tasks, return_exceptions=True)


def _engine(house: House) -> dict[str, bool]:
    """`{"model": False}` when the engine has failed for good; while it works, nothing."""
    return {"model": False} if house.voice.engine.failure else {}


async def _until_it_fails(house: House) -> None:
    """Wait until the engine has failed for good, and people who wait for a reply were told.

    Raises:
        EngineStopped: always; until then it waits.
    """
    while not _engine(house):
        await asyncio.sleep(LOOK)
    _log.error("the engine has failed for good; the process ends, to be started anew")
    # /healthz says 503 already. Each room tells those whose replies failed; let it be delivered.
    await asyncio.sleep(LAST_WORDS)
    raise EngineStopped(
        "the model's engine failed again and again and has stopped; its error is in the log above. "
        "Start it anew (a supervisor does); if it goes on, run mrp doctor"
    )


async def _answers(house: House) -> bool:
    """Whether Redis answers within a second."""
    try:
        async with asyncio.timeout(1.0):
            await house.memory.lasting(house.memory.redis.ping, None, patience=0)
    except (MemoryProblem, TimeoutError):
        return False
    return True
