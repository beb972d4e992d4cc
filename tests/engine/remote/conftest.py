"""A scripted model server on 127.0.0.1: it speaks each kind of protocol, and errs on order."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from engine.remote import vocabulary
from engine.remote.engine import RemoteEngine
from engine.remote.fleet import Wish

CHATML = "{{ '<|im_start|>' }} {{ '<|im_end|>' }}"
FENCES = {"<|im_start|>": 1, "<|im_end|>": 2}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def llama_server_program() -> str:
    """The llama-server that MRP_TEST_LLAMA_SERVER names; without one the test is skipped."""
    program = os.environ.get("MRP_TEST_LLAMA_SERVER", "")
    if not program:
        pytest.skip("MRP_TEST_LLAMA_SERVER names no llama-server (benchmarks/llama_server.sh)")
    return program


class Scripted:
    """One server. `kind` is what it claims to be; `lines` are its replies, in turn; a function in
    `faults` answers in place of the next reply, one after the other."""

    def __init__(self, kind: str = "llama-server", **options: Any) -> None:
        self.kind = kind
        self.lines: list[str] = options.get("lines", ["老孙来也！"])
        self.model: str = options.get("model", "qwen.gguf")
        self.models: list[str] = options.get("models", [self.model])
        self.context: int = options.get("context", 2048)
        self.key: str = options.get("key", "")
        self.special_always: bool = options.get("special_always", False)
        self.probabilities: dict[str, float] = options.get("probabilities", {})
        self.template: str = options.get("template", CHATML)
        self.stops: bool = options.get("stops", True)
        self.cut = 7  # bytes of a chunk, amid characters and events
        self.pause: float = options.get("pause", 0.0)  # seconds between two
        self.faults: list[Handler] = []
        self.asked: list[dict[str, Any]] = []  # bodies of replies
        self.told = 0  # times that it said what it is
        self.left = asyncio.Event()  # somebody closed a stream before its end
        self.url = ""
        self._runner: web.AppRunner | None = None
        self._port = 0

    async def start(self, ssl: Any = None) -> Scripted:
        app = web.Application(middlewares=[self._guard])
        if self.kind == "llama-server":
            app.router.add_get("/props", self._props)
            app.router.add_post("/tokenize", self._tokenize)
            app.router.add_post("/completion", self._reply)
        if self.kind == "ollama":
            app.router.add_get("/api/version", self._version)
            app.router.add_get("/api/ps", self._loaded)
        if self.kind in ("vllm", "llama-server"):
            app.router.add_post("/v1/completions", self._reply)
        app.router.add_post("/v1/chat/completions", self._reply)
        app.router.add_get("/v1/models", self._models)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(
            self._runner, "127.0.0.1", self._port, ssl_context=ssl, reuse_address=True
        )
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.url = f"{'https' if ssl else 'http'}://127.0.0.1:{self._port}"
        return self

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            return web.json_response({"error": {"message": "Invalid API Key"}}, status=401)
        return await handler(request)

    async def _props(self, request: web.Request) -> web.Response:
        self.told += 1
        told = {
            "default_generation_settings": {"n_ctx": self.context},
            "total_slots": 4,
            "model_path": f"/models/{self.model}",
            "chat_template": self.template,
            "bos_token": "<s>",
        }
        return web.json_response(told)

    async def _version(self, request: web.Request) -> web.Response:
        return web.json_response({"version": "0.12.0"})

    async def _loaded(self, request: web.Request) -> web.Response:
        return web.json_response({"models": [{"name": self.model, "context_length": self.context}]})

    async def _models(self, request: web.Request) -> web.Response:
        owner = {"vllm": "vllm", "ollama": "library"}.get(self.kind, "somebody")
        rows: list[dict[str, Any]] = [{"id": name, "owned_by": owner} for name in self.models]
        for row in rows if self.kind == "vllm" else ():
            row["max_model_len"] = self.context
        return web.json_response({"object": "list", "data": rows})

    async def _tokenize(self, request: web.Request) -> web.Response:
        asked = await request.json()
        text, special = asked["content"], asked["parse_special"] or self.special_always
        return web.json_response({"tokens": self.tokens(text, special)})

    def tokens(self, text: str, special: bool) -> list[int]:
        """Characters, from 1,000 on; fences are 1 and 2 where they are control tokens."""
        found = []
        while text:
            fence = next((f for f in FENCES if special and text.startswith(f)), "")
            found.append(FENCES[fence] if fence else 1000 + ord(text[0]))
            text = text[len(fence) or 1 :]
        return found

    def read(self, tokens: list[int]) -> str:
        names = {number: fence for fence, number in FENCES.items()}
        return "".join(names.get(t) or chr(t - 1000) for t in tokens)

    async def _reply(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if not body.get("stream"):
            return web.json_response(self._peeked(request.path, body))
        if self.faults:
            return await self.faults.pop(0)(request)
        self.asked.append(body)
        return await self.stream(request, body)

    def _peeked(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        rows = [{"token": t, "logprob": p} for t, p in self.probabilities.items()]
        if path == "/completion":
            told = [{"top_logprobs": rows}] if rows else []
            return {"content": "", "stop": True, "completion_probabilities": told}
        if path.endswith("chat/completions"):
            logprobs: Any = {"content": [{"top_logprobs": rows}]} if rows else None
            choice = {"message": {"content": ""}, "finish_reason": "length", "logprobs": logprobs}
        else:
            logprobs = {"top_logprobs": [self.probabilities]} if rows else None
            choice = {"text": "", "finish_reason": "length", "logprobs": logprobs}
        return {"model": self.model, "choices": [choice]}

    def events(self, path: str, body: dict[str, Any]) -> list[str]:
        """The data of the events of the next reply."""
        line = self.lines[(len(self.asked) - 1) % len(self.lines)]
        most: int = body.get("n_predict") or body["max_tokens"]
        written, reason = line[:most], "limit" if len(line) > most else "eos"
        for stop in body["stop"] if self.stops and "stop" in body else ():
            if stop in written:
                written, reason = written[: written.index(stop)], "word"
        if path == "/completion":
            found = [{"content": c, "tokens": [1000 + ord(c)], "stop": False} for c in written]
            counts = {"tokens_evaluated": len(body["prompt"]), "tokens_predicted": len(written)}
            last = {"content": "", "stop": True, "stop_type": reason, "timings": {"cache_n": 3}}
            return [json.dumps(e, ensure_ascii=False) for e in (*found, last | counts)]
        chat = path.endswith("chat/completions")
        ends = {"limit": "length"}.get(reason, "stop")
        found = []
        for text, finish in [*((c, None) for c in written), ("", ends)]:
            said: dict[str, Any] = {"delta": {"content": text}} if chat else {"text": text}
            choice = said | {"index": 0, "finish_reason": finish}
            found.append({"model": self.model, "choices": [choice]})
        usage = {"prompt_tokens": 9, "completion_tokens": len(written)}
        found.append({"model": self.model, "choices": [], "usage": usage})
        return [*(json.dumps(e, ensure_ascii=False) for e in found), "[DONE]"]

    async def stream(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        """The events of one reply, cut anywhere, with keep-alives between them."""
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        data = b": keep-alive\n\n" + b"".join(
            f"data: {event}\r\n\r\n".encode() for event in self.events(request.path, body)
        )
        try:
            for at in range(0, len(data), self.cut):
                await answer.write(data[at : at + self.cut])
                await asyncio.sleep(self.pause)
        except (ConnectionError, asyncio.CancelledError):
            self.left.set()
            raise
        return answer

    def broken(self, after: int) -> Handler:
        """A stream that is cut off after so many events."""

        async def answer(request: web.Request) -> web.StreamResponse:
            body = await request.json()
            self.asked.append(body)
            stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await stream.prepare(request)
            for event in self.events(request.path, body)[:after]:
                await stream.write(f"data: {event}\n\n".encode())
            await stream.write(b'data: {"half":')
            assert request.transport is not None
            request.transport.close()
            return stream

        return answer

    def endless(self) -> Handler:
        """A stream that goes on until the other side closes it."""

        async def answer(request: web.Request) -> web.StreamResponse:
            body = await request.json()
            self.asked.append(body)
            stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await stream.prepare(request)
            written = self.events(request.path, body)[: len(self.lines[0])]
            try:
                for event in itertools.cycle(written):
                    await stream.write(f"data: {event}\n\n".encode())
                    await asyncio.sleep(0.001)
            finally:
                self.left.set()
            return stream

        return answer


def status(code: int, told: Any = None, **headers: str) -> Handler:
    """Answers with a status, and JSON or text."""

    async def answer(request: web.Request) -> web.StreamResponse:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(told, str):
            return web.Response(status=code, text=told, content_type="text/html", headers=fields)
        return web.json_response(told or {}, status=code, headers=fields)

    return answer


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[Scripted]]]:
    """Starts scripted servers: `await serve("vllm", lines=[…])`."""
    started: list[Scripted] = []

    async def start(kind: str = "llama-server", ssl: Any = None, **options: Any) -> Scripted:
        started.append(await Scripted(kind, **options).start(ssl))
        return started[-1]

    yield start
    for one in started:
        await one.stop()


@pytest.fixture
async def connect() -> AsyncIterator[Callable[..., Awaitable[RemoteEngine]]]:
    """Opens engines on servers: `await connect(server, text=True)`; they wait for 2 s at most."""
    opened: list[RemoteEngine] = []

    async def open_(*servers: Scripted, key: str = "", **wish: Any) -> RemoteEngine:
        urls = [server.url for server in servers]
        engine = await RemoteEngine.open(urls, key=key, wish=Wish(**wish))
        engine.fleet.patience_s = 2.0
        opened.append(engine)
        return engine

    yield open_
    for engine in opened:
        await engine.close()


def turn(text: str, role: str = "user") -> list[int]:
    """A block of ChatML."""
    return [
        *vocabulary.encode(f"<|im_start|>{role}\n", True),
        *vocabulary.encode(text),
        *vocabulary.encode("<|im_end|>", True),
        *vocabulary.encode("\n", True),
    ]


def prompt(*texts: str, name: str = "孙悟空：") -> list[int]:
    """Turns of people, and the beginning of a character's."""
    opening = vocabulary.encode("<|im_start|>assistant\n", True) + vocabulary.encode(name)
    return [*(token for text in texts for token in turn(text)), *opening]
