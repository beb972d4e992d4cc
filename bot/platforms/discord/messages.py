"""Messages and reactions on Discord become messages and votes for rooms.

In a guild the bot hears channels where characters are on stage, and whoever mentions it anywhere.
Other bots and webhooks are never heard.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections import deque
from typing import Any

import discord

from bot.commands import read
from bot.memory import MemoryProblem
from bot.platforms.discord.panels import Panels
from bot.platforms.discord.rooms import PLATFORM, ChannelRooms, send
from bot.platforms.discord.tasks import Tasks
from bot.platforms.discord.text import escape
from bot.stage import Message
from characters.card import Words

_log = logging.getLogger(__name__)

HELLO = Words(
    "在。用 /召唤 请角色上场，再对他们说话；/帮助 列出全部命令。",
    "Here. Bring characters on stage with /summon, then talk to them; /help lists all commands.",
)

# A thumb, whatever the colour of its skin.
THUMBS = {"👍": 1, "👎": -1}

_TALK = (discord.MessageType.default, discord.MessageType.reply)


class Messages:
    """What people write, in the order they wrote it in each channel."""

    def __init__(
        self, client: discord.Client, rooms: ChannelRooms, panels: Panels, tasks: Tasks
    ) -> None:
        self._client = client
        self._rooms = rooms
        self._panels = panels
        self._tasks = tasks
        self.newest: dict[int, int] = {}  # channel -> its newest message that was received
        self._recent: deque[int] = deque(maxlen=2000)  # messages that were passed on
        self._in_order: dict[int, asyncio.Lock] = {}

    async def received(self, message: discord.Message) -> None:
        """A new message, from the gateway or from a channel's history."""
        if message.author.bot or message.webhook_id or message.type not in _TALK:
            return
        channel: Any = message.channel
        self.newest[channel.id] = max(message.id, self.newest.get(channel.id, 0))
        async with self._in_order.setdefault(channel.id, asyncio.Lock()):
            await self._take(message, channel)

    async def voted(self, event: discord.RawReactionActionEvent, *, added: bool) -> None:
        """A reaction was added or removed: a thumb on a character's line is feedback."""
        value = THUMBS.get((event.emoji.name or "")[:1])
        me = self._client.user
        if value is None or (me and event.user_id == me.id):
            return
        if event.member is not None and event.member.bot:
            return
        channel: Any = self._client.get_channel(event.channel_id)
        if channel is None or self._rooms.is_quiet(event.channel_id):
            return
        try:
            if not self._rooms.is_open(channel.id) and not await self._rooms.plays(channel):
                return
            room = await self._rooms.of_channel(channel)
            person = f"{PLATFORM}:{event.user_id}"
            await room.room.rate(person, str(event.message_id), value if added else 0)
        except MemoryProblem as problem:
            _log.error("a vote was not counted: %s", problem)

    def text(self, message: discord.Message) -> str:
        """What was written, with names in place of mentions, and without ours at the start."""
        me = self._client.user.id if self._client.user else 0
        text = re.sub(rf"^\s*<@!?{me}>[\s,，:：]*", "", message.content)
        names = {user.id: user.display_name for user in message.mentions}
        text = re.sub(r"<@!?(\d+)>", lambda m: f"@{names.get(int(m[1]), '?')}", text)
        text = re.sub(r"<a?(:\w+:)\d+>", r"\1", text)
        return text.strip()

    async def _take(self, message: discord.Message, channel: Any) -> None:
        if message.id in self._recent:
            return
        private = isinstance(channel, discord.DMChannel)
        called = private or self._client.user in message.mentions
        text = self.text(message)
        order = read(text)
        if not text:
            if called and not private:
                hello = escape(HELLO["zh"] + "\n" + HELLO["en"])
                await send(channel, hello, secrets.token_hex(12))
            return
        if not called and order is not None and not order.id:
            return  # a command of another bot
        if not called and not await self._rooms.plays(channel):
            return
        self._recent.append(message.id)
        self._tasks.spawn(self._hear(message, text), f"message {message.id}")

    async def _hear(self, message: discord.Message, text: str) -> None:
        room = await self._rooms.of_channel(message.channel)
        reply = message.reference.message_id if message.reference else None
        heard = Message(
            person=f"{PLATFORM}:{message.author.id}",
            name=message.author.display_name,
            text=text,
            id=str(message.id),
            reply_to=str(reply or ""),
        )
        try:
            await room.room.hear(heard)
        except MemoryProblem as problem:
            await room.stage.notice(str(problem))
        if read(text) is not None:
            self._rooms.order_given(room)
        self._panels.update(room)
