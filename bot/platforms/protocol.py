"""What `mrp serve`, `mrp doctor` and `mrp NAME` ask of a chat platform.

platform = load(row)
platform.add_options(parser)
tokens = platform.tokens(os.environ)
connection = await platform.open(house, options, os.environ, on_limited=count)
await connection.run()
await connection.close()
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable, Mapping
from typing import Protocol, cast

from bot.doctor.finding import Checkup
from bot.doctor.probe import Probe
from bot.house import House
from bot.platforms.registry import Row


class PlatformProblem(RuntimeError):
    """A platform cannot begin or go on; the message is one sentence that says what to do."""

    for_user = True


class Restart(Exception):
    """Whoever hosts asked, on a platform, that the whole process begins anew. `model` is the
    default that it served with, "" for the shipped one."""

    def __init__(self, model: str = "") -> None:
        super().__init__(model)
        self.model = model


class Connection(Protocol):
    """A bot that is ready to be connected to its platform."""

    async def run(self) -> None:
        """Hear and answer until cancelled.

        Raises:
            PlatformProblem: it cannot go on.
            Restart: the process is to begin anew.
        """
        ...

    async def close(self) -> None:
        """Keep what is being said as far as it was said, and disconnect."""
        ...


class Platform(Protocol):
    """A chat platform. What it calls its label, its variable and its token is in its row."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add the options that only this platform has."""
        ...

    def tokens(self, environment: Mapping[str, str]) -> Mapping[str, str]:
        """The tokens of its accounts, by name; the main account's name is "".

        Raises:
            PlatformProblem, bot.secrets.SecretProblem: there is none, or one is unreadable.
        """
        ...

    async def open(
        self,
        house: House,
        options: argparse.Namespace,
        environment: Mapping[str, str],
        *,
        on_limited: Callable[[float], None],
    ) -> Connection:
        """A bot for these tokens. `on_limited` is called with the seconds of each "too fast".

        Raises:
            PlatformProblem: the platform refuses, or cannot be reached.
        """
        ...

    async def check(
        self, probe: Probe, options: argparse.Namespace, environment: Mapping[str, str]
    ) -> Checkup:
        """What `mrp doctor` says about it. Called only when `tokens` raises nothing.

        Raises nothing: what is wrong is a finding.
        """
        ...


def load(row: Row) -> Platform:
    """Import a row's module, and with it its chat library."""
    return cast(Platform, importlib.import_module(row.module).PLATFORM)
