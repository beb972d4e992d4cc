"""Many rooms on a real model for many minutes: does it keep up, grow, or lose anything?

    python -m benchmarks.bot_soak [--rooms 200] [--minutes 10] [--model PATH] [--pause 60]

Every room has two characters and two people, one of whom says something every `--pause` seconds or
so; all of them share one model (the one that ships), one memory (the embedded server, in a folder
of its own) and one process, as in `mrp serve`. Every minute a row: messages answered, seconds until
the end of the answer (p50, p90), memory of the process and of Redis. The last line is JSON; status
1 when a message was not answered or a background task failed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.bot_rooms import PEOPLE, SAYINGS, Nobody
from bot.house import House, add_options
from bot.stage import Message

LEFT = 120.0  # seconds that the last answers may take


class Errors(logging.Handler):
    """Counts what is logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


def resident() -> float:
    """Memory of this process in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


async def soaked(options: argparse.Namespace) -> dict[str, Any]:
    """Play for some minutes. Returns the figures."""
    rooms, minutes, pause = options.rooms, options.minutes, options.pause
    chance = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        os.environ.pop("REDIS_URL", None)
        os.environ["XDG_DATA_HOME"] = folder
        house = await House.open(options)
        waits: list[float] = []
        sent = 0
        end = time.monotonic() + 60 * minutes

        async def play(number: int) -> None:
            nonlocal sent
            room = await house.room("soak", str(number), Nobody, limited=False)
            await room.hear(Message(f"soak:{number}-0", PEOPLE[0], "/summon wukong bajie"))
            await asyncio.sleep(chance.uniform(0, pause))
            while time.monotonic() < end:
                who = chance.randrange(2)
                sent += 1
                said = Message(
                    f"soak:{number}-{who}", PEOPLE[who], chance.choice(SAYINGS), id=f"m{sent}"
                )
                began = time.perf_counter()
                await room.hear(said)
                waits.append(time.perf_counter() - began)
                await asyncio.sleep(chance.uniform(0.5, 1.5) * pause)

        playing = asyncio.gather(*(play(number) for number in range(rooms)))
        before, grown = len(waits), []
        while not playing.done():
            left = end + LEFT - time.monotonic()
            await asyncio.wait({playing}, timeout=max(0.0, min(60.0, left)))
            if left <= 60.0 and not playing.done():
                playing.cancel()
            info = await house.memory.redis.info("memory")
            grown.append(round(resident()))
            new, before = len(waits) - before, len(waits)
            row = sorted(waits[len(waits) - new :]) or [0.0]
            print(
                f"{new:5} answered, p50 {row[len(row) // 2]:.1f} s, p90 "
                f"{row[len(row) * 9 // 10]:.1f} s, {grown[-1]} MiB, Redis "
                f"{info['used_memory'] / 2**20:.1f} MiB",
                flush=True,
            )
        await asyncio.gather(playing, return_exceptions=True)
        stats = dict(house.shared.stats)
        left = len(await house.unfinished("soak"))
        await house.close()
    waits.sort()
    return {
        "rooms": rooms,
        "minutes": minutes,
        "sent": sent,
        "answered": len(waits),
        "unfinished_rooms": left,
        "p50_s": round(waits[len(waits) // 2], 2) if waits else None,
        "p90_s": round(waits[len(waits) * 9 // 10], 2) if waits else None,
        "mib": grown,
        "said": stats.get("said", 0),
    }


def main() -> int:
    """Run it, print the figures. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rooms", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--pause", type=float, default=60.0, help="seconds between messages")
    add_options(parser)
    options = parser.parse_args()
    errors = Errors()
    logging.getLogger().addHandler(errors)
    found = asyncio.run(soaked(options))
    found["errors"] = len(errors.said)
    print(*errors.said[:5], sep="\n")
    print(json.dumps(found))
    return int(found["answered"] < found["sent"] or bool(errors.said))


if __name__ == "__main__":
    sys.exit(main())
