"""The bot on Telegram: its updates become messages, orders and votes for rooms.

    client = TelegramClient(house, Accounts(director, {"wukong": bot}))
    await client.start()
    await client.poll()          # until stopped; or hand updates to `client.take(update, account)`

A room is a private chat, a group, or a topic of a forum. One account, the director, hears groups
and speaks for everybody; characters may have accounts of their own, heard in private only.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from telegram import Bot, ChatMemberUpdated, Message, MessageReactionUpdated, Update
from telegram.error import TelegramError

from bot.house import House
from bot.memory import MemoryProblem
from bot.memory.workers import BEAT
from bot.platforms.telegram.accounts import Accounts
from bot.platforms.telegram.buttons import Buttons
from bot.platforms.telegram.limits import Clock, RealClock
from bot.platforms.telegram.menus import set_menus
from bot.platforms.telegram.messages import Messages
from bot.platforms.telegram.moderators import INSIDE, Moderators
from bot.platforms.telegram.places import Place
from bot.platforms.telegram.rooms import Rooms
from bot.platforms.telegram.senders import reactor
from bot.platforms.telegram.updates import Poller

log = logging.getLogger(__name__)

# What the director asks for. "chat_member" comes only where the bot is an administrator.
HEARD = [
    "message",
    "edited_message",
    "callback_query",
    "message_reaction",
    "my_chat_member",
    "chat_member",
]
HEARD_IN_PRIVATE = ["message", "edited_message", "callback_query"]

THUMBS = {"👍": 1, "👎": -1}

# Seconds for which a message waits for the one before it in its chat to be stored.
_IN_ORDER = 5.0
# Seconds between two looks whether the process that asks for updates still does.
STANDING_BY = 1.0
# Seconds for telling Telegram at the end what was stored; what it does not hear comes again.
_GOODBYE = 2.0


class TelegramClient:
    """All rooms of one process on Telegram. `accounts` are its bots."""

    def __init__(self, house: House, accounts: Accounts, *, clock: Clock | None = None) -> None:
        self.house = house
        self.accounts = accounts
        self._clock = clock or RealClock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._watching: asyncio.Task[None] | None = None  # for processes that are gone
        self._names: dict[int, str] = {}  # an account's id -> its username
        self._newest: dict[int, asyncio.Future[bool]] = {}  # chat -> whether its newest is stored
        self._moderators = Moderators(house.memory, self._clock)
        self._rooms = Rooms(house, accounts, self._later)
        self._buttons = Buttons(self._rooms, self._moderators, accounts)
        self._messages = Messages(
            self._rooms, self._moderators, self._names, self._clock, self._later
        )

    async def start(self) -> None:
        """Say hello to the server, set the menus, and take up what was left unfinished.

        Raises:
            InvalidToken: a token is not one.
            TelegramError: the server cannot be reached.
        """
        for bot in self.accounts:
            await bot.initialize()
            me = await bot.get_me()
            self._names[bot.id] = me.username or ""
            if bot is self.accounts.director:
                if not me.can_read_all_group_messages:
                    log.info(
                        "Telegram: privacy mode is on; in groups only commands, replies and "
                        "mentions are heard"
                    )
                await set_menus(bot)
        # Before anything is done: who is there already, and goes on asking for updates.
        await self.house.shared.workers.beat(self.group)
        await self._take_up()
        self._watching = asyncio.create_task(self.house.watch(self.group, self._take_up))

    @property
    def group(self) -> str:
        """What the processes that serve this bot have in common (see `bot.memory.workers`): its id,
        which a token begins with, also one that Telegram has not taken."""
        return f"telegram/{self.accounts.director.token.partition(':')[0]}"

    async def _take_up(self) -> None:
        """Take up what an earlier process, or one that is gone, left unfinished."""
        for name in await self._rooms.unfinished():
            self._later(self._rooms.resume(name), "taking up a room")

    async def poll(self) -> None:
        """Ask for updates until cancelled. One process of a bot does at a time; the others stand
        by, and the next one goes on when it ends.

        Raises:
            InvalidToken: Telegram does not take a token any more.
        """
        workers = self.house.shared.workers
        while True:
            standing_by = False
            while not await self._asks_alone():
                if not standing_by:
                    log.info("Telegram: another process asks for the updates; this one stands by")
                standing_by = True
                await asyncio.sleep(STANDING_BY)
            asking = asyncio.create_task(self._ask())
            try:
                while not asking.done() and await self._asks_alone():
                    await asyncio.wait({asking}, timeout=BEAT)
                if asking.done():
                    asking.result()
            finally:
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
                with contextlib.suppress(MemoryProblem, TimeoutError):
                    async with asyncio.timeout(_GOODBYE):
                        await workers.give_back(self.group)

    async def _asks_alone(self) -> bool:
        """Whether this process is the one that asks for updates."""
        return await self.house.shared.workers.take(self.group)

    async def _ask(self) -> None:
        pollers = [
            Poller(bot, self._kinds(bot), self._taker(bot), self._clock) for bot in self.accounts
        ]
        try:
            async with asyncio.TaskGroup() as asking:
                for poller in pollers:
                    asking.create_task(poller.run())
        except* TelegramError as problems:
            raise problems.exceptions[0] from None
        finally:
            await self._confirm(pollers)

    async def close(self) -> None:
        """Let what is being said end, and go."""
        ending = [*self._tasks, *filter(None, [self._watching])]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        await self.house.leave_group(self.group)
        for bot in self.accounts:
            await bot.shutdown()

    async def settled(self) -> None:
        """Wait until all that was taken is dealt with."""
        while self._tasks:
            await asyncio.gather(*list(self._tasks), return_exceptions=True)

    def take(self, update: Update, bot: Bot, late: bool = False) -> asyncio.Future[bool]:
        """Begin to deal with one update of an account; `late`: nobody waits for it any more.

        What is returned is true when the update may be lost, and false when it could not be stored
        and has to come again.
        """
        stored: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        before = self._in_order(update, stored)

        def keep() -> None:
            if not stored.done():
                stored.set_result(True)

        async def work() -> None:
            try:
                if before:
                    await asyncio.wait({before}, timeout=_IN_ORDER)
                await self._deal(update, bot, late, keep)
            except (MemoryProblem, asyncio.CancelledError):
                if not stored.done():
                    stored.set_result(False)
                raise
            finally:
                keep()

        self._later(work(), "an update")
        return stored

    # -- updates ---------------------------------------------------------------------------------

    def _kinds(self, bot: Bot) -> list[str]:
        return HEARD if bot is self.accounts.director else HEARD_IN_PRIVATE

    def _taker(self, bot: Bot) -> Callable[[Update, bool], asyncio.Future[bool]]:
        return lambda update, late: self.take(update, bot, late)

    def _in_order(
        self, update: Update, stored: asyncio.Future[bool]
    ) -> asyncio.Future[bool] | None:
        """What a message has to wait for: the one before it in its chat."""
        message = update.message or update.edited_message
        if message is None:
            return None
        chat = message.chat.id
        before, self._newest[chat] = self._newest.get(chat), stored

        def forget(_: object) -> None:
            if self._newest.get(chat) is stored:
                del self._newest[chat]

        stored.add_done_callback(forget)
        return before

    async def _deal(
        self, update: Update, bot: Bot, late: bool, stored: Callable[[], object]
    ) -> None:
        director = bot is self.accounts.director
        if update.message is not None:
            await self._message(update.message, bot, late, stored)
        elif update.edited_message is not None:
            place = self._place(update.edited_message, bot)
            if place is not None:
                await self._messages.edit(update.edited_message, place)
        elif update.callback_query is not None:
            await self._buttons.press(update.callback_query, late, stored)
        elif update.message_reaction is not None and director:
            await self._reacted(update.message_reaction)
        elif update.my_chat_member is not None and director:
            await self._member_of(update.my_chat_member, bot, stored)
        elif update.chat_member is not None and director:
            self._moderators.changed(update.chat_member)

    async def _message(
        self, message: Message, bot: Bot, late: bool, stored: Callable[[], object]
    ) -> None:
        place = self._place(message, bot)
        if place is None:
            return
        if message.migrate_to_chat_id:
            await self._rooms.move(message.chat.id, message.migrate_to_chat_id)
        else:
            await self._messages.hear(message, place, late, stored)

    def _place(self, message: Message, bot: Bot) -> Place | None:
        """Where a message stands; None where this account does not listen."""
        private = message.chat.id > 0
        if not private and bot is not self.accounts.director:
            return None
        return Place.of(message, self.accounts.owner(bot) if private else "")

    async def _reacted(self, event: MessageReactionUpdated) -> None:
        sender = reactor(event)
        if sender is None:
            return

        def value(reactions: Any) -> int:
            return sum(THUMBS.get(getattr(r, "emoji", ""), 0) for r in reactions)

        before, after = value(event.old_reaction), value(event.new_reaction)
        if before != after:
            await self._rooms.rate(event.chat.id, event.message_id, sender, after)

    async def _member_of(
        self, change: ChatMemberUpdated, bot: Bot, stored: Callable[[], object]
    ) -> None:
        """The bot was added to a chat, or removed, or has other rights there."""
        if change.chat.id > 0:  # somebody stopped or began the private chat; it stays theirs
            return
        self._moderators.changed(change)
        was = change.old_chat_member.status in INSIDE
        if change.new_chat_member.status not in INSIDE:
            await self._rooms.erase_chat(change.chat.id)
        elif not was:
            await self._moderators.bot_added(change)
            stored()
            place = Place(change.chat.id)
            await self._messages.welcome(change.chat, place, bot, change.from_user)

    # -- tasks -----------------------------------------------------------------------------------

    def _later(self, work: Coroutine[Any, Any, None], what: str) -> asyncio.Task[None]:
        async def guarded() -> None:
            try:
                await work
            except MemoryProblem as problem:
                log.error("%s: %s", what, problem)
            except Exception:  # one update must not end the process
                log.exception("%s failed", what)

        task = asyncio.create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _confirm(self, pollers: list[Poller]) -> None:
        try:
            async with asyncio.timeout(_GOODBYE):
                await asyncio.gather(*(poller.confirm() for poller in pollers))
        except (TimeoutError, TelegramError) as problem:
            log.info("Telegram: what was stored last may come again: %s", problem)
