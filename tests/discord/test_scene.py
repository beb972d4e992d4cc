"""A whole evening with the model that ships: `mrp discord` as a process, which is killed once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hub.choice import SHIPPED
from tests.discord.conftest import panel_of
from tests.fakes.discord_server import FakeDiscord, text_of

ROOT = Path(__file__).resolve().parents[2]


class Evening:
    """A server with a channel and two people, and the bot that is started and killed."""

    def __init__(self, server: FakeDiscord, home: Path) -> None:
        self.server = server
        self.ming = server.add_user("小明")
        self.hong = server.add_user("小红")
        self.guild = server.add_guild("取经路")
        self.channel = server.add_channel(self.guild, "花果山")
        self._home = home
        self._limits = home / "limits.toml"
        often = "{ burst = 99, per_minute = 99 }"
        self._limits.write_text(f"person = {often}\nroom = {often}\n")
        self.log = home / "log"

    @contextlib.asynccontextmanager
    async def bot(self) -> AsyncIterator[asyncio.subprocess.Process]:
        environment = {
            **os.environ,
            "DISCORD_TOKEN": self.server.token,
            "DISCORD_API": f"http://127.0.0.1:{self.server.port}/api/v10",
            "XDG_DATA_HOME": str(self._home),
            "PYTHONPATH": str(ROOT),
            "MRP_LIMITS": str(self._limits),
        }
        environment.pop("REDIS_URL", None)
        before = self.server.identified
        with self.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "mrp", "discord", "--seed", "6",
                cwd=ROOT, env=environment, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            await self.server.until(
                lambda: self.server.identified > before and self.server.commands,
                60,
                "the bot did not come",
            )
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
                assert await asyncio.wait_for(process.wait(), 30) == 0

    def lines(self) -> list[dict[str, Any]]:
        return [m for m in self.server.messages(self.channel) if m.get("webhook_id")]

    async def until(self, count: int, seconds: float = 60.0) -> list[dict[str, Any]]:
        """That many lines, and nobody writes any more."""

        def whole() -> bool:
            found = self.lines()
            return len(found) >= count and not any(m["content"].endswith("▍") for m in found)

        await self.server.until(whole, seconds, f"not {count} lines: {self.told()}")
        return self.lines()

    def told(self) -> str:
        return f"{self.server.said(self.channel)}\n{self.log.read_text()[-2000:]}"

    async def quiet(self) -> None:
        """Nobody has written anything for a while."""
        while True:
            before = [(m["id"], m["content"]) for m in self.lines()]
            await asyncio.sleep(1.5)
            if before == [(m["id"], m["content"]) for m in self.lines()]:
                return


@pytest.mark.skipif(not SHIPPED.exists(), reason="the model is not there")
async def test_an_evening(server: FakeDiscord, tmp_path: Path):
    evening = Evening(server, tmp_path)
    ming, hong, channel = evening.ming, evening.hong, evening.channel
    async with evening.bot() as process:
        # by nicknames, two at once
        call = await server.slash(ming, channel, "summon", who="猴哥、老猪")
        await call.acknowledged()
        lines = await evening.until(2)
        assert [m["author"]["username"] for m in lines] == ["孙悟空", "猪八戒"]
        panel = await panel_of(server, channel)

        # two answer
        await server.say(ming, channel, "你们两个，今晚吃什么？")
        lines = await evening.until(4)
        await evening.quiet()
        lines = evening.lines()
        assert {"孙悟空", "猪八戒"} <= {m["author"]["username"] for m in lines[2:]}

        # a reply reaches whom it replies to, without any name
        bajie = next(m for m in reversed(lines) if m["author"]["username"] == "猪八戒")
        count = len(lines)
        await server.say(hong, channel, "真的吗？", reply_to=bajie["id"])
        lines = await evening.until(count + 1)
        await evening.quiet()
        assert evening.lines()[count]["author"]["username"] == "猪八戒"

        # said another way, in the same place
        last = evening.lines()[-1]
        before, count = last["content"], len(evening.lines())
        call = await server.click(ming, channel, panel["id"], "mrp:retry")
        await call.acknowledged()
        await server.until(lambda: "(2/2)" in str(panel["components"]), 60, str(panel))
        await evening.quiet()
        assert len(evening.lines()) == count
        assert last["content"] != before

        # stopped in the middle of a line, which this model writes in some tenths of a second
        def growing(since: int) -> bool:
            return any(m["content"].endswith("▍") for m in evening.lines()[since:])

        for attempt in range(30):
            count = len(evening.lines())
            await server.say(ming, channel, f"悟空，从头细细讲来，第 {attempt} 回，讲长些。")
            if attempt % 2:  # as soon as it is seen to grow, where it is slow
                with contextlib.suppress(AssertionError):
                    await server.until(partial(growing, count), 3)
            else:
                await asyncio.sleep(0.03 * 1.25 ** (attempt / 1.5))
            call = await server.click(ming, channel, panel["id"], "mrp:stop")
            await call.acknowledged()
            await evening.quiet()
            if any(m["content"].endswith("——") for m in evening.lines()[count:]):
                break
        else:
            raise AssertionError(f"nobody was stopped: {evening.told()}")

        # stopped while they talk among themselves
        count = len(evening.lines())
        call = await server.slash(ming, channel, "auto", number=12)
        await call.acknowledged()
        await evening.until(count + 1)
        call = await server.click(ming, channel, panel["id"], "mrp:stop")
        await call.acknowledged()
        await evening.quiet()
        assert count < len(evening.lines()) < count + 12, evening.told()

        # one leaves
        call = await server.click(ming, channel, panel["id"], "mrp:dismiss", "bajie")
        await call.acknowledged()
        await server.until(lambda: "猪八戒" not in text_of(panel), 10)

        # killed with a message unanswered
        await evening.quiet()
        count = len(evening.lines())
        await server.say(ming, channel, "悟空，师父在哪里？")
        await asyncio.sleep(0.12)
        process.kill()
        await process.wait()

    async with evening.bot():
        lines = await evening.until(count + 1)
        await evening.quiet()
        assert len(evening.lines()) == count + 1
        assert evening.lines()[-1]["author"]["username"] == "孙悟空"

        # the panel of the process that died
        call = await server.click(hong, channel, panel["id"], "mrp:continue")
        await call.acknowledged()
        await evening.quiet()
        assert len(evening.lines()) > count

        # what is remembered of me, and then nothing is
        call = await server.slash(ming, channel, "remember", text="我住在杭州")
        answer = await _told(server, channel, call)
        assert answer["flags"] & 64
        call = await server.slash(ming, channel, "memory")
        assert "杭州" in (await _told(server, channel, call))["content"]
        call = await server.slash(ming, channel, "forget", text="全部")
        await _told(server, channel, call)
        call = await server.slash(ming, channel, "memory")
        assert "杭州" not in (await _told(server, channel, call))["content"]

    log = evening.log.read_text()
    assert server.token not in log
    assert "hook-" not in log
    assert "Traceback" not in log
    assert "师父在哪里" not in log


async def _told(server: FakeDiscord, channel: int, call: Any) -> dict[str, Any]:
    """What one person is told in answer to a command."""
    await call.acknowledged()
    await server.until(lambda: server.posts[channel][call.original]["content"], 20)
    return server.posts[channel][call.original]
