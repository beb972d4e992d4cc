"""What the bot itself adds to a message on Telegram: all but the engine, at 20 messages a second.

    python -m benchmarks.telegram_latency [--messages 600] [--per-second 20]

A strict Bot API server on 127.0.0.1, real python-telegram-bot, a real Redis, the fake engine.
Timed from the moment a person writes until the whole answer stands in the chat; start-up is timed
with the shipped model. The last line is JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import statistics
import tempfile
import time
from pathlib import Path

from telegram.ext import ExtBot

from bot.house import House
from bot.limits import Limits, Rate
from bot.memory import open_memory
from bot.platforms.telegram.accounts import Accounts, client_of
from bot.platforms.telegram.client import TelegramClient
from bot.platforms.telegram.limits import Limiter
from bot.room import Shared
from bot.voice import open_voice
from characters.card import load_cast
from hub.choice import ECHO, SHIPPED
from tests.fakes.telegram_server import TelegramServer

TOKEN = "1000001:AAdirectordirectordirectordirector1"


def account(server: TelegramServer) -> ExtBot[None]:
    return client_of(TOKEN, server.url, Limiter())


async def opened(server: TelegramServer, folder: Path, model: str) -> tuple[House, TelegramClient]:
    free = Limits(person=Rate(math.inf, 60), room=Rate(math.inf, 60))
    memory = await open_memory(None, folder=folder)
    house = House(Shared(load_cast(), open_voice(model), memory, limits=free))
    troupe = TelegramClient(house, Accounts(account(server)))
    await troupe.start()
    return house, troupe


async def measure(messages: int, per_second: float) -> dict[str, float]:
    server = TelegramServer()
    await server.start()
    server.bot(TOKEN, "xiyou_bot", privacy=False)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        house, troupe = await opened(server, Path(folder), str(SHIPPED))
        ready = time.perf_counter() - began
        await troupe.close()
        await house.close()
        house, troupe = await opened(server, Path(folder), ECHO)
        polling = asyncio.create_task(troupe.poll())
        # One private chat a person, as a group may get 20 messages a minute only.
        people = [server.person(100 + n, f"人{n}") for n in range(40)]
        for person in people:
            server.says(person, person, "/summon wukong")
        await server.until(lambda: all(server.shown(p) for p in people), 60)
        took: list[float] = []
        waiting: set[asyncio.Task[None]] = set()

        async def ask(number: int) -> None:
            person, text = people[number % len(people)], f"悟空，{number:05d}"
            since = time.perf_counter()
            before = len(server.shown(person))
            server.says(person, person, text)
            await server.until(lambda: len(server.shown(person)) > before, 60)
            took.append(time.perf_counter() - since)

        for number in range(messages):
            task = asyncio.create_task(ask(number))
            waiting.add(task)
            task.add_done_callback(waiting.discard)
            await asyncio.sleep(1 / per_second)
        await asyncio.gather(*waiting)
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)
        await troupe.close()
        await house.close()
    await server.stop()
    took.sort()
    return {
        "messages": len(took),
        "p50_ms": round(1000 * statistics.median(took), 1),
        "p95_ms": round(1000 * took[int(0.95 * len(took))], 1),
        "ready_s": round(ready, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--messages", type=int, default=600)
    parser.add_argument("--per-second", type=float, default=20.0)
    options = parser.parse_args()
    print(json.dumps(asyncio.run(measure(options.messages, options.per_second))))


if __name__ == "__main__":
    main()
