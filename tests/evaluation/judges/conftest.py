"""A real HTTP server on 127.0.0.1 that says what a test wants, and a judge that asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web

from evaluation.endpoint import Chat

Script = Callable[[str], str]


class Server:
    """Speaks the protocol; `script` makes the answer from the last message."""

    def __init__(self) -> None:
        self.script: Script = lambda _: ""
        self.asked: list[dict[str, object]] = []
        self.failures = 0
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        told = await request.json()
        self.asked.append(told)
        if self.failures:
            self.failures -= 1
            return web.json_response({"error": {"message": "busy"}}, status=503)
        text = self.script(told["messages"][-1]["content"])
        return web.json_response(
            {
                "id": "x",
                "object": "chat.completion",
                "created": 0,
                "model": told["model"],
                "choices": [
                    {
                        "index": 0,
                        "finish_reason": "stop",
                        "message": {"role": "assistant", "content": text},
                    }
                ],
                "usage": {"prompt_tokens": 1, "completion_tokens": 3, "total_tokens": 4},
            }
        )


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    running = Server()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", running.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    running.url = f"http://127.0.0.1:{port}/v1"
    yield running
    await runner.cleanup()


@pytest.fixture
async def judge(server: Server) -> AsyncIterator[Chat]:
    chat = Chat(server.url, model="wise")
    yield chat
    await chat.close()
