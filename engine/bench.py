"""`mrp bench`: the engine against its baselines, on the same scenes, in the same run.

    mrp bench --shape 0.5b --scenes 4 --turns 8
    mrp bench --model models/xiyou-mini.gguf --scenes 8 --turns 20 --tail 300 --json
    mrp bench --shape 0.5b --scenes 4 --llama-server PATH

Scenes go on at the same time. In each, a human speaks and the next of the characters answers, turn
after turn; what is said is noise, so every reply has the same length for all contenders.

    mrp             this engine, the shared-transcript prompt
    naive           one llama_cpp.Llama behind a lock, the speaker's card swapped in at the top
    shared          the same Llama with the shared-transcript prompt
    server-swapped  llama-server with as many slots as scenes, cards swapped
    server-shared   llama-server with the shared-transcript prompt
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.table import Table

from engine.llama import Alone, LlamaEngine, processors
from engine.sequence import EngineError, Sampling
from engine.shapes import SHAPES, cached

SAMPLING = Sampling(temperature=0.8, top_k=40, top_p=0.95, min_p=0.05)
FLASH = {"auto": None, "on": True, "off": False}
# Lengths in tokens, as scenes of the novel have them in a vocabulary with Chinese words.
WORLD, CARD, SAID, MARKUP = 200, 150, 30, 4


@dataclass(frozen=True)
class Play:
    """What is played: `tail` tokens are read for one reply and forgotten."""

    scenes: int
    turns: int
    characters: int
    reply: int
    tail: int
    vocabulary: int
    arrival: int = 0

    def words(self, name: str, n: int) -> list[int]:
        """`n` tokens of plain text that depend on nothing but their name."""
        chance = random.Random(name)
        return [chance.randrange(self.vocabulary // 2, self.vocabulary) for _ in range(n)]

    def system(self, speaker: int | None) -> list[int]:
        """World and cards: everybody's (None), or only the speaker's, first."""
        cards = [self.words(f"card {n}", CARD) for n in range(self.characters)]
        if speaker is not None:
            return cards[speaker] + self.words("world", WORLD)
        return self.words("world", WORLD) + [token for card in cards for token in card]

    @property
    def context(self) -> int:
        turn = SAID + 2 * MARKUP + self.reply
        prefix = WORLD + CARD * self.characters
        longest = prefix + self.turns * turn + self.tail + 64
        return -(-max(longest, self.arrival + prefix + 256) // 256) * 256


@dataclass
class Measured:
    """One contender's run. Times in seconds, tokens as counts."""

    ttft: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    evaluated: int = 0
    generated: int = 0
    new: int = 0  # turns, tails, and each distinct prefix once
    wall: float = 0.0
    cells: int = 0
    python: float | None = None

    def report(self, play: Play) -> dict[str, float | None]:
        replies = self.generated if play.tail else 0
        return {
            "prefill_ratio": round(self.evaluated / self.new, 3),
            # A tail stands before the reply, so with tails each reply is read once more.
            "prefill_ratio_with_replies": round(self.evaluated / (self.new + replies), 3),
            "evaluated": self.evaluated,
            "new": self.new,
            "ttft_p50_s": round(quantile(self.ttft, 0.5), 3),
            "ttft_p95_s": round(quantile(self.ttft, 0.95), 3),
            "gap_p50_s": round(quantile(self.gaps, 0.5), 4),
            "gap_p99_s": round(quantile(self.gaps, 0.99), 4),
            "gen_tok_s": round(self.generated / self.wall, 2),
            "wall_s": round(self.wall, 2),
            "kv_cells_peak": self.cells,
            "python_share": None if self.python is None else round(self.python, 4),
        }


@dataclass
class Said:
    """A reply as a contender gives it: its tokens one by one, then what its prompt cost."""

    tokens: list[int] = field(default_factory=list)
    evaluated: int = 0


class Contender(Protocol):
    """Something that continues prompts."""

    swapped: bool  # whether it gets the speaker's card at the top, as most front ends do

    def reply(self, prompt: list[int], scene: int, n: int, said: Said) -> AsyncIterator[None]:
        """Yield once a token (or a few); fill `said`."""
        ...

    async def close(self, measured: Measured) -> None: ...


class Ours:
    """The engine of this project."""

    swapped = False

    def __init__(
        self, path: Path, play: Play, threads: int, stretch: float, flash: bool | None
    ) -> None:
        # Every scene's whole transcript at once: what llama-server is given, too.
        self._engine = LlamaEngine.open(
            path,
            context=play.context,
            replies=play.scenes + 1,
            threads=threads,
            cells=play.context * (play.scenes + 1),
            stretch=stretch,
            flash=flash,
        )
        self._tail = play.tail
        self._ends = tuple((token, -math.inf) for token in self._engine.ends)

    async def reply(self, prompt: list[int], scene: int, n: int, said: Said) -> AsyncIterator[None]:
        sampling = Sampling(
            SAMPLING.temperature,
            SAMPLING.top_k,
            SAMPLING.top_p,
            SAMPLING.min_p,
            max_tokens=n,
            bias=self._ends,
        )
        stable = len(prompt) - self._tail - MARKUP if self._tail else None
        reply = self._engine.stream(prompt, sampling, room=f"scene {scene}", stable=stable)
        async for _ in reply:
            yield
        said.tokens, said.evaluated = reply.tokens, reply.usage.evaluated

    async def close(self, measured: Measured) -> None:
        stats = self._engine.stats()
        measured.python, measured.cells = stats.python_share, stats.cells_peak
        await self._engine.close()


class Lock:
    """One `llama_cpp.Llama`, one reply at a time."""

    def __init__(self, path: Path, play: Play, threads: int, swapped: bool) -> None:
        self.swapped = swapped
        self._llama = Alone(path, context=play.context, threads=threads)
        self._lock = asyncio.Lock()
        self._longest = 0

    async def reply(self, prompt: list[int], scene: int, n: int, said: Said) -> AsyncIterator[None]:
        async with self._lock:
            said.evaluated = len(prompt) - self._llama.stored(prompt)
            tokens = self._llama.tokens(prompt, SAMPLING)
            for _ in range(n):
                said.tokens.append(await asyncio.to_thread(next, tokens))
                yield
            self._longest = max(self._longest, len(prompt) + n)

    async def close(self, measured: Measured) -> None:
        measured.cells = self._longest
        self._llama.close()


class Server:
    """llama-server, spawned, spoken to over HTTP with token ids."""

    def __init__(self, binary: str, path: Path, play: Play, threads: int, swapped: bool) -> None:
        self.swapped = swapped
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (as long as the server)
        self._cells: dict[int, int] = {}
        options = {
            "--model": path,
            "--ctx-size": play.context * play.scenes,
            "--parallel": play.scenes,
            "--threads": threads,
            "--host": "127.0.0.1",
            "--port": self._port,
        }
        words = [str(word) for pair in options.items() for word in pair]
        self._process = subprocess.Popen([binary, *words], stdout=self._log, stderr=self._log)
        deadline = time.monotonic() + 120
        while not self._is_up():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._process.kill()
                self._log.seek(0)
                text = self._log.read().decode("utf-8", "replace")
                raise EngineError(f"llama-server did not start:\n{text[-600:]}")
            time.sleep(0.2)

    def _is_up(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), 1) as line:
                line.sendall(b"GET /health HTTP/1.0\r\n\r\n")
                return b" 200 " in line.recv(64)
        except OSError:
            return False

    async def reply(self, prompt: list[int], scene: int, n: int, said: Said) -> AsyncIterator[None]:
        body = {
            "prompt": prompt,
            "n_predict": n,
            "ignore_eos": True,
            "stream": True,
            "return_tokens": True,
            "cache_prompt": True,
            "temperature": SAMPLING.temperature,
            "top_k": SAMPLING.top_k,
            "top_p": SAMPLING.top_p,
            "min_p": SAMPLING.min_p,
            "samplers": ["top_k", "top_p", "min_p", "temperature"],
        }
        data = json.dumps(body).encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 24)
        head = "POST /completion HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Connection: close\r\nContent-Length: {len(data)}\r\n\r\n".encode())
        writer.write(data)
        async for line in reader:
            if not line.startswith(b"data: {"):
                continue
            event = json.loads(line[6:])
            if event.get("stop"):
                said.evaluated = event["timings"]["prompt_n"]
                break
            said.tokens += event["tokens"]
            yield
        writer.close()
        if not said.tokens:
            raise EngineError("llama-server refused a prompt")
        self._cells[scene] = max(self._cells.get(scene, 0), len(prompt) + n)

    async def close(self, measured: Measured) -> None:
        measured.cells = sum(self._cells.values())
        self._process.terminate()
        self._process.wait(20)


async def play_scene(play: Play, contender: Contender, scene: int, measured: Measured) -> None:
    """One scene from its first turn to its last."""
    transcript: list[int] = []
    name = f"scene {scene}"
    for turn in range(play.turns):
        speaker = (scene + turn) % play.characters
        system = play.system(speaker if contender.swapped else None)
        transcript += play.words(f"{name} turn {turn}", SAID + MARKUP)
        tail = play.words(f"{name} tail {turn}", play.tail)
        opening = play.words(f"opening {speaker}", MARKUP)
        said = await listen(contender, system + transcript + tail + opening, scene, play, measured)
        # With a tail the name is read twice: behind the tail, and in the transcript afterwards.
        measured.new += SAID + 2 * MARKUP + play.tail + (MARKUP if play.tail and turn else 0)
        transcript += opening + said.tokens


async def listen(
    contender: Contender, prompt: list[int], scene: int, play: Play, measured: Measured, n: int = 0
) -> Said:
    """One reply, with a watch in hand."""
    said = Said()
    began = last = time.perf_counter()
    first = True
    async for _ in contender.reply(prompt, scene, n or play.reply, said):
        now = time.perf_counter()
        (measured.ttft if first else measured.gaps).append(now - (began if first else last))
        last, first = now, False
    measured.evaluated += said.evaluated
    measured.generated += len(said.tokens)
    return said


async def play_all(play: Play, contender: Contender) -> Measured:
    """All scenes at once."""
    measured = Measured()
    speakers: list[int | None] = list(range(play.characters)) if contender.swapped else [None]
    measured.new = sum(len(play.system(speaker)) for speaker in speakers)
    began = time.perf_counter()
    await asyncio.gather(*(play_scene(play, contender, n, measured) for n in range(play.scenes)))
    measured.wall = time.perf_counter() - began
    await contender.close(measured)
    return measured


async def play_arrival(play: Play, contender: Contender) -> Measured:
    """Replies are being written in all scenes when a long prompt arrives; gaps from then on."""
    measured, quiet = Measured(), Measured()
    measured.new = 1
    arrived = asyncio.Event()

    async def write(scene: int) -> None:
        said, last, seen = Said(), 0.0, 0
        prompt = play.system(None) + play.words(f"scene {scene}", SAID)
        async for _ in contender.reply(prompt, scene, play.reply, said):
            now, seen = time.perf_counter(), seen + 1
            if last:
                (measured if arrived.is_set() and not over.is_set() else quiet).gaps.append(
                    now - last
                )
            last = now
            if seen == play.reply // 4:
                started.release()
        measured.generated += len(said.tokens)

    over, started = asyncio.Event(), asyncio.Semaphore(0)
    began = time.perf_counter()
    writers = [asyncio.create_task(write(scene)) for scene in range(play.scenes)]
    for _ in writers:
        await started.acquire()
    arrived.set()
    long = Said()
    at = time.perf_counter()
    async for _ in contender.reply(play.words("long", play.arrival), play.scenes, 2, long):
        if not over.is_set():
            measured.ttft.append(time.perf_counter() - at)
        over.set()
    await asyncio.gather(*writers)
    measured.wall = time.perf_counter() - began
    measured.evaluated = long.evaluated
    await contender.close(measured)
    print(
        f"quiet gap: median {quantile(quiet.gaps, 0.5):.4f} s, p99 {quantile(quiet.gaps, 0.99):.4f}"
        f" s; while {play.arrival} tokens arrive: median {quantile(measured.gaps, 0.5):.4f} s, "
        f"p99 {quantile(measured.gaps, 0.99):.4f} s, longest {max(measured.gaps):.4f} s",
        file=sys.stderr,
    )
    return measured


def quantile(values: Sequence[float], q: float) -> float:
    """The nearest-rank quantile; 0 of nothing."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, math.ceil(q * len(ranked)) - 1)] if ranked else 0.0


def table(reports: dict[str, dict[str, float | None]], title: str) -> Table:
    """For people: a row a contender."""
    out = Table(title=title)
    out.add_column("")
    names = [name for name in next(iter(reports.values())) if name not in ("evaluated", "new")]
    for name in names:
        out.add_column(name.replace("_", " "), justify="right")
    for contender, report in reports.items():
        cells = ("–" if report[name] is None else f"{report[name]:g}" for name in names)
        out.add_row(contender, *cells)
    return out


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="mrp bench", description=__doc__.split("\n")[0])
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--shape", choices=sorted(SHAPES), default="0.5b", help="random weights")
    which.add_argument("--model", type=Path, metavar="GGUF", help="a real model instead")
    parser.add_argument("--scenes", type=int, default=4, help="at the same time (4)")
    parser.add_argument("--turns", type=int, default=8, help="replies a scene (8)")
    parser.add_argument("--characters", type=int, default=4, help="a scene (4)")
    parser.add_argument("--reply", type=int, default=48, help="tokens a reply (48)")
    parser.add_argument("--tail", type=int, default=0, help="tokens read for one reply (0)")
    parser.add_argument(
        "--arrival",
        type=int,
        default=0,
        metavar="TOKENS",
        help="instead: a prompt of so many tokens arrives amid long replies",
    )
    parser.add_argument(
        "--only",
        default="mrp,naive,shared,server-swapped,server-shared",
        help="contenders, with commas between",
    )
    parser.add_argument("--llama-server", metavar="PATH", help="also against this binary")
    parser.add_argument("--threads", type=int, default=processors(), help="of the processor")
    parser.add_argument(
        "--stretch",
        type=float,
        default=2.5,
        help="how long a step with a prompt may be, of one without (2.5)",
    )
    parser.add_argument("--flash", choices=sorted(FLASH), default="auto", help="flash attention")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    return parser.parse_args(argv)  # fmt: skip


def main(argv: list[str]) -> int:
    """Run the contenders one after the other and print what was measured."""
    given = arguments(argv)
    path = given.model or cached(given.shape)
    vocabulary = vocabulary_of(path)
    play = Play(
        given.scenes,
        given.turns,
        given.characters,
        given.reply,
        given.tail,
        vocabulary,
        given.arrival,
    )

    def contender(name: str) -> Contender | None:
        match name:
            case "mrp":
                return Ours(path, play, given.threads, given.stretch, FLASH[given.flash])
            case "naive" | "shared":
                return Lock(path, play, given.threads, swapped=name == "naive")
            case "server-swapped" | "server-shared" if given.llama_server:
                swapped = name == "server-swapped"
                return Server(given.llama_server, path, play, given.threads, swapped)
        return None

    async def run(name: str) -> Measured | None:
        one = contender(name)
        if one is None:
            return None
        return await (play_arrival if play.arrival else play_all)(play, one)

    reports: dict[str, dict[str, float | None]] = {}
    for name in given.only.split(","):
        with Console(stderr=True).status(f"{name} plays …"):
            measured = asyncio.run(run(name))
        if measured is not None:
            reports[name] = measured.report(play)
    if not reports:
        print("mrp bench: no such contender", file=sys.stderr)
        return 2
    title = f"{path.stem}: {play.scenes} scenes × {play.turns} turns, tail {play.tail}"
    Console(width=150).print(table(reports, title))
    if given.json:
        print(json.dumps({"model": path.name, "play": asdict(play), "contenders": reports}))
    return 0


def vocabulary_of(path: Path) -> int:
    """The number of token ids of a model."""
    engine = LlamaEngine.open(path, context=256, replies=1)
    try:
        return engine.vocabulary
    finally:
        asyncio.run(engine.close())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
