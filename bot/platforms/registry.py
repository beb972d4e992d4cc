"""The list of chat platforms: one row each, in the order in which `mrp` shows them.

A new platform is a folder (or a file) here and a row below. `mrp`, `mrp serve`, `mrp doctor`, the
metrics and the redaction of logs read this list and name no platform themselves. A row is data:
reading it imports no chat library. `bot.platforms.protocol.load` imports a row's module.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One platform. `name` is its verb, its metrics label, and the first part of people's ids.

    `module` has `main(argv) -> int`, and `PLATFORM` (see `bot.platforms.protocol.Platform`) where
    the platform has tokens. `variable` names the environment variable of its token; further
    accounts are variable_NAME, and …_FILE names a file instead. A platform that needs no token is
    switched on by the environment variable `setting` instead. `token` is a regular expression of
    what its tokens look like, for the redaction of logs. `limits_logged_by` names the logger of a
    library that waits by itself when the platform answers 429, and only logs it.
    """

    name: str
    does: str
    module: str
    variable: str = ""
    token: str = ""
    limits_logged_by: str = ""
    setting: str = ""

    def wanted(self, environment: Mapping[str, str]) -> bool:
        """Whether the environment names a token for it, or switches it on."""
        if self.setting:
            return bool(environment.get(self.setting, "").strip())
        if not self.variable:
            return False
        names = re.compile(rf"{re.escape(self.variable)}(_\w+)?")
        return any(names.fullmatch(key) and value.strip() for key, value in environment.items())


PLATFORMS: tuple[Row, ...] = (
    Row(
        "terminal",
        "a room in the terminal; also reads lines from a pipe",
        "bot.platforms.terminal",
    ),
    Row(
        "discord",
        "the characters in a Discord server",
        "bot.platforms.discord.cli",
        variable="DISCORD_TOKEN",
        # The token itself, and a webhook's address, which holds one.
        token=r"\b[A-Za-z0-9_-]{23,28}\.[A-Za-z0-9_-]{6,7}\.[A-Za-z0-9_-]{27,}"
        r"|(?<=/webhooks/)\d+/[A-Za-z0-9_-]{40,}",
        limits_logged_by="discord",
    ),
    Row(
        "telegram",
        "the characters in your Telegram chats",
        "bot.platforms.telegram.cli",
        variable="TELEGRAM_TOKEN",
        token=r"(?<!\d)\d{6,}:[A-Za-z0-9_-]{30,}",
    ),
    Row(
        "studio",
        "the same rooms in your browser, for members and for you",
        "bot.platforms.studio.cli",
        setting="MRP_STUDIO",
    ),
)


def served() -> tuple[Row, ...]:
    """The platforms that `mrp serve` can run: those that have tokens, or are switched on."""
    return tuple(row for row in PLATFORMS if row.variable or row.setting)


def with_tokens() -> tuple[Row, ...]:
    """The platforms that need a token."""
    return tuple(row for row in PLATFORMS if row.variable)
