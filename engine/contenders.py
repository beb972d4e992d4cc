"""What the benchmark compares: this engine, one `Llama` behind a lock, and llama-server."""

from __future__ import annotations

import asyncio
import json
import math
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Unpack

from engine.llama import LlamaEngine, Options
from engine.llama.baseline import SingleLlama
from engine.sequence import EngineError, Sampling
from engine.workload import MARKUP, Measured, Play, Said

SAMPLING = Sampling(temperature=0.8, top_k=40, top_p=0.95, min_p=0.05)


class Ours:
    """The engine of this project."""

    swapped = False

    def __init__(self, path: Path, play: Play, **options: Unpack[Options]) -> None:
        # Every scene's whole transcript at once: what llama-server is given, too.
        options["context"] = play.context
        options["replies"] = play.scenes + 1
        options["cells"] = play.context * (play.scenes + 1)
        self._engine = LlamaEngine.open(path, **options)
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
        self._llama = SingleLlama(path, context=play.context, threads=threads)
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
