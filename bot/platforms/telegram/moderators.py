"""Who may do what cannot be undone in a chat: its administrators, and whoever brought the bot in.

Telegram is asked for a chat's administrators once in ten minutes, and again when it reports a
change. Where it does not answer, nobody is one for half a minute.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass

from telegram import Bot, ChatMemberUpdated
from telegram.error import TelegramError

from bot.platforms.telegram.limits import Clock
from bot.platforms.telegram.senders import Sender

log = logging.getLogger(__name__)

KEPT = 600.0  # seconds that an answer counts
KEPT_AFTER_FAILURE = 30.0
MOST_CHATS = 10_000

INSIDE = ("member", "administrator", "creator", "restricted")


@dataclass(frozen=True, slots=True)
class _Known:
    ids: frozenset[int]
    until: float


class Moderators:
    """The moderators of many chats. `clock` counts seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: OrderedDict[int, _Known] = OrderedDict()
        self._asking: dict[int, asyncio.Task[_Known]] = {}
        self._brought: OrderedDict[int, int] = OrderedDict()  # chat -> who added the bot

    async def may(self, bot: Bot, chat: int, sender: Sender) -> bool:
        """Whether somebody is a moderator there. In private everybody is."""
        if chat > 0 or sender.administrator:
            return True
        if not sender.personal:
            return False
        if self._brought.get(chat) == sender.number:
            return True
        known = self._known.get(chat)
        if known is None or known.until < self._clock.now():
            known = await self._ask(bot, chat)
        return sender.number in known.ids

    def changed(self, change: ChatMemberUpdated, bot: Bot) -> None:
        """Somebody's rights changed, or the bot was added or removed."""
        self._known.pop(change.chat.id, None)
        asking = self._asking.pop(change.chat.id, None)
        if asking:
            asking.cancel()  # its answer may be of before
        if change.new_chat_member.user.id != bot.id:
            return
        before, after = change.old_chat_member.status, change.new_chat_member.status
        if after not in INSIDE:
            self._brought.pop(change.chat.id, None)
        elif before not in INSIDE and not change.from_user.is_bot:
            self._brought[change.chat.id] = change.from_user.id
            while len(self._brought) > MOST_CHATS:
                self._brought.popitem(last=False)

    async def _ask(self, bot: Bot, chat: int) -> _Known:
        # Everybody who waits for the same chat waits for the same answer.
        task = self._asking.get(chat)
        if task is None:
            task = self._asking[chat] = asyncio.create_task(self._administrators(bot, chat))
        try:
            known = await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.cancelled():
                raise  # we are, not the question
            return await self._ask(bot, chat)
        finally:
            if self._asking.get(chat) is task and task.done():
                del self._asking[chat]
        return known

    async def _administrators(self, bot: Bot, chat: int) -> _Known:
        try:
            members = await bot.get_chat_administrators(chat)
        except TelegramError as problem:
            log.warning("Telegram: a chat's administrators cannot be asked for: %s", problem)
            known = _Known(frozenset(), self._clock.now() + KEPT_AFTER_FAILURE)
        else:
            ids = frozenset(member.user.id for member in members)
            known = _Known(ids, self._clock.now() + KEPT)
        self._known[chat] = known
        self._known.move_to_end(chat)
        while len(self._known) > MOST_CHATS:
            self._known.popitem(last=False)
        return known
