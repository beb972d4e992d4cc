"""`mrp engine serve`: one model for many workers, and its characters for any OpenAI client.

    mrp engine serve                                     at 127.0.0.1:8080, with the cast as models
    MRP_ENGINE_KEY_FILE=key mrp engine serve --listen 0.0.0.0:8080 --without-characters
    mrp discord --engine http://that-machine:8080        a worker, with the same MRP_ENGINE_KEY

The model's own routes are /completion, /score, /tokenize (as llama-server has them, with who asks,
so that rooms and persons are served fairly), /v1/completions and /v1/chat/completions. In
/v1/chat/completions a character's id as `model` plays it; with `user` it remembers.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
from typing import Any

from bot import logs
from bot.endpoint.server import Endpoint, listen, until_it_fails
from bot.engines import open_chosen
from bot.house import House, add_options
from bot.portable import on_termination
from bot.secrets import secret
from engine.remote.opening import KEY_VARIABLE

_log = logging.getLogger(__name__)
ADDRESS = "127.0.0.1:8080"


def parser() -> argparse.ArgumentParser:
    """The options of the verb."""
    found = argparse.ArgumentParser(
        prog="mrp engine", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = found.add_subparsers(dest="verb", required=True)
    serve = verbs.add_parser("serve", help="the model, and characters as models, over HTTP")
    add_options(serve)
    serve.add_argument(
        "--listen",
        metavar="HOST:PORT",
        default=os.environ.get("MRP_LISTEN", ADDRESS),
        help=f"where (default: MRP_LISTEN, or {ADDRESS}); others need the key of {KEY_VARIABLE}",
    )
    serve.add_argument(
        "--without-characters",
        action="store_true",
        help="the model alone: no cast under /v1, no memory, no Redis",
    )
    logs.add_options(serve)
    return found


def main(argv: list[str]) -> int:
    """Serve until told to end. Returns the exit status.

    Raises:
        EndpointProblem, and what the house raises: each is one sentence for the user.
    """
    options = parser().parse_args(argv)
    logs.set_up(options.log, form=options.logs)
    asyncio.run(serve(options))
    return 0


async def serve(options: argparse.Namespace) -> None:
    """Open the model, and the house where there are characters; hold until a signal."""
    key = secret(os.environ, KEY_VARIABLE) or ""
    # MRP_ENGINE is for the bots, and mostly names this very server.
    options.engine = options.engine or None
    async with contextlib.AsyncExitStack() as leaving:
        house: House | None = None
        if options.without_characters:
            voice = await open_chosen(options, os.environ)
            leaving.push_async_callback(voice.close)
        else:
            house = await House.open(options)
            voice = house.voice
            leaving.push_async_callback(house.close)
        endpoint = Endpoint(voice, house=house, key=key)
        runner = await listen(endpoint, options.listen, key=key)
        leaving.push_async_callback(runner.cleanup)
        _log.info("serving", extra={"model": voice.name})
        ended = asyncio.Event()
        on_termination(ended.set)
        waiting: set[asyncio.Task[Any]] = {
            asyncio.create_task(ended.wait()),
            asyncio.create_task(until_it_fails(voice)),
        }
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
