"""What Discord's side of the bot adds to a reply, and how soon a bot is ready.

    python -m benchmarks.discord_latency [--rate 20] [--seconds 20] [--rooms 40] [--starts 3]

A Discord on 127.0.0.1 (tests/fakes/discord_server.py, with its rate limits) and an engine that
answers at once, with one short line. Of each message it is measured how long it takes from leaving
the gateway until the request that shows the answer arrives: the way through discord.py, room,
memory (an embedded Redis) and webhook, all but the engine. Messages come at random moments, at the
rate that is asked for, over that many rooms. The fake server shares the process and its one core,
so the figures hold its work too; `cpu_ms` is what both took for a message.

Then `mrp discord` is started with the model that ships, and timed until it is ready. The last line
is JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bot.house import House
from bot.limits import Limits, Rate
from bot.memory import open_memory
from bot.platforms.discord.client import DiscordClient
from bot.platforms.discord.faces import Faces
from bot.room import Shared
from bot.voice import Voice
from characters.card import load_cast
from characters.prompt import Style
from characters.style import Serving
from engine.echo import EchoEngine
from tests.fakes.discord_server import FakeDiscord, connected

ROOT = Path(__file__).resolve().parents[1]
ANSWER = "莫慌，有老孙在此。"


async def latency(rate: float, seconds: float, rooms: int) -> dict[str, float]:
    """Milliseconds from a message's leaving the gateway to its answer's arrival."""
    cast, chance = load_cast(), random.Random(6)
    async with FakeDiscord() as server:
        with tempfile.TemporaryDirectory() as folder:
            memory = await open_memory(None, folder=Path(folder))
            engine = EchoEngine(lambda prompt: ANSWER, context=2**20)
            voice = Voice(engine, Serving(style=Style(cards="brief")))
            freely = Rate(math.inf, 1)
            house = House(Shared(cast, voice, memory, limits=Limits(freely, freely)))
            guild = server.add_guild("bench")
            channels = [server.add_channel(guild, f"room {n}") for n in range(rooms)]
            people = [server.add_user(f"person {n}") for n in range(rooms)]
            troupe = DiscordClient(
                house, reads=True, faces=Faces(cast, base="https://a.b"), guild_ready_timeout=0.05
            )
            async with connected(server, troupe):
                await server.until(lambda: server.commands)
                for user, channel in zip(people, channels, strict=True):
                    await server.slash(user, channel, "summon", who="悟空")
                    await asyncio.sleep(0.1)
                await server.until(lambda: all(_answers(server, c) for c in channels), 60)
                await asyncio.sleep(4)  # panels
                found, cpu = await _measure(server, people, channels, rate, seconds, chance)
            await house.close()
    found.sort()
    return {
        "messages": len(found),
        "rate": rate,
        "rooms": rooms,
        "p50_ms": round(1000 * statistics.median(found), 1),
        "p95_ms": round(1000 * found[int(0.95 * len(found))], 1),
        "max_ms": round(1000 * found[-1], 1),
        "cpu_ms": round(1000 * cpu / len(found), 1),
    }


def _answers(server: FakeDiscord, channel: int) -> int:
    return sum(1 for m in server.messages(channel) if m.get("webhook_id"))


async def _measure(
    server: FakeDiscord,
    people: Sequence[int],
    channels: Sequence[int],
    rate: float,
    seconds: float,
    chance: random.Random,
) -> tuple[list[float], float]:
    """Seconds of each message, and seconds of CPU of all."""
    busy: set[int] = set()
    found: list[float] = []

    async def one(user: int, channel: int, number: int) -> None:
        before = len(server.asked)
        begun = time.monotonic()
        await server.say(user, channel, f"第 {number} 句")
        while True:
            for asked in server.asked[before:]:
                hook = asked.path.split("/")[1] if "/hook-" in asked.path else ""
                if hook and server.webhooks[int(hook)]["channel"] == channel:
                    found.append(asked.at - begun)
                    busy.discard(channel)
                    return
            await asyncio.sleep(0.005)

    tasks, cpu, end = [], time.process_time(), time.monotonic() + seconds
    number, due = 0, time.monotonic()
    while time.monotonic() < end:
        due += chance.expovariate(rate)
        await asyncio.sleep(max(due - time.monotonic(), 0))
        free = [i for i, c in enumerate(channels) if c not in busy]
        if not free:
            continue
        chosen = chance.choice(free)
        busy.add(channels[chosen])
        number += 1
        tasks.append(asyncio.create_task(one(people[chosen], channels[chosen], number)))
    await asyncio.gather(*tasks)
    return found, time.process_time() - cpu


async def start() -> float:
    """Seconds from starting `mrp discord` with the shipped model to its being ready."""
    async with FakeDiscord() as server:
        server.add_channel(server.add_guild("bench"), "room")
        with tempfile.TemporaryDirectory() as folder:
            environment = os.environ | {
                "DISCORD_TOKEN": server.token,
                "DISCORD_API": f"http://127.0.0.1:{server.port}/api/v10",
                "XDG_DATA_HOME": folder,
            }
            environment.pop("REDIS_URL", None)
            begun = time.monotonic()
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "mrp", "discord",
                cwd=ROOT, env=environment, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            assert process.stderr
            while line := await process.stderr.readline():
                if b"ready as" in line:
                    break
            took = time.monotonic() - begun
            process.terminate()
            await process.communicate()
            return took


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rate", type=float, default=20.0, metavar="N", help="messages a second")
    parser.add_argument("--seconds", type=float, default=20.0, metavar="S")
    parser.add_argument("--rooms", type=int, default=40, metavar="N")
    parser.add_argument("--starts", type=int, default=3, metavar="N")
    options = parser.parse_args(argv)
    found: dict[str, object] = {
        **asyncio.run(latency(options.rate, options.seconds, options.rooms))
    }
    starts = [asyncio.run(start()) for _ in range(options.starts)]
    found["start_s"] = [round(took, 2) for took in starts]
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
