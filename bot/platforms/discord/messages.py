"""Messages and reactions on Discord become messages and votes for rooms.

In a guild the bot hears channels where characters are on stage, and whoever mentions it anywhere.
Other bots, webhooks and commands for other bots are never heard.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import replace
from typing import Any

import discord

from bot.commands import read
from bot.memory import MemoryProblem
from bot.platforms.discord.access import author_moderates
from bot.platforms.discord.content import Content, addresses, content_of, for_another_bot
from bot.platforms.discord.guilds import PLATFORM
from bot.platforms.discord.notes import hear, note_of, show_heard
from bot.platforms.discord.outlets import ChannelOutlet
from bot.platforms.discord.panels import Panels
from bot.platforms.discord.progress import Progress
from bot.platforms.discord.rooms import ChannelRoom, ChannelRooms, send
from bot.platforms.discord.tasks import Tasks
from bot.platforms.discord.text import escape
from bot.platforms.notes import NO_HEARING
from bot.stage import Message
from bot.uploads import Upload, taken_in
from characters.card import Words
from characters.pictures import PictureError
from speech.error import SpeechError

_log = logging.getLogger(__name__)

HELLO = Words(
    "在。用 /召唤 请角色上场，再对他们说话；/帮助 列出全部命令。",
    "Here. Bring characters on stage with /summon, then talk to them; /help lists all commands.",
)
WORDS_ONLY = Words(
    "我只读得懂文字：图片和贴纸都看不见。",
    "I read words only: neither pictures nor stickers.",
)

NO_CARD = Words(
    "这个文件里没有角色卡，也没有设定集。", "There is neither a card nor a lorebook in this file."
)

# A thumb, whatever the colour of its skin.
THUMBS = {"👍": 1, "👎": -1}

_TALK = (discord.MessageType.default, discord.MessageType.reply)
MOST_CHANNELS = 2000  # of which the newest message is remembered


@contextlib.contextmanager
def _said(what: str) -> Iterator[None]:
    """Logs that Redis would not have it; Discord delivers such an event once only."""
    try:
        yield
    except MemoryProblem as problem:
        _log.error("%s: %s", what, problem)


def upload_of(message: discord.Message) -> Upload | None:
    """The first file of a message that may hold a card, else its first picture."""
    files = [Upload(one.filename, one.size, one.read) for one in message.attachments]
    cards = (one for one in files if one.card)
    return next(cards, next((one for one in files if one.picture), None))


class Messages:
    """What people write, in the order they wrote it in each channel."""

    def __init__(
        self,
        client: discord.Client,
        *,
        rooms: ChannelRooms,
        panels: Panels,
        progress: Progress,
        tasks: Tasks,
    ) -> None:
        self._client = client
        self._rooms = rooms
        self._panels = panels
        self._progress = progress
        self._tasks = tasks
        self._newest: OrderedDict[int, int] = OrderedDict()  # channel -> its newest message heard
        self._recent: deque[int] = deque(maxlen=2000)  # messages that were passed on
        self._locks: dict[int, tuple[asyncio.Lock, int]] = {}  # with the number who hold or wait
        self._storing: dict[int, asyncio.Event] = {}  # messages that are passed on and not stored

    def newest(self, channel_id: int) -> int:
        """The newest message of a channel that was passed to its room; 0 when none was."""
        return self._newest.get(channel_id, 0)

    async def received(self, message: discord.Message, *, missed: bool = False) -> None:
        """A new message; `missed` when it was read from the channel's history."""
        if message.author.bot or message.webhook_id or message.type not in _TALK:
            self._progress.passed(0 if missed else message.id)
            return
        channel: Any = message.channel
        self._progress.began(message.id)
        async with self._in_order(channel.id):
            if not await self._take(message, channel, missed):
                self._progress.done(message.id)
        await self._progress.save()

    async def edited(self, event: discord.RawMessageUpdateEvent) -> None:
        """A message was edited by its author: what it says now is what was said."""
        message = event.message
        if message.author.bot or message.webhook_id or message.edited_at is None:
            return  # Discord itself adds previews of links
        content = content_of(message, self._client.user)
        if not content.text:
            return
        async with self._in_order(event.channel_id):
            await self._stored([event.message_id])
            with _said("an edited message was not taken in"):
                room = await self._rooms.known(event.channel_id)
                if room is not None:
                    await room.room.edited(str(event.message_id), content.text)

    async def deleted(self, channel_id: int, message_ids: Iterable[int]) -> None:
        """Messages were deleted, not by the bot itself: what they said is taken out of the room."""
        message_ids = list(message_ids)
        async with self._in_order(channel_id):
            await self._stored(message_ids)
            with _said("deleted messages were not taken out"):
                room = await self._rooms.known(channel_id)
                if room is None:
                    return
                outlet = room.stage.outlet
                ours = outlet.deleted if isinstance(outlet, ChannelOutlet) else lambda _: False
                gone = [str(one) for one in message_ids if not ours(one)]
                if gone:
                    await room.room.deleted(gone)
                    self._panels.update(room)

    async def voted(self, event: discord.RawReactionActionEvent, *, added: bool) -> None:
        """A reaction was added or removed: a thumb on a character's line is feedback."""
        value = THUMBS.get((event.emoji.name or "")[:1])
        me = self._client.user
        if value is None or (me and event.user_id == me.id):
            return
        if event.member is not None and event.member.bot:
            return
        if self._rooms.is_quiet(event.channel_id):
            return
        with _said("a vote was not counted"):
            room = await self._rooms.known(event.channel_id)
            if room is not None:
                person = f"{PLATFORM}:{event.user_id}"
                await room.room.rate(person, str(event.message_id), value if added else 0)

    def text(self, message: discord.Message) -> str:
        """The words of a message, a forwarded one's too."""
        return content_of(message, self._client.user).text

    async def _take(self, message: discord.Message, channel: Any, missed: bool) -> bool:
        """Pass a message to its room if it was said to the bot; returns whether it was."""
        if message.id in self._recent:
            return False
        private = isinstance(channel, discord.DMChannel)
        called = private or addresses(message, self._client.user)
        content = content_of(message, self._client.user)
        # Who is asked for the fields of a character answers without a mention, whoever is on stage.
        asked = not missed and self._rooms.asks(channel.id, f"{PLATFORM}:{message.author.id}")
        file = (called or asked) and not missed and upload_of(message) is not None
        note = note_of(message) is not None and not content.forwarded
        deaf = note and self._rooms.house.shared.hearer is None
        if not content.text and not file and (deaf or not note):
            if called and not missed:
                says = NO_HEARING if deaf else WORDS_ONLY if private else HELLO
                await self._house_says(channel, says)
            return False
        if not called:
            if missed and message.id <= self._progress.until:
                return False  # received at that time, and not said to anybody on stage
            order = None if content.forwarded else read(content.text)
            if order is not None and not order.id and not asked:
                return False  # a command of another bot
            if order is None and for_another_bot(message, content.text):
                return False
            if not asked and not await self._rooms.plays(channel):
                return False
        if missed and await self._rooms.guilds.was_heard(channel.id, message.id):
            return False
        self._recent.append(message.id)
        self._heard(channel.id, message.id)
        self._storing[message.id] = asyncio.Event()
        self._tasks.spawn(self._hear(message, content), f"message {message.id}")
        return True

    async def _hear(self, message: discord.Message, content: Content) -> None:
        try:
            await self._heard_by_room(message, content)
        except Exception:
            self._done(message.id)
            raise
        # Where the bot is closed before it is stored, the message is read again after the start.
        self._done(message.id)

    async def _heard_by_room(self, message: discord.Message, content: Content) -> None:
        room = await self._rooms.of_channel(message.channel)
        person = f"{PLATFORM}:{message.author.id}"
        room.stage.asker = person
        if (upload := upload_of(message)) and not content.forwarded:
            told = await self._with_file(room, message, upload, content)
            if told is None:
                return
            content = told
        note = None if content.forwarded else note_of(message)
        if note is not None:
            content = await self._with_note(room, message, note)
            if not content.text:
                return
        order = None if content.forwarded else read(content.text)
        reply = message.reference.message_id if message.reference else None
        heard = Message(
            person=person,
            name=message.author.display_name,
            text=content.text,
            id=str(message.id),
            reply_to="" if content.forwarded else str(reply or ""),
            # Only orders ask for it, and it may take a request.
            moderator=order is not None and await author_moderates(message),
            forwarded=content.forwarded,
        )
        try:
            await room.room.hear(
                heard, kept=lambda: self._done(message.id), admitted=note is not None
            )
        except MemoryProblem as problem:
            await room.stage.notice(str(problem))
        if order is not None:
            self._rooms.order_given(room)
        self._panels.update(room)

    async def _with_file(
        self, room: ChannelRoom, message: discord.Message, upload: Upload, content: Content
    ) -> Content | None:
        """What a message with a file says (see `bot.uploads`); None when it says nothing, and
        whoever sent it has been told."""
        person = f"{PLATFORM}:{message.author.id}"
        alone = isinstance(message.channel, discord.DMChannel)
        called = alone or addresses(message, self._client.user)
        try:
            text = await taken_in(room.room, person, upload, content.text, called=called)
        except PictureError as problem:
            await room.stage.notice(problem.told(room.room.language), to=person)
            return content if content.text else None
        except (discord.HTTPException, MemoryProblem) as problem:
            _log.warning("a file was not read: %s", problem)
            text = content.text
        if not text:
            await self._house_says(message.channel, NO_CARD if upload.card else WORDS_ONLY)
        return replace(content, text=text) if text else None

    async def _with_note(
        self, room: ChannelRoom, message: discord.Message, note: discord.Attachment
    ) -> Content:
        """What is said in a voice message, which everybody is shown; no text where nothing can be
        heard, which is said, or its sender is not heard."""
        language, shared = room.room.language, room.room.shared
        if shared.hearer is None:
            return Content("")
        try:
            if not await room.room.admits(f"{PLATFORM}:{message.author.id}", str(message.id)):
                return Content("")
            heard = await hear(shared.hearer, note)
        except MemoryProblem as problem:
            await room.stage.notice(str(problem))
            return Content("")
        except SpeechError as problem:
            await room.stage.notice(problem.zh if language == "zh" else problem.en)
            return Content("")
        if not shared.filter.broken(heard.text):  # else it is declined, and not repeated
            await show_heard(message, heard.text, language)
        return Content(heard.text)

    def _done(self, message_id: int) -> None:
        """A message is stored, or never will be."""
        self._progress.done(message_id)
        if storing := self._storing.pop(message_id, None):
            storing.set()

    async def _stored(self, message_ids: Iterable[int]) -> None:
        """Wait until messages that are being passed on are stored."""
        for message_id in message_ids:
            if storing := self._storing.get(message_id):
                await storing.wait()

    async def _house_says(self, channel: Any, words: Words) -> None:
        await send(channel, escape(f"{words.zh}\n{words.en}"), secrets.token_hex(12))

    def _heard(self, channel_id: int, message_id: int) -> None:
        self._newest[channel_id] = max(message_id, self._newest.pop(channel_id, 0))
        while len(self._newest) > MOST_CHANNELS:
            self._newest.popitem(last=False)

    @contextlib.asynccontextmanager
    async def _in_order(self, channel_id: int) -> AsyncIterator[None]:
        """One event of a channel after the other, as they came."""
        lock, users = self._locks.get(channel_id, (asyncio.Lock(), 0))
        self._locks[channel_id] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._locks.pop(channel_id)
            if users > 1:
                self._locks[channel_id] = (lock, users - 1)
