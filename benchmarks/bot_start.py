"""How quickly a bot is there, how much memory it takes, and how fast its model speaks.

    python -m benchmarks.bot_start [--model PATH] [--replies 8]

Measures, each in a process of its own: opening `mrp terminal` until its first answer to a command,
three times; then one bot process that opens memory and model and answers questions: its resident
memory (nothing may have loaded torch), seconds to the first token, and tokens a second. Then what
the house itself adds to a message, with the echo in the model's place. The last line is JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bot.drafts import Pace
from bot.memory import open_memory
from bot.room import Room, Shared
from bot.stage import Line, Message
from bot.voice import Voice, open_voice
from characters.card import load_cast
from characters.prompt import Style
from characters.style import Serving
from engine.echo import EchoEngine, EchoReply
from engine.sequence import Sampling
from hub.choice import model_file

QUESTIONS = ("你是谁？", "今晚吃甚么？", "你怕不怕妖怪？", "师父在哪里？", "你从哪里来？")


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


class Instant(EchoEngine):
    """Answers at once and costs next to nothing, so that what is left is the house."""

    def encode(self, text: str, control: bool = False) -> list[int]:
        return [0] * len(text)

    def stream(self, *args: object, **kwargs: object) -> EchoReply:
        return super().stream((), Sampling())


def resident_mb() -> float:
    """Resident memory of this process, shared pages included, in MB."""
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def opening_s(model: str) -> float:
    """Seconds from typing the command to the answer to /who and the end."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "mrp", "terminal", "--model", model],
            input=b"/who\n",
            env=os.environ | {"XDG_DATA_HOME": folder},
            check=True,
            capture_output=True,
        )
        return time.perf_counter() - began


async def speaking(model: str, replies: int) -> dict[str, float]:
    """One bot process: memory, first token, tokens a second."""
    cast = load_cast()
    with tempfile.TemporaryDirectory() as folder:
        memory = await open_memory(None, folder=Path(folder))
        voice = open_voice(model, seed=1)
        room = Room("bench", "one", Shared(cast, voice, memory), Nobody())
        usages = []
        stream = voice.engine.stream

        def counted(*args, **kwargs):
            reply = stream(*args, **kwargs)
            usages.append(reply.usage)
            return reply

        voice.engine.stream = counted  # type: ignore[method-assign]
        await room.hear(Message("bench:1", "客人", "/summon wukong bajie"))
        seconds = []
        for number in range(replies):
            began = time.perf_counter()
            text = QUESTIONS[number % len(QUESTIONS)]
            await room.hear(Message("bench:1", "客人", text))
            seconds.append(time.perf_counter() - began)
        resident = resident_mb()
        assert "torch" not in sys.modules
        await voice.close()
        await memory.close()
    written = [usage for usage in usages if usage.generated > 1]
    return {
        "resident_mb": round(resident, 1),
        "first_token_s": round(max(usage.first_token_s for usage in usages), 4),
        "first_token_median_s": round(statistics.median(u.first_token_s for u in usages), 4),
        "tokens_per_s": round(sum(u.generated for u in written) / sum(seconds), 1),
        "reply_s": round(statistics.median(seconds), 4),
    }


async def added(rooms: int, messages: int) -> dict[str, float]:
    """What the house adds to a message: everything but the engine, which answers at once."""
    cast = load_cast()
    with tempfile.TemporaryDirectory() as folder:
        memory = await open_memory(None, folder=Path(folder))
        voice = Voice(Instant(["嗯。"]), Serving(Style(cards="brief")))
        waits: list[float] = []

        async def play(number: int) -> None:
            name = f"room {number}"
            room = Room("bench", name, Shared(cast, voice, memory), Nobody())
            await room.hear(Message("bench:1", "客人", "/summon wukong bajie"))
            for _ in range(messages):
                await asyncio.sleep(0.2 * (1 + number % 5))
                began = time.perf_counter()
                await room.hear(Message("bench:1", "客人", "嗯"))
                waits.append(time.perf_counter() - began)

        await asyncio.gather(*(play(number) for number in range(rooms)))
        await memory.close()
    waits.sort()
    return {
        "rooms": rooms,
        "added_median_ms": round(1000 * waits[len(waits) // 2], 2),
        "added_p95_ms": round(1000 * waits[int(0.95 * len(waits))], 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", help="a GGUF (default: the one that ships)")
    parser.add_argument("--replies", type=int, default=8)
    options = parser.parse_args()
    model = str(model_file(options.model or ""))
    opened = [opening_s(model) for _ in range(3)]
    print(f"opened, answered /who and closed in {min(opened):.2f}–{max(opened):.2f} s")
    spoke = asyncio.run(speaking(model, options.replies))
    print(
        f"{spoke['resident_mb']:.0f} MB; first token {spoke['first_token_s']:.3f} s at most; "
        f"{spoke['tokens_per_s']:.0f} tokens/s"
    )
    house = asyncio.run(added(rooms=64, messages=5))
    print(f"the house adds {house['added_median_ms']} ms (p95 {house['added_p95_ms']} ms)")
    print(
        json.dumps({"model": Path(model).name, "open_s": round(max(opened), 3), **spoke, **house})
    )


if __name__ == "__main__":
    main()
