"""What people press on Telegram: the buttons under lines, and the choices that they open."""

from __future__ import annotations

import logging
from collections.abc import Callable

from telegram import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message
from telegram.error import BadRequest, TelegramError

from bot.commands import Order
from bot.platforms.notes import NOT_YOURS
from bot.platforms.telegram.accounts import Accounts
from bot.platforms.telegram.moderators import Moderators
from bot.platforms.telegram.notes import UNSAID, show_taken_back
from bot.platforms.telegram.places import Place
from bot.platforms.telegram.rooms import Rooms
from bot.platforms.telegram.senders import PLATFORM, presser
from bot.platforms.telegram.stage import (
    ALOUD,
    DISMISS,
    DOWN,
    NEXT,
    NOBODY_SPEAKS,
    ON,
    RETRY,
    STOP,
    STOPPED,
    UP,
)
from characters.card import Words

log = logging.getLogger(__name__)

LONGEST_ANSWER = 200  # characters

THANKS = Words("记下了。", "Noted.")
NO_LINE = Words("这句话已经不在了。", "That line is gone.")
WHO_NEXT = Words("谁接着说？", "Who speaks next?")
WHO_LEAVES = Words("谁退场？", "Who leaves the stage?")


class Buttons:
    """Carries out what buttons mean."""

    def __init__(self, rooms: Rooms, moderators: Moderators, accounts: Accounts) -> None:
        self._rooms = rooms
        self._moderators = moderators
        self._accounts = accounts

    async def press(self, query: CallbackQuery, late: bool, stored: Callable[[], object]) -> None:
        """One press. `late`: it may be of long ago; then it counts only if Telegram still waits.

        `stored` is called when no crash can lose it any more.
        """
        message, (action, _, whom) = query.message, (query.data or "").partition(" ")
        orders = action in (RETRY, ON) or (action in (NEXT, DISMISS) and whom)
        if not orders:
            stored()
        if not isinstance(message, Message) or not query.data:
            await _answer(query, "")
            return
        # A character's own account carries buttons in groups; the room there is the director's.
        private = message.chat.id > 0
        place = Place.of(message, self._accounts.owner(query.get_bot()) if private else "")
        if late and not await _answer(query, ""):
            return
        room, _ = await self._rooms.open(place)
        sender, language = presser(query), room.language
        if action == STOP:
            await _answer(query, (STOPPED if room.stop() else NOBODY_SPEAKS)[language])
        elif action in (UP, DOWN):
            value = 1 if action == UP else -1
            found = await room.rate(sender.person, str(message.message_id), value)
            await _answer(query, (THANKS if found else NO_LINE)[language])
        elif action == UNSAID:
            number, _, person = whom.partition(" ")
            if sender.person != f"{PLATFORM}:{person}":
                await _answer(query, NOT_YOURS[language])
                return
            await _answer(query, "")
            await room.deleted([number])
            await show_taken_back(message, language)
        elif action == ALOUD:
            told = await room.aloud.read_at(str(message.message_id))
            await _answer(query, told[language] if told else "")
        elif action in (NEXT, DISMISS) and not whom:
            await _answer(query, "")
            await self._choose(action, place, message)
        elif orders:
            await _answer(query, "")
            director = self._accounts.director
            await room.enter()
            await room.obey(
                Order(action, whom),
                person=sender.person,
                name=sender.name,
                moderator=await self._moderators.may(director, place.chat, sender),
                id=f"press {query.id}",
                kept=stored,
            )
            if whom:
                await _tidy(message)
        else:
            await _answer(query, "")

    async def _choose(self, action: str, place: Place, message: Message) -> None:
        """Ask whom a button means."""
        room, shown = await self._rooms.open(place)
        await room.enter()
        cast, language = (await room.status()).cast, room.language
        if not cast:
            await shown.notice(NOBODY_SPEAKS[language])
            return
        rows = [
            [
                InlineKeyboardButton(
                    f"{c.emoji} {c.name[language]}", callback_data=f"{action} {c.id}"
                )
            ]
            for c in cast
        ]
        try:
            await message.get_bot().send_message(
                place.chat,
                (WHO_NEXT if action == NEXT else WHO_LEAVES)[language],
                message_thread_id=place.thread,
                reply_markup=InlineKeyboardMarkup(rows),
            )
        except TelegramError as problem:
            log.error("a question could not be asked: %s", problem)


async def _tidy(message: Message) -> None:
    try:
        await message.get_bot().delete_message(message.chat.id, message.message_id)
    except TelegramError as problem:
        log.info("a question could not be taken back: %s", problem)


async def _answer(query: CallbackQuery, text: str) -> bool:
    """Tell Telegram that a press was seen. False: it came too late for that, or was answered."""
    try:
        await query.answer(text[:LONGEST_ANSWER] or None)
        return True
    except BadRequest as problem:  # older than Telegram waits for
        log.info("a button was answered too late: %s", problem)
    except TelegramError as problem:
        log.warning("a button could not be answered: %s", problem)
    return False
