"""A platform joins by one row: everything else finds it in the list."""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import logging
import os
import re
import socket
import subprocess
import sys

import aiohttp
import pytest

import mrp
from bot import logs, secrets
from bot.doctor.examine import examine
from bot.house import add_options
from bot.metrics import Metrics
from bot.platforms import registry
from bot.serve import NothingToServe, parser, serve
from tests.fakes import postbox

TOKEN = "pbx-0123456789abcdef"
OTHER = "pbx-fedcba9876543210"


@pytest.fixture(autouse=True)
def joined(monkeypatch, tmp_path):
    """The row is added to the list, and nothing else is touched."""
    for key in list(os.environ):
        if key.startswith(("DISCORD", "TELEGRAM", "REDIS", "MRP", "POSTBOX")):
            monkeypatch.delenv(key)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(registry, "PLATFORMS", (*registry.PLATFORMS, postbox.ROW))


def test_it_is_a_verb(capsys):
    assert mrp.main([]) == 0
    shown = capsys.readouterr().out
    assert re.search(rf"postbox +{postbox.ROW.does}", shown)
    assert shown.index("terminal") < shown.index("telegram") < shown.index("postbox")
    with pytest.raises(SystemExit):
        mrp.main(["postbox", "--help"])
    shown = capsys.readouterr().out
    assert "--postbox" in shown
    assert "--model" in shown
    assert "--webhook" not in shown  # another platform's
    assert mrp.main(["postbox", "--model", "echo"]) == 2  # no token: before anything is opened
    assert "mrp postbox: POSTBOX_TOKEN is not a token" in capsys.readouterr().err


async def test_it_is_served_with_its_options_health_and_label():
    said: asyncio.Queue[str] = asyncio.Queue()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.readline()).decode().strip() == TOKEN
        writer.write("/summon 悟空\n悟空，你好\n".encode())
        async for line in reader:
            await said.put(line.decode())
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        page = one.getsockname()[1]
    words = ["--postbox", f"127.0.0.1:{port}", "--metrics", f"127.0.0.1:{page}", "--model", "echo"]
    options = parser().parse_args(words)
    running = asyncio.create_task(serve(options, {"POSTBOX_TOKEN": TOKEN}))
    try:
        async with asyncio.timeout(60):
            while "悟空，你好" not in await said.get():
                assert not running.done(), running
            async with aiohttp.ClientSession(f"http://127.0.0.1:{page}") as client:
                async with client.get("/healthz") as answer:
                    assert await answer.json() == {"ready": True, "redis": True, "postbox": True}
                async with client.get("/metrics") as answer:
                    figures = await answer.text()
        assert 'mrp_platform_429_total{platform="postbox"} 1.0' in figures
        assert 'mrp_platform_wait_seconds_total{platform="postbox"} 2.5' in figures
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        server.close()


async def test_it_is_named_where_no_platform_has_a_token():
    with pytest.raises(NothingToServe, match="or POSTBOX_TOKEN, or name a file"):
        await serve(parser().parse_args(["--model", "echo"]), {})


async def test_the_doctor_looks_at_it():
    options = argparse.ArgumentParser()
    add_options(options)
    words = options.parse_args(["--model", "echo"])
    found = await examine(words, {"POSTBOX_TOKEN": TOKEN})
    row = next(f for f in found.findings if f.about == "postbox")
    assert (row.level, row.says) == ("warning", "<secret> is untried")
    assert found.facts == {"postbox": {"box": 1}}
    found = await examine(words, {"POSTBOX_TOKEN": "wrong"})
    row = next(f for f in found.findings if f.about == "postbox")
    assert row.level == "fault"
    assert "begins with pbx-" in row.says
    found = await examine(words, {})
    assert any("or POSTBOX_TOKEN" in f.do for f in found.findings if f.about == "platforms")


def test_its_tokens_are_kept_out_of_logs():
    assert secrets.redact(f"sent with {OTHER}!") == "sent with <secret>!"
    assert TOKEN in secrets.known({"POSTBOX_TOKEN": TOKEN})
    record = logging.LogRecord("x", logging.ERROR, "", 0, "with %s", (OTHER,), None)
    stream = io.StringIO()
    handler = logs.set_up("info", stream=stream, environment={})
    try:
        handler.handle(record)
    finally:
        logging.getLogger().removeHandler(handler)
    assert OTHER not in stream.getvalue()
    assert "with <secret>" in stream.getvalue()


def test_limits_that_its_library_only_logs_are_counted():
    metrics = Metrics()
    handler = metrics.listen_to_logs()
    try:
        logging.getLogger("postbox.line").warning("rate limited, waiting %.1f seconds", 4.0)
    finally:
        logging.getLogger().removeHandler(handler)
    text = metrics.text().decode()
    assert 'mrp_platform_429_total{platform="postbox"} 1.0' in text
    assert 'mrp_platform_wait_seconds_total{platform="postbox"} 4.0' in text


def test_reading_the_list_loads_no_chat_library():
    script = (
        "import sys, json, mrp; mrp.usage()\n"
        "print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stdout))
    assert not loaded & {"discord", "telegram", "redis", "aiohttp", "llama_cpp", "torch", "rich"}


def test_every_row_is_whole():
    names = [row.name for row in registry.PLATFORMS]
    assert len(names) == len(set(names))
    for row in registry.PLATFORMS[:-1]:
        assert row.does
        assert bool(row.variable) == bool(row.token)


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"TELEGRAM_TOKEN": "  "}, False),
        ({"TELEGRAM_TOKEN": "1:x"}, True),
        ({"TELEGRAM_TOKEN_FILE": "/x"}, True),
        ({"TELEGRAM_TOKEN_WUKONG": "1:x"}, True),
        ({"TELEGRAM_TOKENS": "1:x"}, False),
    ],
)
def test_a_platform_is_wanted_when_a_token_is_named(environment, wanted):
    row = next(row for row in registry.PLATFORMS if row.name == "telegram")
    assert row.wanted(environment) is wanted
