"""What the house adds to a message when many rooms talk at once: everything but the engine.

    python -m benchmarks.bot_rooms [--rooms 64] [--messages 10] [--people]

Rooms of three people and two characters, each person saying something every second or so; the echo
answers at once, so that what is left is the house: memory (a real Redis of its own with an
append-only file, or REDIS_URL), who answers, recall, the prompt, the stage. Latency is from hearing
a message to the end of its answers; CPU time is that of this process. The last line is JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bot.drafts import Pace
from bot.house import House
from bot.memory import open_memory
from bot.room import Shared
from bot.stage import Line, Message
from bot.voice import Voice
from characters.card import load_cast
from characters.prompt import Style
from characters.style import Serving
from engine.echo import EchoEngine
from engine.sequence import Finish, Usage

PEOPLE = ("小明", "小红", "小刚")
SAYINGS = (
    "悟空，今晚吃甚么？",
    "八戒，你又偷懒了罢",
    "你们说说看",
    "我记得上回在高老庄不是这样的",
    "然后呢？",
    "悟空，妖怪来了！",
)


class Nobody:
    """A stage without anybody in front of it."""

    def pace(self) -> Pace:
        return Pace()

    async def notice(self, text: str, *, to: str = "", secret: bool = False) -> None:
        pass

    async def show(self, line: Line) -> tuple[str, ...]:
        return (line.id,) if line.done else ()

    async def attach(self, name: str, data: bytes) -> str:
        return ""

    async def withdraw(self, line_id: str, places: Sequence[str]) -> None:
        pass


class Whole:
    """A reply that is there at once, in one piece."""

    position = 0

    def __init__(self, text: str) -> None:
        self.finish: Finish | None = None
        self.usage = Usage()
        self.tokens: list[int] = []
        self.logprobs: list[float] = []
        self._text = text

    def __aiter__(self) -> Whole:
        return self

    async def __anext__(self) -> str:
        if self.finish:
            raise StopAsyncIteration
        self.finish = "end"
        return self._text

    async def aclose(self) -> None:
        pass


class Instant(EchoEngine):
    """Answers at once and costs next to nothing, so that what is left is the house."""

    _lines = itertools.cycle(f"老孙说的是第{n}件事，与前一件不同，{n * 37}。" for n in range(97))

    def encode(self, text: str, control: bool = False) -> list[int]:
        return [0] * len(text)

    def stream(self, *args: object, **kwargs: object) -> Whole:  # type: ignore[override]
        return Whole(next(self._lines))


async def measured(rooms: int, messages: int, people: bool) -> dict[str, float]:
    """Latency of every message and CPU time of the process, after a warm-up."""
    chance = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        memory = await open_memory(os.environ.get("REDIS_URL"), folder=Path(folder))
        voice = Voice(Instant(), Serving(Style(cards="brief")))
        house = House(Shared(load_cast(), voice, memory))
        if not people:
            house.shared.people = None
        waits: list[float] = []

        async def play(number: int, count: int, wait: float) -> None:
            name = f"bench {number}"
            room = await house.room("bench", name, Nobody, limited=False)
            if not count:
                await room.hear(Message("bench:0", "小明", "/summon wukong bajie"))
                await room.hear(Message("bench:0", "小明", "悟空，你好"))
            for _ in range(count):
                await asyncio.sleep(chance.uniform(0.5, 1.5) * wait)
                who = chance.randrange(len(PEOPLE))
                said = Message(f"bench:{number}-{who}", PEOPLE[who], chance.choice(SAYINGS))
                began = time.perf_counter()
                await room.hear(said)
                waits.append(time.perf_counter() - began)

        await asyncio.gather(*(play(number, 0, 0) for number in range(rooms)))
        cpu, began = time.process_time(), time.perf_counter()
        await asyncio.gather(*(play(number, messages, 2.0) for number in range(rooms)))
        cpu, took = time.process_time() - cpu, time.perf_counter() - began
        said = house.stats["said"]
        if people:
            await house.close()
        else:
            await memory.close()
    waits.sort()
    return {
        "rooms": rooms,
        "messages": len(waits),
        "lines": said,
        "messages_per_s": round(len(waits) / took, 1),
        "cpu_ms_per_message": round(1000 * cpu / len(waits), 2),
        "added_median_ms": round(1000 * waits[len(waits) // 2], 2),
        "added_p95_ms": round(1000 * waits[int(0.95 * len(waits))], 2),
        "added_max_ms": round(1000 * waits[-1], 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rooms", type=int, default=64)
    parser.add_argument("--messages", type=int, default=10, help="of each room")
    parser.add_argument("--no-people", action="store_true", help="without the memory of people")
    options = parser.parse_args()
    found = asyncio.run(measured(options.rooms, options.messages, not options.no_people))
    print(
        f"{found['rooms']} rooms: the house adds {found['added_median_ms']} ms to a message "
        f"(p95 {found['added_p95_ms']} ms), and takes {found['cpu_ms_per_message']} ms of CPU"
    )
    print(json.dumps(found))


if __name__ == "__main__":
    main()
