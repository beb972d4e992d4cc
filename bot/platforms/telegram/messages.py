"""What people write on Telegram, as messages and orders for rooms."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from telegram import Bot, Chat, Message, User
from telegram.error import TelegramError

from bot import stage
from bot.commands import Order, read
from bot.platforms.notes import NO_HEARING
from bot.platforms.telegram import notes
from bot.platforms.telegram.limits import Clock
from bot.platforms.telegram.moderators import Moderators
from bot.platforms.telegram.places import Place
from bot.platforms.telegram.rooms import Rooms
from bot.platforms.telegram.senders import Sender, forwarded, sender_of, words_of
from bot.platforms.telegram.stage import NOBODY_SPEAKS, STOPPED, TelegramStage
from bot.platforms.telegram.text import addressed
from bot.room import Room
from bot.uploads import Upload, taken_in
from characters.card import Language, Words
from characters.pictures import PictureError
from speech.error import SpeechError

log = logging.getLogger(__name__)

# Commands that belong to Telegram and to no room.
START = "/start"
STOPS = ("/stop", "/停")
DELETES = ("/delete", "/删除", "/刪除")

# Seconds after the first message that was too old, in which others of the same backlog are counted.
_GATHER = 3.0

WELCOME = Words(
    "我是这里的班主。/summon wukong（或 /召唤 悟空）请角色上场，/help 看全部命令。\n"
    "角色都是虚构的，说的话由模型编出。",
    "I run the house here. /summon wukong brings someone on stage, /help lists the commands.\n"
    "The characters are fiction and a model makes up what they say.",
)
PRIVACY = Words(
    "在群里，我只听得见命令、回复和 @我 的话；要让角色听见每个人，请把我设为管理员，"
    "或在 @BotFather 用 /setprivacy 关掉隐私模式，再把我重新拉进群。",
    "In a group I hear commands, replies and mentions only. For the characters to hear everybody, "
    "make me an administrator, or turn privacy mode off with /setprivacy at @BotFather and add me "
    "again.",
)
DELETE_WHAT = Words(
    "要删哪一句？请用 /delete 回复自己说过的话（管理员可以回复任何人的）。角色的话用 /撤回 收回。",
    "Delete what? Reply to a message of your own with /delete (moderators may to anybody's). "
    "/undo takes back what characters said.",
)
DELETED = Words(
    "忘掉了那一句。Telegram 里的消息请自己删，机器人看不见删除。",
    "That message is forgotten. Delete it in Telegram yourself: bots do not see deletions.",
)
LATE = Words(
    "机器人停了一阵，期间来的 {} 条消息太久了，没有听；要紧的请再说一遍。",
    "The bot was away, and what was written meanwhile ({}) is too old to be answered; please say "
    "again what still matters.",
)


def _upload_of(message: Message, bot: Bot) -> Upload | None:
    """The file of a message that may hold a card, or its picture."""
    document, photos = message.document, message.photo
    if document is not None:
        name, size, file = document.file_name or "", document.file_size or 0, document.file_id
    elif photos:
        # The largest; Telegram makes JPEGs of all photos, without what else was in them.
        name, size, file = "photo.jpg", photos[-1].file_size or 0, photos[-1].file_id
    else:
        return None

    async def fetch() -> bytes:
        return bytes(await (await bot.get_file(file)).download_as_bytearray())

    upload = Upload(name, size, fetch)
    return upload if upload.card or upload.picture else None


class Messages:
    """Hears messages. `names` are the accounts' usernames by id; `later` begins a background
    task."""

    def __init__(
        self,
        rooms: Rooms,
        moderators: Moderators,
        names: dict[int, str],
        clock: Clock,
        later: Callable[[Coroutine[Any, Any, None], str], object],
    ) -> None:
        self._rooms = rooms
        self._moderators = moderators
        self._names = names
        self._clock = clock
        self._later = later
        self._late: Counter[Place] = Counter()

    async def hear(
        self, message: Message, place: Place, late: bool, stored: Callable[[], object]
    ) -> None:
        """One message. `stored` is called when no crash can lose it; `late`: it is too old."""
        text, sender = words_of(message), sender_of(message)
        if message.voice is not None and sender is not None and not late:
            await self._note(message, place, sender, stored)
            return
        bot = self._rooms.account(place)
        upload = None if place.account else _upload_of(message, bot)
        if text is None and upload is not None:
            text = ""
        if text is None or sender is None:
            return
        words = addressed(text, self._names.get(bot.id, ""))
        if words is None:
            return  # a command for another bot
        if late:
            self._count_late(place)
        elif upload is not None and not forwarded(message):
            room, shown = await self._rooms.open(place)
            words = await self._with_file(upload, words, sender, room, shown)
            if words:
                await self._hear(message, words, sender, room, shown, stored)
        elif forwarded(message):
            room, shown = await self._rooms.open(place)
            await self._hear(message, words, sender, room, shown, stored)
        elif not await self._own_command(words, message, place, sender, stored):
            room, shown = await self._rooms.open(place)
            if place.account and not (await room.status()).cast:
                # Who writes to 孙悟空's own account wants 孙悟空.
                order = Order("summon", place.account)
                await room.obey(order, person=sender.person, name=sender.name, moderator=True)
            await self._hear(message, words, sender, room, shown, stored)

    async def _note(
        self, message: Message, place: Place, sender: Sender, stored: Callable[[], object]
    ) -> None:
        """A voice note: where somebody would answer, its words are shown and heard as a message."""
        room, shown = await self._rooms.open(place)
        await room.enter()
        language, hearer = room.language, room.shared.hearer
        if not place.private and not (await room.status()).cast:
            return
        if hearer is None:
            if place.private:
                await shown.notice(NO_HEARING[language])
            return
        if not await room.admits(sender.person, str(message.message_id)):
            return
        try:
            heard = await notes.hear(hearer, message)
        except SpeechError as problem:
            await shown.notice(problem.zh if language == "zh" else problem.en)
            return
        if not room.shared.filter.broken(heard.text):  # else it is declined, and not repeated
            await notes.show_heard(message, sender.name, heard.text, language)
        await self._hear(message, heard.text, sender, room, shown, stored, admitted=True)

    async def _hear(
        self,
        message: Message,
        words: str,
        sender: Sender,
        room: Room,
        shown: TelegramStage,
        stored: Callable[[], object],
        *,
        admitted: bool = False,
    ) -> None:
        quoted = forwarded(message)
        orders = read(words) is not None and not quoted
        moderator = orders and await self._moderators.may(
            self._rooms.account(Place.of(message)), message.chat.id, sender
        )
        if not orders:
            # Beside it: nothing may stand between two messages of a room and their order.
            self._later(_typing(room, shown), "typing")
        replied = message.reply_to_message
        await room.hear(
            stage.Message(
                sender.person,
                sender.name,
                words,
                id=str(message.message_id),
                reply_to=str(replied.message_id) if replied else "",
                moderator=moderator,
                personal=sender.personal,
                forwarded=quoted,
            ),
            kept=stored,
            admitted=admitted,
        )

    async def _with_file(
        self, upload: Upload, words: str, sender: Sender, room: Room, shown: TelegramStage
    ) -> str:
        """What a message with a file says; see `bot.uploads`."""
        try:
            return await taken_in(room, sender.person, upload, words, called=room.private)
        except PictureError as problem:
            await shown.notice(problem.told(room.language), to=sender.person)
            return words
        except TelegramError as problem:
            log.warning("Telegram: a file was not read: %s", problem)
            return words

    async def edit(self, message: Message, place: Place) -> None:
        """A message says something else now. Nobody's order is given by an edit."""
        sender = sender_of(message)
        words = addressed(
            words_of(message) or "", self._names.get(self._rooms.account(place).id, "")
        )
        if sender is not None and words is not None:
            room, _ = await self._rooms.open(place)
            await room.edited(str(message.message_id), words)

    async def _delete(self, message: Message, place: Place, sender: Sender) -> None:
        """`/delete` as a reply: Telegram tells bots of no deletion in groups and private chats."""
        room, shown = await self._rooms.open(place)
        replied = message.reply_to_message
        author = sender_of(replied) if replied else None
        if replied is None or author is None:
            await shown.notice(DELETE_WHAT[room.language], to=sender.person)
            return
        bot = self._rooms.account(place)
        if author.person != sender.person and not await self._moderators.may(
            bot, place.chat, sender
        ):
            await shown.notice(DELETE_WHAT[room.language], to=sender.person)
            return
        await room.deleted([str(replied.message_id), str(message.message_id)])
        await shown.notice(DELETED[room.language], to=sender.person)

    async def _own_command(
        self,
        words: str,
        message: Message,
        place: Place,
        sender: Sender,
        stored: Callable[[], object],
    ) -> bool:
        """Carry out a command of Telegram's own. False: it is none."""
        command = words.strip().split(maxsplit=1)[0] if words.strip() else ""
        if command in DELETES:
            await self._delete(message, place, sender)
        elif command == START:
            stored()
            bot = self._rooms.account(place)
            await self.welcome(message.chat, place, bot, message.from_user)
        elif command in STOPS:
            stored()
            room, shown = await self._rooms.open(place)
            said = STOPPED if room.stop() else NOBODY_SPEAKS
            await shown.notice(said[room.language])
        else:
            return False
        return True

    async def welcome(self, chat: Chat, place: Place, bot: Bot, user: User | None) -> None:
        """Say what the bot is, in the language of whoever brought it in or began to talk."""
        _, shown = await self._rooms.open(place)
        language: Language = "zh" if ((user and user.language_code) or "zh")[:2] == "zh" else "en"
        await shown.notice(WELCOME[language])
        if chat.type != Chat.PRIVATE and not bot.can_read_all_group_messages:
            await shown.notice(PRIVACY[language])

    def _count_late(self, place: Place) -> None:
        self._late[place] += 1
        if self._late[place] == 1:
            self._later(self._tell_late(place), "a backlog")

    async def _tell_late(self, place: Place) -> None:
        """Say once in a room how much was too old, if anybody would have answered there."""
        await self._clock.sleep(_GATHER)
        count = self._late.pop(place)
        room, shown = await self._rooms.open(place)
        await room.enter()
        status = await room.status()
        if (status.cast and not status.paused) or place.private:
            await shown.notice(LATE[room.language].format(count))


async def _typing(room: Room, shown: TelegramStage) -> None:
    if (await room.status()).cast:
        await shown.typing()
