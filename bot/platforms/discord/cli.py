"""`mrp discord`: the characters in a Discord server, until the process is told to end.

    DISCORD_TOKEN=… mrp discord
    DISCORD_TOKEN_FILE=/run/secrets/discord_token mrp discord
    mrp discord --shards 0-3/8        this process holds shards 0 to 3 of 8; others hold the rest

DISCORD_API names another API than https://discord.com/api/v10, for those who have a proxy.
Where the application is not allowed to read message content, it says so and goes on with commands,
buttons, mentions and direct messages.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import discord

from bot.doctor.finding import Checkup
from bot.doctor.probe import Probe
from bot.house import House
from bot.platforms.discord.check import check
from bot.platforms.discord.client import DiscordClient
from bot.platforms.discord.run import add_discord_options, join, serve, token_from
from bot.serve import alone

API = "https://discord.com/api/v10"


@dataclass(frozen=True)
class DiscordConnection:
    """A client and the token it logs in with."""

    client: DiscordClient
    token: str = field(repr=False)

    async def run(self) -> None:
        await serve(self.client, self.token)

    async def close(self) -> None:
        await self.client.close()


class Discord:
    """Discord as `bot.platforms.protocol.Platform`."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_discord_options(parser)

    def tokens(self, environment: Mapping[str, str]) -> dict[str, str]:
        return {"": token_from(environment)}

    async def open(
        self,
        house: House,
        options: argparse.Namespace,
        environment: Mapping[str, str],
        *,
        on_limited: Callable[[float], None],
    ) -> DiscordConnection:
        # discord.py waits by itself and only logs it; bot.metrics counts what it logs.
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # no voice channels
        token = token_from(environment)
        return DiscordConnection(await join(house, options, token, environment), token)

    async def check(
        self, probe: Probe, options: argparse.Namespace, environment: Mapping[str, str]
    ) -> Checkup:
        api = environment.get("DISCORD_API", API).rstrip("/")
        return await check(probe, token_from(environment), api)


PLATFORM = Discord()


def main(argv: list[str]) -> int:
    """Be on Discord until SIGINT or SIGTERM. Returns the exit status.

    Raises:
        DiscordProblem, SecretProblem, and what House.open raises: the message says why.
    """
    return alone("discord", argv)
