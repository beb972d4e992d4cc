"""A worker of `benchmarks.scale`: a process that hears what its standard input says.

Each line in is JSON: a message (number, room, text), `usage`, or `away`, until when the echo does
not answer (`time.monotonic`, which the processes of one machine share). Each line out is JSON with
a `kind`: ready, kept, shown, notice, usage.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import re
import resource
import sys
import time
from pathlib import Path
from typing import Any

from bot.drafts import Pace
from bot.engines import open_server
from bot.house import House
from bot.limits import Limits, Rate
from bot.memory import MemoryProblem, open_memory
from bot.room import Room, Shared
from bot.stage import Line, Message
from bot.voice import Voice
from characters.card import load_cast
from characters.prompt import Style
from characters.style import Serving
from engine.echo import EchoEngine
from engine.sequence import EngineError

PLATFORM = "scale"


def answer_of(number: int) -> str:
    """An answer that says to what, unlike all others."""
    return f"答{number}。{hashlib.sha256(str(number).encode()).hexdigest()[:24]}"


class Out:
    """A worker's lines to the platform."""

    def __init__(self) -> None:
        self._file = os.dup(1)
        os.dup2(2, 1)  # whatever else is printed is no line of ours

    def say(self, kind: str, **what: object) -> None:
        os.write(
            self._file, (json.dumps({"kind": kind, **what}, ensure_ascii=False) + "\n").encode()
        )


class Window:
    """The stage of one room."""

    def __init__(self, out: Out, room: str) -> None:
        self._out, self._room = out, room

    def pace(self) -> Pace:
        return Pace()

    async def notice(self, text: str, *, to: str = "", secret: bool = False) -> None:
        self._out.say("notice", room=self._room, text=text)

    async def show(self, line: Line) -> tuple[str, ...]:
        if not line.done:
            return ()
        self._out.say("shown", room=self._room, line=line.id, text=line.text)
        return (f"place {line.id}",)

    async def attach(self, name: str, data: bytes) -> str:
        return ""

    async def withdraw(self, line_id: str, places: object) -> None:
        """Nothing: a draft is never shown."""


class Away:
    """Until when the engine does not answer, by the clock that all processes share."""

    until = 0.0


def echo(speed: float) -> EchoEngine:
    def answer(prompt: str) -> str:
        if time.monotonic() < Away.until:
            raise EngineError("the engine is away")
        found = re.findall(r"第([0-9]+)句", prompt)
        return answer_of(int(found[-1])) if found else "好。"

    return EchoEngine(answer, context=2**20, delay=1 / speed if speed else 0.0)


async def work(options: argparse.Namespace) -> None:
    """Be a worker: hear what stands on stdin, until it ends."""
    out = Out()
    memory = await open_memory(options.redis)
    if options.engine:
        voice = await open_server([options.engine], options, {})
    else:
        voice = Voice(echo(options.speed), Serving(Style(cards="brief")), name="echo")
    free = Rate(1e9, 1e9)
    house = House(Shared(load_cast(), voice, memory, limits=Limits(person=free, room=free)))

    async def room(name: str) -> Room:
        return await house.room(PLATFORM, name, lambda: Window(out, name), limited=False)

    async def take_up() -> None:
        for name in await house.unfinished(PLATFORM):
            keep(await_room(name))

    async def await_room(name: str) -> None:
        await (await room(name)).resume()

    async def hear(order: dict[str, Any]) -> None:
        number = order["number"]
        said = Message(f"{PLATFORM}:{order['room']}", "小明", order["text"], id=f"m{number}")
        kept = lambda: out.say("kept", number=number)  # noqa: E731
        await (await room(order["room"])).hear(said, kept=kept)
        out.say("kept", number=number)  # also what was heard before

    tasks: set[asyncio.Task[None]] = set()

    def keep(coroutine: Any) -> None:
        async def quiet() -> None:
            with contextlib.suppress(MemoryProblem):
                await coroutine

        task = asyncio.create_task(quiet())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    await house.shared.workers.beat(PLATFORM)
    await take_up()
    watching = asyncio.create_task(house.watch(PLATFORM, take_up))
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    out.say("ready")
    while row := await reader.readline():
        order = json.loads(row)
        if "away" in order:
            Away.until = order["away"]
        elif "usage" in order:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            out.say("usage", mb=pages * resource.getpagesize() / 2**20)
        else:
            keep(hear(order))
    while tasks:
        await asyncio.gather(*list(tasks), return_exceptions=True)
    watching.cancel()
    await house.leave_group(PLATFORM)
    await house.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--redis", required=True, metavar="URL")
    parser.add_argument("--engine", metavar="URL", default="")
    parser.add_argument("--context", type=int, metavar="N")
    parser.add_argument("--speed", type=float, default=200.0)
    asyncio.run(work(parser.parse_args()))


if __name__ == "__main__":
    main()
