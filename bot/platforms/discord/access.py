"""Who may do what on Discord: moderators, and what the bot itself lacks in a channel."""

from __future__ import annotations

from typing import Any

import discord

from bot.platforms.discord.answers import is_member
from bot.platforms.discord.errors import FAILED
from characters.card import Language, Words

# What the bot needs to speak in a channel, with Discord's names of the permissions.
SPEAKING = {
    "view_channel": "View Channel",
    "send_messages": "Send Messages",
    "send_messages_in_threads": "Send Messages in Threads",
}

CANNOT_WRITE = Words(
    "我在 #{channel} 说不了话：那里没有给我“{missing}”权限。请管理员在频道设置里打开。",
    "I cannot write in #{channel}: I lack the permission “{missing}” there. A moderator can grant "
    "it in the channel's settings.",
)
REFUSED = Words(
    "我在 #{channel} 说不了话：Discord 不让。",
    "I cannot write in #{channel}: Discord does not let me.",
)


def may_moderate(permissions: discord.Permissions) -> bool:
    """Whether these permissions of a member make a moderator."""
    return permissions.administrator or permissions.manage_guild or permissions.manage_messages


async def author_moderates(message: discord.Message) -> bool:
    """Whether the author of a message may do there what cannot be undone.

    In a direct message always; in a guild whoever owns it or moderates the channel. Whoever
    brought the bot in has Manage Server: Discord asks for it.
    """
    guild, channel, author = message.guild, message.channel, message.author
    if guild is None:
        return True
    if author.id == guild.owner_id:
        return True
    if not isinstance(author, discord.Member):  # a message of a channel's history has no member
        try:
            author = await guild.fetch_member(author.id)
        except FAILED:
            return False
    try:
        return may_moderate(channel.permissions_for(author))
    except discord.ClientException:  # a thread whose parent the bot does not see
        return may_moderate(author.guild_permissions)


def user_moderates(interaction: discord.Interaction[Any]) -> bool:
    """The same for whoever used a command: Discord sends their permissions along.

    A user install makes a room of one person's own.
    """
    if interaction.guild_id is None or not is_member(interaction):
        return True
    guild = interaction.guild
    owner = guild is not None and guild.owner_id == interaction.user.id
    return owner or may_moderate(interaction.permissions)


def why_silent(channel: Any, language: Language) -> str:
    """One sentence: what the bot lacks in a channel where a message of it was refused."""
    name = getattr(channel, "name", None) or "?"
    guild = getattr(channel, "guild", None)
    lacks = []
    if guild is not None and guild.me is not None:
        try:
            has = channel.permissions_for(guild.me)
        except discord.ClientException:
            has = guild.me.guild_permissions
        thread = isinstance(channel, discord.Thread)
        other = "send_messages" if thread else "send_messages_in_threads"
        lacks = [named for key, named in SPEAKING.items() if key != other and not getattr(has, key)]
    if not lacks:
        return REFUSED[language].format(channel=name)
    return CANNOT_WRITE[language].format(channel=name, missing=", ".join(lacks))
