"""Who may do what cannot be undone in a chat: its administrators, and whoever brought the bot in.

Telegram is asked for a chat's administrators once in ten minutes, and again when it reports a
change. Where it does not answer, nobody is one for half a minute. Who brought the bot in is told by
an update and kept in the memory, where it is forgotten with the person.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass

from telegram import Bot, ChatMemberUpdated
from telegram.error import TelegramError

from bot.memory import Memory, places
from bot.platforms.telegram.limits import Clock
from bot.platforms.telegram.senders import PLATFORM, Sender, of_user

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

    def __init__(self, memory: Memory, clock: Clock) -> None:
        self._memory = memory
        self._clock = clock
        self._known: OrderedDict[int, _Known] = OrderedDict()
        self._asking: dict[int, asyncio.Task[_Known]] = {}

    async def may(self, bot: Bot, chat: int, sender: Sender) -> bool:
        """Whether somebody is a moderator there. In private everybody is.

        Raises:
            MemoryProblem: Redis stays away, or refuses for good.
        """
        if chat > 0 or sender.administrator:
            return True
        if not sender.personal:
            return False
        known = self._known.get(chat)
        if known is None or known.until < self._clock.now():
            known = await self._ask(bot, chat)
        if sender.number in known.ids:
            return True
        return await places.has_brought(self._memory, sender.person, _place(chat))

    def changed(self, change: ChatMemberUpdated) -> None:
        """Somebody's rights in a chat changed: they are asked for anew."""
        self._known.pop(change.chat.id, None)
        asking = self._asking.pop(change.chat.id, None)
        if asking:
            asking.cancel()  # its answer may be of before

    async def bot_added(self, change: ChatMemberUpdated) -> None:
        """Somebody brought the bot into a chat.

        Raises:
            MemoryProblem: Redis stays away, or refuses for good.
        """
        if not change.from_user.is_bot:
            person = of_user(change.from_user).person
            await places.bring(self._memory, person, _place(change.chat.id))

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


def _place(chat: int) -> str:
    return f"{PLATFORM}:{chat}"
