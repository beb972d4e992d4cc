"""What a Discord message says, as plain words: mentions, times, commands and emoji by name.

    content = content_of(message, me)
    content.text, content.forwarded, addresses(message, me)

Discord's markup (`<@1>`, `<@&2>`, `<#3>`, `<t:4:R>`, `</name:5>`, `<:name:6>`) never reaches a
prompt, and is never read as an order.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import discord

# The prefixes of other bots' commands: `!play`, `?help`, `$stats`, `p!catch`. Not `/`, which is
# ours as text too, nor what people begin a line with in play: `*waves*`, `-`, `~`, `>`, `…`.
_PREFIXED = re.compile(r"(?:[!?$%&=+;.]|[!?;]{2}|[A-Za-z]{1,2}[!?$])[A-Za-z][\w-]*(?:\s|$)")

_MARKUP = re.compile(
    r"<@!?(?P<user>\d+)>"
    r"|<@&(?P<role>\d+)>"
    r"|<#(?P<channel>\d+)>"
    r"|<id:(?P<page>[\w-]+)(?::\d+)?>"
    r"|<t:(?P<time>-?\d+)(?::(?P<style>[A-Za-z]))?>"
    r"|<a?:(?P<emoji>\w+):\d+>"
    r"|</(?P<command>[^:>\n]{1,100}):\d+>"
    r"|<sound:\d+:\d+>"
    r"|<(?P<link>https?://[^\s<>]+)>"
)
UNKNOWN = "?"  # a mention of somebody or something whose name is not known here


@dataclass(frozen=True, slots=True)
class Content:
    """A message's words. `forwarded`: somebody else's, passed on by the author."""

    text: str
    forwarded: bool = False


def addresses(message: discord.Message, me: discord.ClientUser | None) -> bool:
    """Whether a message mentions the bot: as a user, or by the role that Discord made for it."""
    if me is None:
        return False
    if any(user.id == me.id for user in message.mentions):
        return True
    role = _own_role(message.guild)
    return role is not None and role in {
        *(mentioned.id for mentioned in message.role_mentions),
        *message.raw_role_mentions,
    }


def content_of(message: discord.Message, me: discord.ClientUser | None) -> Content:
    """The words of a message, without a mention of the bot at the start; of what is forwarded,
    where it is a forward."""
    names = {user.id: user.display_name for user in message.mentions}
    if message.message_snapshots:
        texts = (snapshot.content for snapshot in message.message_snapshots)
        whole = "\n".join(_words(text, message.guild, names).strip() for text in texts)
        return Content(whole.strip(), forwarded=True)
    text, ours = message.content, [rf"<@!?{me.id if me else 0}>"]
    if role := _own_role(message.guild):
        ours.append(rf"<@&{role}>")
    text = re.sub(rf"^(?:\s*(?:{'|'.join(ours)})[\s,，:：]*)+", "", text).strip()
    words = _words(text, message.guild, names).strip()
    if text.startswith("</") and words.startswith("/"):
        # Talk about a command, and not the command.
        name, space, rest = words.partition(" ")
        words = f"“{name}”{space}{rest}"
    return Content(words)


def for_another_bot(message: discord.Message, text: str) -> bool:
    """Whether a message that does not mention us is a command for another bot."""
    if _PREFIXED.match(text):
        return True
    first = re.match(r"\s*<@!?(\d+)>", message.content)
    bots = {user.id for user in message.mentions if user.bot}
    return first is not None and int(first[1]) in bots


def _words(text: str, guild: discord.Guild | None, names: Mapping[int, str]) -> str:
    def word(match: re.Match[str]) -> str:
        found = match.groupdict()
        if found["user"]:
            return f"@{names.get(int(found['user']), UNKNOWN)}"
        if found["role"]:
            role = guild.get_role(int(found["role"])) if guild else None
            return f"@{role.name if role else UNKNOWN}"
        if found["channel"]:
            channel: Any = guild.get_channel_or_thread(int(found["channel"])) if guild else None
            return f"#{channel.name if channel else UNKNOWN}"
        if found["page"]:
            return f"#{found['page']}"
        if found["time"]:
            return _time(int(found["time"]), found["style"] or "f")
        if found["emoji"]:
            return f":{found['emoji']}:"
        if found["command"]:
            return f"/{found['command']}"
        return found["link"] or ""

    return _MARKUP.sub(word, text)


def _time(seconds: int, style: str) -> str:
    """A time stamp in UTC: Discord shows it in each reader's own zone, which nobody tells us."""
    try:
        at = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    except (OverflowError, ValueError, OSError):
        return UNKNOWN
    if style in ("d", "D"):
        return f"{at:%Y-%m-%d}"
    if style in ("t", "T"):
        return f"{at:%H:%M} UTC"
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _own_role(guild: discord.Guild | None) -> int | None:
    """The managed role that Discord made for the bot in a guild."""
    role = guild.self_role if guild else None
    return role.id if role else None
