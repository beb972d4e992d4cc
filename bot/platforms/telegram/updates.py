"""Getting updates by long polling: each is confirmed when it is stored, and only then.

Telegram sends an update again until a later `getUpdates` names a higher offset. So the offset stays
below the first update that is not stored yet, while those after it are dealt with already; none
makes another chat wait. An update that the library cannot parse is logged and confirmed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from telegram import Bot, Chat, Message, Update, User
from telegram.error import Conflict, InvalidToken, TelegramError
from telegram.request import HTTPXRequest

from bot.platforms.telegram.limits import Clock

log = logging.getLogger(__name__)

POLL_SECONDS = 25
# Of a backlog (a restart, a lost connection), older messages are not answered: nobody waits.
FRESH = 600.0  # seconds
# A connection that was lost for so long has left a backlog.
GAP = 60.0  # seconds

_SETTLE = 0.25  # seconds that the next question waits for what was just taken to be stored
_PAUSES = (0.5, 30.0)  # seconds, first and longest, between tries that fail

_FULL = 100  # updates; Telegram sends no more at once

# The library has no error of its own for what it cannot parse.
UNREADABLE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)

# What deals with an update, and hears whether it may be too old; the result is whether it is
# stored (False: it must come again).
Take = Callable[[Update, bool], "asyncio.Future[bool]"]


class UpdatesRequest(HTTPXRequest):
    """The library's HTTP client, with unreadable updates replaced by empty ones of the same id.

    The library parses a batch of updates as a whole, and one that it cannot parse would keep all
    others away, at every start again.
    """

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        answer = HTTPXRequest.parse_json_payload(payload)
        if isinstance(answer.get("result"), list):
            found = (readable(raw) for raw in answer["result"])
            answer["result"] = [raw for raw in found if raw is not None]
        return answer


def readable(raw: object) -> dict[str, Any] | None:
    """The update as it came, when the library can parse it; else an empty one with its id.

    None where there is not even an id.
    """
    if not isinstance(raw, Mapping) or type(raw.get("update_id")) is not int:
        log.error("Telegram: an update without an id is left out")
        return None
    try:
        _check(Update.de_json(dict(raw), None))
        return dict(raw)
    except UNREADABLE as problem:
        kinds = ", ".join(sorted(str(key)[:40] for key in raw if key != "update_id"))
        log.error(
            "Telegram: update %d (%s) cannot be parsed and is left out: %s",
            raw["update_id"],
            kinds,
            type(problem).__name__,
        )
        return {"update_id": raw["update_id"]}


def _check(update: Update) -> None:
    """The library takes most values as they come; what we build upon has to be of its kind.

    Raises:
        TypeError, AttributeError: something is missing, or of another kind.
    """
    query, member = update.callback_query, update.my_chat_member or update.chat_member
    reaction = update.message_reaction
    chats: list[Chat] = []
    users: list[User] = []
    texts: list[object] = []
    for message in (update.message, update.edited_message, query and query.message):
        if isinstance(message, Message):
            chats += [message.chat, *filter(None, [message.sender_chat])]
            users += filter(None, [message.from_user])
            texts += filter(None, [message.text, message.caption, message.author_signature])
            _are(int, message.message_id, message.message_thread_id or 0)
            _are(float, message.date.timestamp())
    if query:
        users.append(query.from_user)
        texts += filter(None, [query.data])
    if member:
        chats.append(member.chat)
        users += [member.from_user, member.old_chat_member.user, member.new_chat_member.user]
        texts += [member.old_chat_member.status, member.new_chat_member.status]
    if reaction:
        chats.append(reaction.chat)
        users += filter(None, [reaction.user])
        _are(int, reaction.message_id)
    _are(int, *(chat.id for chat in chats), *(user.id for user in users))
    _are(str, *texts, *(user.full_name for user in users))


def _are(kind: type, *values: object) -> None:
    for value in values:
        if not isinstance(value, kind) or isinstance(value, bool):
            raise TypeError(f"{kind.__name__} expected")


def age(message: Message) -> float:
    """Seconds since a message was sent, by this machine's clock."""
    return time.time() - message.date.timestamp()


class Poller:
    """Asks for the updates of one account and hands each to `take`, once while it is dealt with."""

    def __init__(self, bot: Bot, kinds: list[str], take: Take, clock: Clock) -> None:
        self._bot = bot
        self._kinds = kinds
        self._take = take
        self._clock = clock
        self._offset = 0
        self._taken: dict[int, asyncio.Future[bool]] = {}  # id -> whether it is stored
        self._since: dict[int, float] = {}  # id -> when it was first not stored
        self._backlog = False  # whether what is dealt with may have waited
        self._more = True  # and what comes next
        self._answered = time.monotonic()

    async def run(self) -> None:
        """Ask until cancelled.

        Raises:
            InvalidToken: Telegram does not take the token (any more).
        """
        pause, claimed = _PAUSES[0], False
        while True:
            try:
                if not claimed:  # a webhook of an earlier time would keep all updates to itself
                    await self._bot.delete_webhook()
                    claimed = True
                updates = await self._bot.get_updates(
                    offset=self._offset,
                    timeout=0 if self._taken else POLL_SECONDS,
                    allowed_updates=self._kinds,
                )
            except InvalidToken:
                raise
            except Conflict:
                log.error(
                    "Telegram: another process asks for the updates of this bot, or a webhook is "
                    "set; waiting for it to end"
                )
                await self._clock.sleep(10.0)
                continue
            except (TelegramError, *UNREADABLE) as problem:
                # The latter: an answer that is JSON and nothing that Telegram would say.
                log.warning("Telegram: no updates (%s); trying again", problem)
                await self._clock.sleep(pause)
                pause = min(2 * pause, _PAUSES[1])
                continue
            self._look_for_backlog(len(updates))
            if await self._deal(updates):
                pause = _PAUSES[0]
            else:
                await self._clock.sleep(pause)
                pause = min(2 * pause, _PAUSES[1])

    async def confirm(self) -> None:
        """Tell Telegram what was stored, before the process ends."""
        self._advance()
        if self._offset:
            await self._bot.get_updates(
                offset=self._offset, timeout=0, limit=1, allowed_updates=self._kinds
            )

    async def _deal(self, updates: tuple[Update, ...]) -> bool:
        """Hand on what is new, and advance over what is stored. False: something could not be."""
        for update in updates:
            if update.update_id >= self._offset and update.update_id not in self._taken:
                self._taken[update.update_id] = self._take(update, self._backlog and late(update))
        waiting = [future for future in self._taken.values() if not future.done()]
        if waiting:
            # While something waits, Telegram answers at once and sends it again: so often at most.
            await asyncio.wait(waiting, timeout=_SETTLE)
        return self._advance()

    def _advance(self) -> bool:
        """Move the offset over what is stored. False: the first that is not has failed."""
        for number in sorted(self._taken):
            future = self._taken[number]
            if not future.done():
                return True
            if not future.result() and not self._given_up(number):
                # It is taken again when it comes again; those after it are not.
                del self._taken[number]
                return False
            del self._taken[number]
            self._since.pop(number, None)
            self._offset = number + 1
        return True

    def _given_up(self, number: int) -> bool:
        since = self._since.setdefault(number, time.monotonic())
        if time.monotonic() - since < FRESH:
            return False
        log.error("Telegram: update %d could not be stored for %d s; it is lost", number, FRESH)
        return True

    def _look_for_backlog(self, got: int) -> None:
        """A backlog begins with a start or a lost connection, and ends with an answer not full."""
        now = time.monotonic()
        lost = now - self._answered > POLL_SECONDS + GAP
        self._backlog = lost or self._more
        self._more = self._backlog and got >= _FULL
        self._answered = now


def late(update: Update) -> bool:
    """Whether nobody waits for an answer to it any more; True for a button, which has no date."""
    if update.message is not None:
        return age(update.message) > FRESH
    return update.callback_query is not None
