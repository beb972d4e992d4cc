"""A real llama-server as a process of its own, to measure and test with; see llama_server.sh.

    async with LlamaServer(program, model, "-np", "4") as server:
        engine = await RemoteEngine.open([server.url])
        await server.kill()
        await server.start()         on the same port, with other options where some are given

It listens on a free port of 127.0.0.1 and is stopped at the end.
"""

from __future__ import annotations

import asyncio
import socket
import tempfile
import time
from pathlib import Path

import aiohttp

PATIENCE = 180.0  # seconds that a model may take to load on a busy machine


class LlamaServer:
    """One llama-server: `program` with a `model` file and more of its own `options`."""

    def __init__(self, program: str | Path, model: Path, *options: str) -> None:
        self._command = [str(program), "-m", str(model)]
        self._options = options
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (as long as the server)
        self._process: asyncio.subprocess.Process | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> LlamaServer:
        try:
            await self.start()
        except BaseException:
            await self.kill()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()
        self._log.close()

    async def start(self, *options: str, ready: bool = True) -> None:
        """Start it, with other `options` where some are given, and wait until it is `ready`.

        Raises:
            RuntimeError: it ends at once, or its model is not loaded in time; with its last words.
        """
        self._options = options or self._options
        self._process = await asyncio.create_subprocess_exec(
            *self._command, "--host", "127.0.0.1", "--port", str(self.port), *self._options,
            stdout=self._log, stderr=self._log,
        )  # fmt: skip
        until = time.monotonic() + PATIENCE
        while ready and not await self._is_ready():
            if self._process.returncode is not None or time.monotonic() > until:
                self._log.seek(0)
                words = self._log.read().decode("utf-8", "replace")[-800:]
                raise RuntimeError(f"llama-server did not start:\n{words}")
            await asyncio.sleep(0.1)

    async def kill(self) -> None:
        """End it at once, with whatever it is writing."""
        if self._process is not None:
            if self._process.returncode is None:
                self._process.kill()
            await self._process.wait()

    async def _is_ready(self) -> bool:
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"{self.url}/health") as said,
            ):
                return said.status == 200
        except aiohttp.ClientError:
            return False
