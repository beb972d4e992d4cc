"""`mrp engine serve`: from its options to an answer, and what stops it at once."""

import asyncio
import os
import signal
import socket

import aiohttp
import pytest

from bot.endpoint.cli import parser, serve
from bot.endpoint.server import EndpointProblem


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.mark.parametrize("characters", [True, False])
async def test_it_serves_until_it_is_told_to_end(characters, data, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(data))
    monkeypatch.setenv("MRP_ENGINE_KEY", "a-key-for-tests")
    monkeypatch.setenv("MRP_ENGINE", "http://127.0.0.1:9")  # the bots' setting, not the server's
    port = free_port()
    words = ["serve", "--model", "echo", "--listen", f"127.0.0.1:{port}"]
    options = parser().parse_args([*words, *([] if characters else ["--without-characters"])])
    serving = asyncio.create_task(serve(options))
    headers = {"Authorization": "Bearer a-key-for-tests"}
    async with asyncio.timeout(30), aiohttp.ClientSession(headers=headers) as session:
        while True:
            try:
                async with session.get(f"http://127.0.0.1:{port}/v1/models") as answer:
                    rows = (await answer.json())["data"]
                    break
            except aiohttp.ClientConnectorError:
                assert not serving.done()
                await asyncio.sleep(0.02)
        assert rows[0]["id"] == "echo"
        assert (len(rows) > 1) is characters
        os.kill(os.getpid(), signal.SIGTERM)
        await serving


async def test_it_does_not_open_itself_to_others_without_a_key(monkeypatch):
    monkeypatch.delenv("MRP_ENGINE_KEY", raising=False)
    words = ["serve", "--model", "echo", "--without-characters", "--listen", "0.0.0.0:0"]
    with pytest.raises(EndpointProblem, match="MRP_ENGINE_KEY"):
        await serve(parser().parse_args(words))
