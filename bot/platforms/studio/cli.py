"""`mrp studio`: the rooms in a browser, until the process is told to end.

mrp studio                                       prints a link for the host, for one use
mrp studio --link                                another such link, from the running studio
mrp studio --studio 0.0.0.0:8642 --studio-url https://example.org/mrp
MRP_STUDIO=127.0.0.1:8642 mrp serve              beside the chat platforms, with the same rooms
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Callable, Mapping

from aiohttp import web

from bot.doctor.finding import Checkup, Finding
from bot.doctor.probe import Probe
from bot.house import House
from bot.memory import Link, MemoryProblem, Sessions, Visitor, open_memory
from bot.platforms.protocol import PlatformProblem, Restart
from bot.platforms.studio.addresses import LISTEN, Addresses, addresses
from bot.platforms.studio.figures import MINUTE
from bot.platforms.studio.hosting.desk import Desk
from bot.platforms.studio.hosting.models import SHIPPED_NAME
from bot.platforms.studio.rooms import PLATFORM as NAME
from bot.platforms.studio.server import serve
from bot.platforms.studio.site import Site
from bot.secrets import redis_url
from bot.serve import alone

log = logging.getLogger(__name__)

OWNER = Visitor(f"{NAME}:owner", "主人", "owner")
ANNOUNCE = 30.0  # seconds


class StudioConnection:
    """The server of the pages, once `run`."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._runner: web.AppRunner | None = None

    async def run(self) -> None:
        """Serve, say where, and take up what was left unfinished, until cancelled.

        Raises:
            PlatformProblem: the address cannot be listened on.
            Restart: the host asked for it.
        """
        site = self.site
        self._runner = await serve(site)
        print(await owner_link(site.sessions, site.addresses.url), file=sys.stderr, flush=True)
        log.info("the studio is open", extra={"address": site.addresses.url})
        for name in await site.house.unfinished(NAME):
            site.later(site.rooms.resume(name))
        looking = asyncio.create_task(self._look())
        again = asyncio.Event()
        site.desk.restart = again.set
        site.desk.chats.begin()
        try:
            while not again.is_set():
                with contextlib.suppress(MemoryProblem):  # the next time, then
                    await site.sessions.announce(site.addresses.url)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(again.wait(), ANNOUNCE)
        finally:
            looking.cancel()
        serving = site.desk.serving
        raise Restart("" if serving == SHIPPED_NAME else serving)

    async def _look(self) -> None:
        while True:
            self.site.figures.look()
            await asyncio.sleep(MINUTE)

    async def close(self) -> None:
        """End all streams, and what is said is kept as far as it was said."""
        await self.site.close()
        if self._runner is not None:
            await self._runner.cleanup()


async def owner_link(sessions: Sessions, url: str) -> str:
    """A sentence with a link that signs the host in, once."""
    code = await sessions.invite(Link(OWNER))
    return f"The studio, for the host; the link works once, within ten minutes:\n{url}/enter/{code}"


class Studio:
    """The pages as `bot.platforms.protocol.Platform`."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--studio",
            metavar="HOST:PORT",
            default=os.environ.get("MRP_STUDIO") or LISTEN,
            help=f"where the pages listen (default: MRP_STUDIO, or {LISTEN})",
        )
        parser.add_argument(
            "--studio-url",
            metavar="URL",
            default=os.environ.get("MRP_STUDIO_URL", ""),
            help="how people come to the pages, where a proxy stands before them "
            "(default: MRP_STUDIO_URL, or the address itself)",
        )

    def tokens(self, environment: Mapping[str, str]) -> dict[str, str]:
        return {}

    async def open(
        self,
        house: House,
        options: argparse.Namespace,
        environment: Mapping[str, str],
        *,
        on_limited: Callable[[float], None],
    ) -> StudioConnection:
        desk = Desk.of(house, options, environment)
        return StudioConnection(Site(house, addresses(options.studio, options.studio_url), desk))

    async def check(
        self, probe: Probe, options: argparse.Namespace, environment: Mapping[str, str]
    ) -> Checkup:
        found = self._addresses(environment)
        if isinstance(found, PlatformProblem):
            do = "set MRP_STUDIO and MRP_STUDIO_URL as docs/studio.md shows"
            return Checkup([Finding("fault", NAME, str(found), do)])
        outside = found.host not in ("127.0.0.1", "localhost", "::1")
        if outside and not found.secure:
            says = f"{found.host} listens to other machines, and people come without https"
            do = "put a proxy with https before it, and its address into MRP_STUDIO_URL"
            return Checkup([Finding("warning", NAME, says, do)])
        return Checkup([Finding("well", NAME, f"people come to {found.url}")])

    def _addresses(self, environment: Mapping[str, str]) -> Addresses | PlatformProblem:
        try:
            listen = environment.get("MRP_STUDIO") or LISTEN
            return addresses(listen, environment.get("MRP_STUDIO_URL", ""))
        except PlatformProblem as problem:
            return problem


PLATFORM = Studio()


def main(argv: list[str]) -> int:
    """Serve the pages until SIGINT or SIGTERM; with --link, print a link and end. Returns the exit
    status.

    Raises:
        PlatformProblem: an address is none, or is taken; nobody serves the pages.
        What House.open raises: the message says why.
    """
    if argv == ["--link"]:
        print(asyncio.run(_another_link()))
        return 0
    return alone(NAME, argv)


async def _another_link() -> str:
    memory = await open_memory(redis_url(os.environ), patience=10.0)
    try:
        sessions = Sessions(memory)
        url = await sessions.address()
        if not url:
            raise PlatformProblem(
                "no studio is running on this memory; start one with mrp studio, or with mrp serve "
                "and MRP_STUDIO"
            )
        return await owner_link(sessions, url)
    finally:
        await memory.close()
