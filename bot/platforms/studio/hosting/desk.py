"""What the host's pages act on: settings, jobs, chat platforms, and the process itself."""

from __future__ import annotations

import argparse
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot import settings
from bot.house import House, add_options
from bot.jobs import Jobs
from bot.memory.embedded import data_folder
from bot.platforms.studio.hosting.chats import Chats
from bot.platforms.studio.hosting.models import SHIPPED_NAME
from hub.choice import default_model

# Variable -> the option that says the same.
_OPTIONS = {
    "MRP_MODEL": "model",
    "MRP_ENGINE": "engine",
    "MRP_LIMITS": "limits",
    "MRP_FILTER": "filter",
    "MRP_RIGHTS": "rights",
}


@dataclass(slots=True)
class Desk:
    """`given` are the settings that options or the environment settle, by variable: they cannot be
    changed on the pages. `serving` is the model that was chosen when the process began, `boot` what
    tells this process from the next one. `restart` begins the process anew; None where nobody can.
    """

    options: argparse.Namespace
    given: Mapping[str, str]
    jobs: Jobs
    chats: Chats
    serving: str = ""
    boot: str = field(default_factory=lambda: secrets.token_hex(8))
    restart: Callable[[], None] | None = None

    @classmethod
    def of(cls, house: House, options: argparse.Namespace, environment: Mapping[str, str]) -> Desk:
        """The desk of a process that was started with these options."""
        parser = argparse.ArgumentParser()
        add_options(parser)
        options = argparse.Namespace(**{**vars(parser.parse_args([])), **vars(options)})
        given = {}
        for variable, option in _OPTIONS.items():
            value = getattr(options, option, None) or environment.get(variable)
            if value:
                given[variable] = str(value)
        folder = data_folder()
        return cls(
            options,
            given,
            Jobs(folder / "jobs", folder / "workshop"),
            Chats(house, options, environment),
            serving=default_model(environment) or SHIPPED_NAME,
        )

    @property
    def workshop(self) -> Path:
        """The folder in which jobs run."""
        return self.jobs.workshop

    def is_first(self) -> bool:
        """Whether nothing was configured yet: no model, no token, and nobody went through the first
        steps."""
        chosen = {"MRP_MODEL", "MRP_ENGINE"} & self.given.keys() or default_model(os.environ)
        return not (
            chosen or any(chat.source for chat in self.chats.all()) or settings.kept(settings.SEEN)
        )


def at_home(folder: Path) -> str:
    """A folder as people write it: `~` for the home."""
    home = Path.home()
    return f"~/{folder.relative_to(home)}" if folder.is_relative_to(home) else str(folder)
