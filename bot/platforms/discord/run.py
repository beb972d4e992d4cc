"""Starting on Discord: options, token, the application's intents, and the connection."""

from __future__ import annotations

import argparse
import logging
import os
import re
from collections.abc import Mapping

import aiohttp
import discord
import discord.http

from bot.house import House
from bot.platforms.discord.client import DiscordClient
from bot.platforms.discord.faces import FOLDER, Faces
from bot.platforms.protocol import PlatformProblem
from bot.secrets import secret

_log = logging.getLogger(__name__)

PORTAL = "https://discord.com/developers/applications"

# The permissions that the invitation link asks for; docs/discord.md says what each is for.
PERMISSIONS = discord.Permissions(
    view_channel=True, send_messages=True, send_messages_in_threads=True, manage_webhooks=True,
    read_message_history=True, embed_links=True, attach_files=True, add_reactions=True,
    use_external_emojis=True,
)  # fmt: skip


class DiscordProblem(PlatformProblem):
    """The bot cannot run on Discord; the message says why and what to do."""


def add_discord_options(found: argparse.ArgumentParser) -> None:
    """Add the options that only this platform has."""
    found.add_argument(
        "--faces",
        metavar="URL",
        default=os.environ.get("MRP_FACES_URL", ""),
        help="where the characters' pictures are served, as URL/wukong.png (default: "
        "MRP_FACES_URL; without it they are uploaded once as emojis of the application)",
    )
    found.add_argument(
        "--webhooks",
        type=int,
        choices=range(1, 5),
        default=3,
        help="webhooks a channel through which characters speak in turn (default: 3)",
    )
    found.add_argument(
        "--shards",
        metavar="A-B/N",
        type=shards,
        default=os.environ.get("DISCORD_SHARDS") or None,
        help="the shards that this process holds, e.g. 0-3/8 (default: DISCORD_SHARDS, or all)",
    )


def shards(text: str) -> tuple[tuple[int, ...], int]:
    """Parse shard ids and the shard count: `0-3/8` is ((0, 1, 2, 3), 8); `2/4` is ((2,), 4).

    Raises:
        argparse.ArgumentTypeError: it is not of that form.
    """
    match = re.fullmatch(r"\s*(\d+)(?:-(\d+))?/(\d+)\s*", text)
    if match:
        first, last, count = int(match[1]), int(match[2] or match[1]), int(match[3])
        if first <= last < count:
            return tuple(range(first, last + 1)), count
    raise argparse.ArgumentTypeError(
        f"{text!r} names no shards: write 0-3/8 for shards 0 to 3 of 8, or 2/4 for shard 2 of 4"
    )


def token_from(environment: Mapping[str, str]) -> str:
    """The bot's token, from DISCORD_TOKEN or the file in DISCORD_TOKEN_FILE.

    Raises:
        DiscordProblem: there is none, or its characters are not those of a token.
        SecretProblem: the file cannot be read.
    """
    token = (secret(environment, "DISCORD_TOKEN") or "").removeprefix("Bot ").strip()
    if not token:
        raise DiscordProblem(
            "there is no token: put it in DISCORD_TOKEN, or in a file named by DISCORD_TOKEN_FILE "
            f"(made at {PORTAL}, under Bot; see docs/discord.md)"
        )
    if not re.fullmatch(r"[\w.-]+", token, re.ASCII):
        raise DiscordProblem(
            "DISCORD_TOKEN is not a token: it holds blanks or signs that no token has. Copy it "
            f"again from {PORTAL}, under Bot"
        )
    return token


async def join(
    house: House,
    options: argparse.Namespace,
    token: str,
    environment: Mapping[str, str] = os.environ,
) -> DiscordClient:
    """A client that can be started; whether it may read message content is asked beforehand.

    Raises:
        DiscordProblem: the token is refused, or Discord cannot be reached.
    """
    if api := environment.get("DISCORD_API", "").strip().rstrip("/"):
        discord.http.Route.BASE = api
    count, ids = None, None
    if options.shards:
        ids, count = options.shards
    return DiscordClient(
        house,
        reads=await may_read(token),
        faces=Faces(house.cast, base=options.faces, folders=(options.cast / "faces", FOLDER)),
        each=options.webhooks,
        shard_count=count,
        shard_ids=ids,
    )


async def may_read(token: str) -> bool:
    """Whether the application has the Message Content intent.

    Raises:
        DiscordProblem: the token is refused, or Discord cannot be reached.
    """
    asking = discord.Client(intents=discord.Intents(guilds=True))
    try:
        await asking.login(token)
        assert asking.application is not None
        flags = asking.application.flags
        name, link = asking.application.name, invitation(asking.application.id)
    except discord.LoginFailure:
        raise DiscordProblem(
            f"Discord refuses the token: make a new one at {PORTAL}, under Bot, and put it in "
            "DISCORD_TOKEN"
        ) from None
    except (discord.HTTPException, aiohttp.ClientError, OSError) as problem:
        raise DiscordProblem(f"Discord cannot be reached: {_short(problem)}") from None
    finally:
        await asking.close()
    reads = flags.gateway_message_content or flags.gateway_message_content_limited
    _log.info("the application is %s; it is invited with %s", name, link)
    if not reads:
        _log.warning(
            "the Message Content intent is off: in servers characters answer to commands, buttons "
            "and mentions only. Turn it on at %s, under Bot, to let people just talk",
            PORTAL,
        )
    return reads


def invitation(application_id: int) -> str:
    """The OAuth2 link that adds the bot to a server."""
    return discord.utils.oauth_url(
        application_id, permissions=PERMISSIONS, scopes=("bot", "applications.commands")
    )


async def serve(client: DiscordClient, token: str) -> None:
    """Run a client until `client.close()`.

    Raises:
        DiscordProblem: Discord refuses in a way that a reconnect does not mend.
    """
    try:
        async with client:
            await client.start(token)
    except discord.LoginFailure:
        raise DiscordProblem(f"Discord refuses the token: make a new one at {PORTAL}") from None
    except discord.PrivilegedIntentsRequired:
        raise DiscordProblem(
            f"the Message Content intent was turned off meanwhile: turn it on at {PORTAL}, under "
            "Bot, or start again without it"
        ) from None
    except discord.ConnectionClosed as problem:
        raise DiscordProblem(
            f"Discord closed the connection for good (code {problem.code})"
        ) from None
    except (discord.GatewayNotFound, discord.HTTPException, aiohttp.ClientError) as problem:
        raise DiscordProblem(f"Discord cannot be reached: {_short(problem)}") from None


def _short(problem: BaseException) -> str:
    return f"{type(problem).__name__} {problem}".strip()[:200]
