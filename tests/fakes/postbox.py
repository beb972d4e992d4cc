"""A whole chat platform: lines of text over TCP on 127.0.0.1. Its row is all that lists it.

One connection is one private room; the server asks for the token in the first line.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.doctor.finding import Checkup, Finding
from bot.doctor.probe import Probe
from bot.drafts import Pace
from bot.house import House
from bot.platforms.protocol import PlatformProblem
from bot.platforms.registry import Row
from bot.secrets import secret
from bot.serve import alone
from bot.stage import Line, Message

ROW = Row(
    "postbox",
    "lines of text over TCP",
    "tests.fakes.postbox",
    variable="POSTBOX_TOKEN",
    token=r"pbx-[a-f0-9]{16}",
    limits_logged_by="postbox",
)


@dataclass
class Postbox:
    """A connection, and the stage of its one room."""

    house: House
    address: str
    token: str

    async def run(self) -> None:
        host, _, port = self.address.rpartition(":")
        try:
            reader, self.writer = await asyncio.open_connection(host, int(port))
        except OSError as problem:
            raise PlatformProblem(f"the postbox cannot be reached: {problem.strerror}") from None
        await self._write(self.token)
        room = await self.house.room("postbox", "1", lambda: self, private=True)
        async for line in reader:
            await room.hear(Message("postbox:1", "小明", line.decode().strip()))

    async def close(self) -> None:
        self.writer.close()

    def pace(self) -> Pace:
        return Pace(seconds=60)

    async def notice(self, text: str, *, to: str = "", secret: bool = False) -> None:
        await self._write(text)

    async def show(self, line: Line) -> tuple[str, ...]:
        if line.done:
            await self._write(f"{line.speaker.name[line.language]}: {line.text}")
        return (line.id,) if line.done else ()

    async def attach(self, name: str, data: bytes) -> str:
        return ""

    async def withdraw(self, line_id: str, places: Sequence[str]) -> None: ...

    async def _write(self, text: str) -> None:
        self.writer.write(f"{text}\n".encode())
        await self.writer.drain()


class PostboxPlatform:
    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--postbox", metavar="HOST:PORT", default="127.0.0.1:7777")

    def tokens(self, environment: Mapping[str, str]) -> dict[str, str]:
        token = secret(environment, "POSTBOX_TOKEN")
        if not token or not token.startswith("pbx-"):
            raise PlatformProblem("POSTBOX_TOKEN is not a token: it begins with pbx-")
        return {"": token}

    async def open(
        self,
        house: House,
        options: argparse.Namespace,
        environment: Mapping[str, str],
        *,
        on_limited: Callable[[float], None],
    ) -> Postbox:
        on_limited(2.5)
        return Postbox(house, options.postbox, self.tokens(environment)[""])

    async def check(
        self, probe: Probe, options: argparse.Namespace, environment: Mapping[str, str]
    ) -> Checkup:
        token = self.tokens(environment)[""]
        return Checkup([Finding("warning", "postbox", f"{token} is untried", "try it")], {"box": 1})


PLATFORM = PostboxPlatform()


def main(argv: list[str]) -> int:
    return alone("postbox", argv)
