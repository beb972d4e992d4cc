"""Many rooms on several workers and a Redis Cluster, while workers and primaries are killed.

    python -m benchmarks.scale --rooms 1000 --workers 3 --rate 10 --minutes 10
    python -m benchmarks.scale --rooms 10 --workers 2 --rate 2 --minutes 0.5 --kill-every 12
    python -m benchmarks.scale --rooms 1000 --rate 10 --minutes 2 --single       to compare with

It starts a Redis Cluster of six redis-server processes and workers as processes of their own, and
delivers messages to them as a platform does with a webhook: each to any worker, again when it was
not acknowledged, a few to two at once. Every --kill-every seconds a worker is killed and started
anew; at one and at two thirds of the time a primary of Redis is killed, and comes back once its
replica has taken its place; in the middle the engine is away for --away seconds; at five sixths
all workers are replaced by a rolling update. The engine is an echo of --speed tokens a second, or
with --engine URL a model server. --single is one worker with one Redis, of which nothing is killed.

The last line is JSON: messages; lost (not stored), heard or answered twice, unanswered without a
word, answers that were stored and never shown; refused in words; p50 and p95 of the seconds from
sending a message to its whole answer, less what the echo itself takes (with --engine all of it;
`calm`: of those that were sent more than CALM seconds after something was killed or went away); CPU
milliseconds a message of the workers (their starts apart, those that were killed included), of
Redis, and of this platform; resident memory of a worker, and what a room adds to it and to Redis.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import redis

from benchmarks.redis_servers import Cluster, Servers, cpu_seconds
from benchmarks.scale_worker import PLATFORM, answer_of
from bot.memory import Memory, open_memory

AGAIN = 10.0  # seconds after which a message that was not acknowledged is delivered again
TWICE = 0.03  # share of messages that are delivered to two workers
SETTLE = 240.0  # seconds that may pass at the end until all is answered
CALM = 30.0  # seconds after a trouble, until what is sent is not counted as touched by it
TOLD = ("没能答上来", "没有来得及回答")  # what a refusal in words holds


# -- the platform --------------------------------------------------------------------------------


class Worker:
    """A worker's process, as the platform sees it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.ready = asyncio.Event()
        self.start_cpu = 0.0  # seconds that it took to be ready
        self.usage: asyncio.Future[dict[str, float]] | None = None

    @property
    def alive(self) -> bool:
        return self.process.returncode is None and self.ready.is_set()

    @property
    def cpu(self) -> float:
        """CPU seconds since it was ready."""
        return cpu_seconds(self.process.pid) - self.start_cpu if self.alive else 0.0

    def tell(self, **order: object) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(OSError, RuntimeError):
            self.process.stdin.write((json.dumps(order, ensure_ascii=False) + "\n").encode())


class Platform:
    """Delivers messages and writes down what comes back."""

    def __init__(self, options: argparse.Namespace, url: str) -> None:
        self._options, self._url = options, url
        self._chance = random.Random(options.seed)
        self.workers: list[Worker] = []
        self.sent: dict[int, tuple[str, str, float]] = {}  # number -> room, text, when
        self.kept: dict[int, float] = {}
        self.shown: dict[int, float] = {}  # filled by `judged`, which knows what a line answers
        self.lines: Counter[str] = Counter()
        self.first_shown: dict[str, float] = {}  # of each line
        self.told: Counter[str] = Counter()  # refusals in words, a room
        self.dead_cpu = 0.0  # CPU seconds of workers that were killed
        self.starts: list[float] = []  # CPU seconds of each start
        self.troubles: list[float] = []  # when something was killed or went away
        self.killed = 0
        self.replaced = 0
        self._away_until = 0.0
        self.gate = Gate(options.engine) if options.engine else None
        self.engine = ""  # its URL through the gate
        self._reading: set[asyncio.Task[None]] = set()

    async def start(self) -> Worker:
        command = [sys.executable, "-m", "benchmarks.scale_worker", "--redis", self._url,
                   "--speed", str(self._options.speed)]  # fmt: skip
        if self.engine:
            command += ["--engine", self.engine]
        if self._options.context:
            command += ["--context", str(self._options.context)]
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        worker = Worker(process)
        self.workers.append(worker)
        task = asyncio.create_task(self._read(worker))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)
        return worker

    async def _read(self, worker: Worker) -> None:
        assert worker.process.stdout is not None
        async for row in worker.process.stdout:
            with contextlib.suppress(ValueError):  # a line that a kill has cut
                self._heard(worker, json.loads(row))
        await worker.process.wait()

    def _heard(self, worker: Worker, said: dict[str, Any]) -> None:
        now = time.monotonic()
        match said["kind"]:
            case "ready":
                worker.start_cpu = cpu_seconds(worker.process.pid)
                self.starts.append(worker.start_cpu)
                worker.tell(away=self._away_until)
                worker.ready.set()
            case "kept":
                self.kept.setdefault(said["number"], now)
            case "shown":
                self.lines[said["line"]] += 1
                self.first_shown.setdefault(said["line"], now)
            case "notice":
                self.told[said["room"]] += any(words in said["text"] for words in TOLD)
            case "usage" if worker.usage and not worker.usage.done():
                worker.usage.set_result(said)

    def send(self, number: int, room: str, text: str) -> None:
        self.sent[number] = (room, text, time.monotonic())
        self._deliver(number, 2 if self._chance.random() < TWICE else 1)

    def _deliver(self, number: int, times: int = 1) -> None:
        room, text, _ = self.sent[number]
        alive = [worker for worker in self.workers if worker.alive]
        for worker in self._chance.sample(alive, min(times, len(alive))):
            worker.tell(number=number, room=room, text=text)

    async def redeliver(self) -> None:
        """What is not acknowledged comes again; until cancelled."""
        tried: dict[int, float] = {}
        while True:
            await asyncio.sleep(1.0)
            now = time.monotonic()
            for number in self.sent.keys() - self.kept.keys():
                if now - tried.get(number, self.sent[number][2]) > AGAIN:
                    tried[number] = now
                    self._deliver(number)

    @property
    def cpu(self) -> float:
        """CPU seconds of all workers since they were ready."""
        return self.dead_cpu + sum(worker.cpu for worker in self.workers)

    async def usages(self) -> list[dict[str, float]]:
        """What those that live say of their memory, in MB."""
        found = []
        for worker in self.workers:
            if worker.alive:
                worker.usage = asyncio.get_running_loop().create_future()
                worker.tell(usage=True)
                with contextlib.suppress(TimeoutError):
                    found.append(await asyncio.wait_for(worker.usage, 10))
        return found

    async def kill_one(self) -> None:
        """Kill a worker as a power cut does, and start another."""
        alive = [worker for worker in self.workers if worker.alive]
        if not alive:
            return
        dead = self._chance.choice(alive)
        self.dead_cpu += dead.cpu
        dead.ready.clear()
        dead.process.kill()
        await dead.process.wait()
        self.workers.remove(dead)
        self.killed += 1
        await self.start()

    async def replace_all(self) -> None:
        """A rolling update: a new worker is ready before an old one is told to end."""
        for old in list(self.workers):
            await (await self.start()).ready.wait()
            if not old.alive:
                continue  # killed meanwhile, and so replaced
            self.dead_cpu += old.cpu
            old.ready.clear()  # nothing is delivered to it any more
            assert old.process.stdin is not None
            old.process.stdin.close()
            await old.process.wait()
            self.workers.remove(old)
            self.replaced += 1

    async def take_the_engine_away(self, seconds: float) -> None:
        """From workers that start meanwhile, too."""
        self._away_until = time.monotonic() + seconds
        for worker in self.workers:
            worker.tell(away=self._away_until)
        await (self.gate.shut(seconds) if self.gate else asyncio.sleep(seconds))

    async def close(self) -> None:
        for worker in self.workers:
            if worker.process.returncode is None and worker.process.stdin:
                worker.process.stdin.close()
        waits = [worker.process.wait() for worker in self.workers]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*waits), 60)
        for worker in self.workers:
            if worker.process.returncode is None:
                worker.process.kill()


class Gate:
    """Stands before a model server (`http://HOST:PORT…`), so that it can go away for a while."""

    def __init__(self, engine: str) -> None:
        self._engine = urlsplit(engine)
        self._open = True
        self._halves: set[asyncio.StreamWriter] = set()

    async def start(self) -> str:
        """Begin to listen. Returns the server's URL through the gate."""
        server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        self._server = server
        return self._engine._replace(netloc=f"127.0.0.1:{port}").geturl()

    async def shut(self, seconds: float) -> None:
        """Cut what is under way, and let nobody in for so long."""
        self._open = False
        for half in self._halves:
            half.transport.abort()
        await asyncio.sleep(seconds)
        self._open = True

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._open:
            writer.transport.abort()
            return
        host, port = str(self._engine.hostname), self._engine.port or 80
        there, back = await asyncio.open_connection(host, port)
        self._halves |= {writer, back}
        await asyncio.gather(self._copy(reader, back), self._copy(there, writer))
        self._halves -= {writer, back}

    @staticmethod
    async def _copy(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(2**16):
                to.write(data)
                await to.drain()
        to.close()


async def until(what: Any, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        await asyncio.sleep(0.2)
    return False


async def trouble(options: argparse.Namespace, platform: Platform, cluster: Cluster) -> int:
    """All that goes wrong, and a rolling update. Returns the number of failovers."""
    length = 60 * options.minutes
    begun = time.monotonic()

    async def at(when: float, what: str) -> None:
        await asyncio.sleep(max(0.0, begun + when - time.monotonic()))
        platform.troubles.append(time.monotonic())
        if what == "worker":
            await platform.kill_one()
        elif what == "engine":
            await platform.take_the_engine_away(options.away)
        elif what == "update":
            await platform.replace_all()
        else:
            await asyncio.to_thread(cluster.kill_a_primary)
            await asyncio.to_thread(cluster.wait_for_failover)
            print(f"{time.monotonic() - begun:.1f} s: another primary", file=sys.stderr)
            await asyncio.to_thread(cluster.start_dead)
        print(f"{when:.0f} s to {time.monotonic() - begun:.1f} s: {what}", file=sys.stderr)

    plan = [
        (length / 3, "primary"), (length / 2, "engine"), (2 * length / 3, "primary"),
        (5 * length / 6, "update"),
    ]  # fmt: skip
    kill = options.kill_every
    while options.kill_every and kill < length:
        plan.append((kill, "worker"))
        kill += options.kill_every
    await asyncio.gather(*[at(when, what) for when, what in plan])
    return sum(what == "primary" for _, what in plan)


async def judged(
    memory: Memory, rooms: list[str], platform: Platform, *, echo: bool
) -> dict[str, int]:
    """What Redis holds at the end, counted. An `echo` says to what it answers."""
    heard: Counter[int] = Counter()
    answers: Counter[int] = Counter()
    wrong = silent = refused = 0
    for name in rooms:
        asked: dict[str, int] = {}
        for stored in await memory.room(PLATFORM, name).between():
            if stored.turn.side == "human" and (n := re.search(r"第(\d+)句", stored.turn.text)):
                asked[stored.line] = int(n[1])
                heard[int(n[1])] += 1
            elif stored.turn.side == "character" and stored.line.partition(".")[0] in asked:
                number = asked[stored.line.partition(".")[0]]
                answers[number] += 1
                if echo and stored.turn.text != answer_of(number):
                    wrong += 1
                    print(f"{name}: to {number} {stored.turn.text!r}", file=sys.stderr)
                if at := platform.first_shown.get(stored.line):
                    platform.shown.setdefault(number, at)
        missing = sum(not answers[number] for number in asked.values())
        refused += min(missing, platform.told[name])
        silent += max(0, missing - platform.told[name])
    return {
        "messages": len(platform.sent),
        "lost": sum(not heard[number] for number in platform.sent),
        "heard_twice": sum(count > 1 for count in heard.values()),
        "answered_twice": sum(count > 1 for count in answers.values()),
        "answered": len(answers),
        "refused_in_words": refused,
        "unanswered": silent,
        "wrong": wrong,
        "never_shown": sum(number not in platform.shown for number in answers),
    }


def used_memory(servers: Servers) -> int:
    """Bytes of what the primaries hold."""
    total = 0
    for number in range(len(servers.ports)):
        with contextlib.suppress(redis.RedisError):
            client: Any = servers.client(number)
            if client.info("replication")["role"] == "master":
                total += int(client.info("memory")["used_memory"])
    return total


async def measure(options: argparse.Namespace, servers: Servers, url: str) -> dict[str, Any]:
    platform = Platform(options, url)
    rooms = [f"r{number}" for number in range(options.rooms)]
    if platform.gate:
        platform.engine = await platform.gate.start()
    empty = used_memory(servers)
    await asyncio.gather(*[platform.start() for _ in range(options.workers)])
    if not await until(lambda: all(worker.alive for worker in platform.workers), 240):
        raise SystemExit("the workers do not start")
    fresh = _mean_mb(await platform.usages())
    again = asyncio.create_task(platform.redeliver())
    await _summon(platform, rooms)
    used = _cpu(platform, servers)
    troubling = None
    if isinstance(servers, Cluster):
        troubling = asyncio.create_task(trouble(options, platform, servers))
    begun, number = time.monotonic(), 0
    while (now := time.monotonic()) < begun + 60 * options.minutes:
        name = platform._chance.choice(rooms)
        platform.send(number, name, f"悟空，第{number}句")
        number += 1
        await asyncio.sleep(max(0.0, begun + number / options.rate - now))
    sending = time.monotonic() - begun
    failovers = await troubling if troubling else 0
    memory = await open_memory(url, patience=60)
    settled = await _settle(memory, platform, number)
    used = {who: seconds - used[who] for who, seconds in _cpu(platform, servers).items()}
    took = time.monotonic() - begun
    mb = _mean_mb(await platform.usages())
    again.cancel()
    await platform.close()
    found = await judged(memory, rooms, platform, echo=not options.engine)
    await memory.close()
    if options.timeline:
        _write_timeline(Path(options.timeline), platform, begun)
    return found | _latency(options, platform) | {
        "settled": settled,
        "rooms": options.rooms, "workers": options.workers, "minutes": options.minutes,
        "rate": options.rate, "sent_a_second": round(number / sending, 2),
        "engine": options.engine or f"echo {options.speed:g}/s",
        "workers_killed": platform.killed, "workers_replaced": platform.replaced,
        "failovers": failovers,
        "shown_again": sum(count > 1 for count in platform.lines.values()),
        **{f"{who}_cpu_ms_a_message": round(1000 * seconds / max(number, 1), 2)
           for who, seconds in used.items()},
        "cpu_busy": round(sum(used.values()) / took, 3),
        "start_cpu_s": round(statistics.mean(platform.starts), 2),
        "worker_mb": round(mb, 1),
        "worker_kb_a_room": round(1024 * (mb - fresh) / options.rooms, 1),
        "redis_kb_a_room": round((used_memory(servers) - empty) / 1024 / options.rooms, 1),
        "cpus": len(os.sched_getaffinity(0)),
    }  # fmt: skip


async def _summon(platform: Platform, rooms: list[str]) -> None:
    """Bring somebody on stage in every room; what this takes is not counted."""
    for number, name in enumerate(rooms):
        platform.send(-1 - number, name, "/summon 悟空")
        if number % 20 == 19:
            await until(lambda: len(platform.kept) > len(platform.sent) - 20, 60)
    await until(lambda: len(platform.kept) == len(rooms), SETTLE)
    platform.sent.clear()


def _cpu(platform: Platform, servers: Servers) -> dict[str, float]:
    """CPU seconds until now, of each who has a part."""
    own = time.process_time()
    return {"workers": platform.cpu, "redis": servers.cpu_seconds(), "platform": own}


def _mean_mb(usages: list[dict[str, float]]) -> float:
    return statistics.mean([usage["mb"] for usage in usages] or [0.0])


def _latency(options: argparse.Namespace, platform: Platform) -> dict[str, float]:
    """Seconds from sending to the whole answer, less what the echo itself takes."""
    added: list[float] = []
    calm: list[float] = []
    for number, (_, _, sent) in platform.sent.items():
        if number in platform.shown:
            echoed = options.speed and not options.engine
            own = len(answer_of(number).encode()) / options.speed if echoed else 0.0
            added.append(platform.shown[number] - sent - own)
            if not any(at <= sent < at + CALM for at in platform.troubles):
                calm.append(added[-1])

    def at(values: list[float], share: float) -> float:
        ordered = sorted(values) or [0.0]
        return round(ordered[int(share * (len(ordered) - 1))], 3)

    return {
        "added_p50_s": at(added, 0.5), "added_p95_s": at(added, 0.95), "added_max_s": at(added, 1),
        "calm": len(calm), "calm_p50_s": at(calm, 0.5), "calm_p95_s": at(calm, 0.95),
    }  # fmt: skip


def _write_timeline(file: Path, platform: Platform, begun: float) -> None:
    rows = ["number,room,sent_s,stored_s,shown_s"]
    for number, (room, _, sent) in platform.sent.items():
        stored, shown = (
            f"{when[number] - begun:.2f}" if number in when else ""
            for when in (platform.kept, platform.shown)
        )
        rows.append(f"{number},{room},{sent - begun:.2f},{stored},{shown}")
    file.write_text("\n".join(rows) + "\n")


async def _settle(memory: Memory, platform: Platform, count: int) -> bool:
    """Wait until all that was sent is stored and done with."""
    if not await until(lambda: len(platform.sent.keys() - platform.kept.keys()) == 0, SETTLE):
        return False
    end = time.monotonic() + SETTLE
    while time.monotonic() < end:
        if not await memory.unfinished(PLATFORM):
            return True
        await asyncio.sleep(0.5)
    return False


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rooms", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--rate", type=float, default=10.0, help="messages a second")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--speed", type=float, default=200.0, help="the echo's tokens a second")
    parser.add_argument("--kill-every", type=float, default=60.0, metavar="SECONDS")
    parser.add_argument("--away", type=float, default=20.0, help="seconds without the engine")
    parser.add_argument("--engine", metavar="URL", default="", help="a model server, not the echo")
    parser.add_argument("--context", type=int, metavar="N", help="of the model server, in tokens")
    parser.add_argument("--single", action="store_true", help="one worker, one Redis, no trouble")
    parser.add_argument(
        "--timeline", metavar="FILE", help="when each message was sent, stored, answered; as CSV"
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.single:
            options.workers, options.kill_every = 1, 0.0
            with Servers(Path(folder)) as servers:
                number = servers.add()
                url = f"redis://127.0.0.1:{servers.ports[number]}/0"
                found = asyncio.run(measure(options, servers, url))
        else:
            with Cluster(Path(folder)) as cluster:
                found = asyncio.run(measure(options, cluster, cluster.url))
    print(json.dumps(found))
    wrong = ("lost", "heard_twice", "answered_twice", "unanswered", "wrong", "never_shown")
    return 1 if any(found[key] for key in wrong) or not found["settled"] else 0


if __name__ == "__main__":
    sys.exit(main())
