"""`mrp studio`: a link for the host, options, and what the doctor says."""

import argparse
import socket

import pytest

import mrp
from bot.doctor.probe import Probe
from bot.memory import Sessions
from bot.platforms import registry
from bot.platforms.protocol import PlatformProblem
from bot.platforms.studio import cli
from bot.serve import parser
from tests.studio.conftest import held


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


async def test_it_serves_prints_a_link_and_ends(studio, capsys, monkeypatch):
    port = free_port()
    options = argparse.Namespace(studio=f"127.0.0.1:{port}", studio_url="")
    connection = await cli.PLATFORM.open(studio.house, options, {}, on_limited=lambda _: None)
    import asyncio

    running = asyncio.create_task(connection.run())
    sessions = Sessions(studio.memory)
    async with asyncio.timeout(20):
        while not await sessions.address():
            assert not running.done()
            await asyncio.sleep(0.01)
    said = capsys.readouterr().err
    link = held(rf"http://127\.0\.0\.1:{port}/enter/(\S+)", said)
    found = await sessions.redeem(link)
    assert found is not None
    assert (found.visitor.person, found.visitor.role) == ("studio:owner", "owner")
    text = await cli.owner_link(sessions, await sessions.address())
    assert f"http://127.0.0.1:{port}/enter/" in text
    second = await cli.PLATFORM.open(studio.house, options, {}, on_limited=lambda _: None)
    with pytest.raises(PlatformProblem, match="cannot be listened on"):
        await second.run()
    await second.close()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await connection.close()


def test_it_is_a_platform_without_a_token(monkeypatch):
    row = next(row for row in registry.served() if row.name == "studio")
    assert not row.wanted({})
    assert not row.wanted({"MRP_STUDIO": "  "})
    assert not row.wanted({"MRP_STUDIO_URL": "https://x"})
    assert row.wanted({"MRP_STUDIO": "127.0.0.1:8642"})
    assert cli.PLATFORM.tokens({}) == {}
    options = parser("studio").parse_args([])
    assert options.studio == "127.0.0.1:8642"
    assert "studio" in mrp.verbs()


def test_a_link_without_a_studio_is_a_sentence(monkeypatch, tmp_path, capsys):
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert mrp.main(["studio", "--link"]) == 2
    assert "no studio is running" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environment", "level"),
    [
        ({"MRP_STUDIO": "127.0.0.1:8642"}, "well"),
        ({"MRP_STUDIO": "0.0.0.0:8642"}, "warning"),
        ({"MRP_STUDIO": "0.0.0.0:8642", "MRP_STUDIO_URL": "https://example.org"}, "well"),
        ({"MRP_STUDIO": "nonsense"}, "fault"),
    ],
)
async def test_the_doctor_says_how_it_is_reached(environment, level):
    probe: Probe = None  # type: ignore[assignment]
    found = await cli.PLATFORM.check(probe, argparse.Namespace(), environment)
    assert [finding.level for finding in found.findings] == [level]
    assert level == "well" or found.findings[0].do
