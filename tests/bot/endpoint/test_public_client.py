"""`mrp engine serve` as a process with the shipped model, and OpenAI's own client that talks with
characters: what it lists, keeps for a user, erases, refuses, and still knows after a restart."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import openai
import pytest

from hub.choice import SHIPPED

ROOT = Path(__file__).parents[3]
KEY = "a-key-for-the-public-client"
LIMITS = 'blocked = ["v1:villain"]\nperson = { burst = 6, per_minute = 1 }\n'


@contextlib.asynccontextmanager
async def served(home: Path, port: int) -> AsyncIterator[openai.AsyncOpenAI]:
    """The process, and a client with its key."""
    limits = home / "limits.toml"
    limits.write_text(LIMITS, encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mrp", "engine", "serve", "--model", str(SHIPPED), "--seed", "5",
        "--threads", "1", "--listen", f"127.0.0.1:{port}", "--limits", str(limits),
        cwd=ROOT,
        env={**os.environ, "MRP_ENGINE_KEY": KEY, "XDG_DATA_HOME": str(home), "REDIS_URL": ""},
    )  # fmt: skip
    client = openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key=KEY, max_retries=0)
    try:
        async with asyncio.timeout(120):
            while True:
                with contextlib.suppress(openai.APIConnectionError):
                    await client.models.list()
                    break
                assert process.returncode is None, "mrp engine serve ended"
                await asyncio.sleep(0.1)
        yield client
    finally:
        await client.close()
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            status = await process.wait()
    assert status == 0


async def say(client: openai.AsyncOpenAI, text: str, user: str, model: str = "wukong") -> str:
    said = await client.chat.completions.create(
        model=model, user=user, messages=[{"role": "user", "content": text}]
    )
    return said.choices[0].message.content or ""


async def test_the_public_client_talks_with_characters(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with served(tmp_path, port) as client:
        ids = [model.id async for model in client.models.list()]
        assert {"wukong", "bajie"} <= set(ids)

        # A user's talk is kept, for this user and this character alone.
        first = await say(client, "我叫小明，我怕蛇。你是谁？", "ming")
        assert first.strip()
        kept = await say(client, "/recap", "ming")
        assert "我怕蛇" in kept
        assert first.strip()[:6] in kept
        assert "怕蛇" not in await say(client, "/recap", "hong")
        assert "怕蛇" not in await say(client, "/recap", "ming", "bajie")

        # Without a user the reply is streamed, and nothing is kept.
        stream = await client.chat.completions.create(
            model="wukong", messages=[{"role": "user", "content": "你是谁？"}], stream=True
        )
        pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
        assert "".join(pieces).strip()

        # The model itself is there as well, as text and as messages.
        text = await client.completions.create(model=ids[0], prompt="西游", max_tokens=4)
        assert text.usage is not None
        assert 0 < text.usage.completion_tokens <= 4  # it may end by itself

        # A wrong key, a model that is none, somebody blocked, one who asks too much.
        with pytest.raises(openai.AuthenticationError):
            await client.with_options(api_key="wrong").models.list()
        with pytest.raises(openai.NotFoundError, match="wukong"):
            await say(client, "？", "ming", "gpt-5")
        with pytest.raises(openai.PermissionDeniedError):
            await say(client, "？", "villain")
        for _ in range(6):
            assert await say(client, "/who", "greedy")
        with pytest.raises(openai.RateLimitError) as refused:
            await say(client, "/who", "greedy")
        assert int(refused.value.response.headers["Retry-After"]) > 0

    # After a restart the talk is still known, and its user can erase it.
    async with served(tmp_path, port) as client:
        assert "我怕蛇" in await say(client, "/recap", "ming")
        assert "我怕蛇" in await say(client, "/export", "ming")
        assert await say(client, "/forget room", "ming")
        assert "怕蛇" not in await say(client, "/recap", "ming")
