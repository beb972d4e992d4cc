"""The chat platforms whose token was given on the pages: each runs beside the studio.

chats = Chats(house, options, os.environ)
chats.begin()                                      those whose token is kept
said = await chats.give(row, "123456:AA…")         kept, and begun at once
chats.all()                                        what the page shows; never a whole token

A platform whose token the environment gives is none of ours: `mrp serve` or `mrp NAME` runs it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import aiohttp

from bot import settings
from bot.doctor.finding import Finding
from bot.doctor.probe import Probe
from bot.house import House
from bot.platforms import registry
from bot.platforms.protocol import PlatformProblem, load
from bot.secrets import SecretProblem, known, redact, secret

log = logging.getLogger(__name__)

SHOWN = 4  # characters of a token
Source = Literal["", "environment", "pages"]


@dataclass(frozen=True, slots=True)
class Chat:
    """A platform as the page shows it. `source` is who gave its token, `tail` the token's end;
    `problem` is why it ended, `findings` what the doctor says of it."""

    name: str
    variable: str
    source: Source
    tail: str
    runs: bool
    problem: str
    findings: tuple[Finding, ...]


class Chats:
    """The chat platforms of one process."""

    def __init__(
        self, house: House, options: argparse.Namespace, environment: Mapping[str, str]
    ) -> None:
        self._house = house
        self._options = options
        self._environment = environment
        self._tasks: dict[str, asyncio.Task[None]] = {}
        # A form that is sent twice must not join a platform twice: asking it takes seconds.
        self._changing = asyncio.Lock()
        self._problems: dict[str, str] = {}
        self._findings: dict[str, tuple[Finding, ...]] = {}

    def all(self) -> list[Chat]:
        """Every platform that needs a token."""
        return [self._shown(row) for row in registry.with_tokens()]

    def begin(self) -> None:
        """Begin the platforms whose token is kept."""
        for row in registry.with_tokens():
            if self._source(row) == "pages":
                self._begin(row)

    async def give(self, row: registry.Row, token: str) -> bool:
        """Keep a token, ask the platform who it belongs to, and begin. False: it is no token of
        this platform, and nothing was changed.

        Raises:
            SettingsProblem: it cannot be kept.
        """
        if not re.fullmatch(row.token, token):
            return False
        async with self._changing:
            await self._end(row.name)
            settings.keep(row.variable, token)
            await self.look(row)
            self._begin(row)
        return True

    async def take_away(self, row: registry.Row) -> None:
        """Forget a token that was given here, and leave the platform.

        Raises:
            SettingsProblem: its file cannot be removed.
        """
        async with self._changing:
            await self._end(row.name)
            settings.keep(row.variable, "")
            self._findings.pop(row.name, None)
            self._problems.pop(row.name, None)

    async def look(self, row: registry.Row) -> None:
        """Let the doctor look at a platform."""
        environment = settings.with_tokens(self._environment)
        platform, hidden = load(row), known(environment)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)) as session:
            try:
                platform.tokens(environment)
                options = self._options_of(row)
                found = await platform.check(Probe(session, self._clock), options, environment)
                findings = found.findings
            except (PlatformProblem, SecretProblem) as problem:
                findings = [Finding("fault", row.name, str(problem), "give another token")]
        self._findings[row.name] = tuple(
            Finding(f.level, f.about, redact(f.says, hidden), redact(f.do, hidden))
            for f in findings
        )

    async def close(self) -> None:
        """Leave all platforms."""
        for name in list(self._tasks):
            await self._end(name)

    def _shown(self, row: registry.Row) -> Chat:
        source, tail = self._source(row), ""
        with contextlib.suppress(SecretProblem):
            token = secret(settings.with_tokens(self._environment), row.variable) or ""
            tail = token[-SHOWN:] if len(token) > 4 * SHOWN else ""
        task = self._tasks.get(row.name)
        return Chat(
            row.name,
            row.variable,
            source,
            tail,
            task is not None and not task.done(),
            self._problems.get(row.name, ""),
            self._findings.get(row.name, ()),
        )

    def _source(self, row: registry.Row) -> Source:
        if row.wanted(self._environment):
            return "environment"
        return "pages" if settings.kept(row.variable) else ""

    def _clock(self) -> float:
        return self._house.shared.clock()

    def _options_of(self, row: registry.Row) -> argparse.Namespace:
        parser = argparse.ArgumentParser()
        load(row).add_options(parser)
        return argparse.Namespace(**{**vars(parser.parse_args([])), **vars(self._options)})

    def _begin(self, row: registry.Row) -> None:
        self._problems.pop(row.name, None)
        self._tasks[row.name] = asyncio.create_task(self._run(row), name=row.name)

    async def _run(self, row: registry.Row) -> None:
        environment = settings.with_tokens(self._environment)
        try:
            platform, options = load(row), self._options_of(row)
            joined = await platform.open(
                self._house, options, environment, on_limited=lambda seconds: None
            )
            try:
                await joined.run()
            finally:
                await joined.close()
        except Exception as problem:  # the studio goes on, and says why the platform does not
            self._problems[row.name] = redact(_sentence(problem), known(environment))
            log.error("%s ended: %s", row.name, self._problems[row.name])

    async def _end(self, name: str) -> None:
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def _sentence(problem: Exception) -> str:
    """What may be shown of a problem: its own sentence, where it has one for users."""
    if getattr(problem, "for_user", False):
        return str(problem)
    return f"it failed ({type(problem).__name__})"
