"""The bot on Telegram: its updates become messages, orders and votes for rooms.

    troupe = Troupe(house, Accounts(director, {"wukong": bot}))
    await troupe.start()
    await troupe.poll()          # until stopped; or hand updates to `troupe.take(update, account)`

A room is a private chat, a group, or a topic of a forum. One account, the director, hears groups
and speaks for everybody; characters may have accounts of their own, heard in private only.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    CallbackQuery,
    Chat,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    Message,
    MessageReactionUpdated,
    Update,
    User,
)
from telegram.error import BadRequest, Conflict, InvalidToken, TelegramError

from bot import stage
from bot.commands import COMMANDS, Order, read
from bot.house import House
from bot.memory import MemoryProblem
from bot.platforms.telegram.limits import Clock, RealClock
from bot.platforms.telegram.stage import DISMISS, DOWN, NEXT, ON, RETRY, STOP, UP, TelegramStage
from bot.platforms.telegram.text import addressed
from bot.room import Room
from characters.card import Character, Language, Words

log = logging.getLogger(__name__)

PLATFORM = "telegram"
HEARD = ["message", "callback_query", "message_reaction", "my_chat_member"]
POLL_SECONDS = 25
# Commands that belong to Telegram and to no room.
STARTS = ("/start", "/stop", "/停")

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
STOPPED = Words("停了。", "Stopped.")
NOBODY_SPEAKS = Words("没有人在说话。", "Nobody is speaking.")
THANKS = Words("记下了。", "Noted.")
NO_LINE = Words("这句话已经不在了。", "That line is gone.")
WHO_NEXT = Words("谁接着说？", "Who speaks next?")
WHO_LEAVES = Words("谁退场？", "Who leaves the stage?")
BROKEN = Words("出错了，没有做成；请再试一次。", "Something broke; please try again.")

THUMBS = {"👍": 1, "👎": -1}


@dataclass(frozen=True)
class Accounts:
    """The bots of one process: the director, and characters' own by id (maybe none)."""

    director: Bot = field(repr=False)  # a Bot's repr holds its token
    characters: dict[str, Bot] = field(default_factory=dict, repr=False)

    def of(self, character: Character) -> Bot | None:
        return self.characters.get(character.id)

    def __iter__(self) -> Any:
        yield self.director
        yield from self.characters.values()


class Troupe:
    """All rooms of one process on Telegram. `accounts` are its bots."""

    def __init__(self, house: House, accounts: Accounts, *, clock: Clock | None = None) -> None:
        self.house = house
        self.accounts = accounts
        self._clock = clock or RealClock()
        self._stages: dict[str, TelegramStage] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._names: dict[int, str] = {}  # an account's id -> its username
        self._owners = {id(bot): key for key, bot in accounts.characters.items()}
        self._ready = asyncio.Event()

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
                await self._menus(bot)
        for name in await self.house.unfinished(PLATFORM):
            self._spawn(self._resume(name), "taking up a room")
        self._ready.set()

    async def poll(self) -> None:
        """Ask for updates until cancelled."""
        await asyncio.gather(*(self._poll(bot) for bot in self.accounts))

    async def close(self) -> None:
        """Let what is being said end, and go."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for bot in self.accounts:
            await bot.shutdown()

    async def settled(self) -> None:
        """Wait until all that was taken is dealt with."""
        while self._tasks:
            await asyncio.gather(*list(self._tasks), return_exceptions=True)

    # -- updates ---------------------------------------------------------------------------------

    async def _poll(self, bot: Bot) -> None:
        offset, pause = 0, 0.5
        heard = HEARD if bot is self.accounts.director else ["message", "callback_query"]
        while True:
            try:
                if not offset:  # a webhook of an earlier time would keep all updates to itself
                    await bot.delete_webhook()
                updates = await bot.get_updates(
                    offset=offset, timeout=POLL_SECONDS, allowed_updates=heard
                )
            except InvalidToken:
                raise
            except Conflict:
                log.error(
                    "Telegram: another process asks for the updates of this bot, or a "
                    "webhook is set; waiting for it to end"
                )
                await self._clock.sleep(10.0)
                continue
            except TelegramError as problem:
                log.warning("Telegram: no updates (%s); trying again", problem)
                await self._clock.sleep(pause)
                pause = min(2 * pause, 30.0)
                continue
            pause = 0.5
            kept = [self.take(update, bot) for update in updates]
            # The next question tells Telegram that these need not be sent again: first they must
            # be where a crash cannot take them.
            await asyncio.gather(*kept)
            if updates:
                offset = updates[-1].update_id + 1

    def take(self, update: Update, bot: Bot) -> asyncio.Future[None]:
        """Begin to deal with one update. What is returned is done when the update may be lost."""
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(*_: object) -> None:
            if not kept.done():
                kept.set_result(None)

        work = self._work(update, bot, done)
        if work is None:
            done()
        else:
            self._spawn(work, "an update").add_done_callback(done)
        return kept

    def _work(self, update: Update, bot: Bot, kept: Any) -> Coroutine[Any, Any, None] | None:
        director = bot is self.accounts.director
        if update.message is not None:
            private = update.message.chat.type == Chat.PRIVATE
            if private or director:
                return self._message(update.message, bot, kept)
        elif update.callback_query is not None:
            return self._pressed(update.callback_query, bot)
        elif update.message_reaction is not None and director:
            return self._reacted(update.message_reaction)
        elif update.my_chat_member is not None and director:
            change = update.my_chat_member
            joined = change.new_chat_member.status in ("member", "administrator")
            if joined and change.old_chat_member.status in ("left", "kicked"):
                return self._welcome(change.chat, None, bot, change.from_user)
        return None

    def _spawn(self, work: Coroutine[Any, Any, None], what: str) -> asyncio.Task[None]:
        async def guarded() -> None:
            try:
                await work
            except MemoryProblem as problem:
                log.error("%s: %s", what, problem)
            except Exception:
                log.exception("%s failed", what)

        task = asyncio.create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # -- rooms -----------------------------------------------------------------------------------

    async def _room(self, chat: int, thread: int | None, bot: Bot, private: bool) -> Room:
        """The room of a chat, a topic, or a private chat with a character's own account."""
        name = str(chat)
        if thread:
            name += f":{thread}"
        own = self._owners.get(id(bot))
        if own:
            name += f"@{own}"
        room: Room | None = None

        def language() -> Language:
            return room.language if room else "zh"

        def make() -> TelegramStage:
            made = TelegramStage(
                bot,
                chat,
                thread,
                private=private,
                bot_of=(lambda character: None) if private else self.accounts.of,
                language=language,
            )
            self._stages[name] = made
            return made

        room = await self.house.room(PLATFORM, name, make, private=private)
        return room

    async def _resume(self, name: str) -> None:
        place, _, own = name.partition("@")
        chat, _, thread = place.partition(":")
        bot = self.accounts.characters.get(own, self.accounts.director)
        room = await self._room(int(chat), int(thread) if thread else None, bot, int(chat) > 0)
        await room.resume()

    # -- what people do --------------------------------------------------------------------------

    async def _message(self, message: Message, bot: Bot, kept: Any) -> None:
        if message.migrate_to_chat_id:
            await self._moved(message.chat.id, message.migrate_to_chat_id)
            return
        text = message.text or message.caption
        who = _speaker(message)
        if text is None or who is None:
            return
        words = addressed(text, self._names.get(bot.id, ""))
        if words is None:
            return  # a command for another bot
        person, name = who
        thread = message.message_thread_id if message.is_topic_message else None
        private = message.chat.type == Chat.PRIVATE
        command = words.strip().split(maxsplit=1)[0] if words.strip() else ""
        if command == STARTS[0]:
            await self._welcome(message.chat, thread, bot, message.from_user)
            return
        room = await self._room(message.chat.id, thread, bot, private)
        if command in STARTS[1:]:
            stopped = room.stop()
            said = STOPPED if stopped else NOBODY_SPEAKS
            await self._stages[_name(room)].notice(said[room.language])
            return
        stage_ = self._stages[_name(room)]
        own = self._owners.get(id(bot))
        if own and not (await room.status()).cast:
            # Who writes to 孙悟空's own account wants 孙悟空.
            await room.obey(Order("summon", own), person=person, name=name)
        if read(words) is None:
            # Beside it: nothing may stand between two messages of a room and their order.
            self._spawn(self._typing(room, stage_), "typing")
        replied = message.reply_to_message
        await room.hear(
            stage.Message(
                person,
                name,
                words,
                id=str(message.message_id),
                reply_to=str(replied.message_id) if replied else "",
            ),
            kept=kept,
        )

    async def _typing(self, room: Room, stage_: TelegramStage) -> None:
        if (await room.status()).cast:
            await stage_.typing()

    async def _pressed(self, query: CallbackQuery, bot: Bot) -> None:
        message = query.message
        if message is None or not query.data:
            await self._answer(query, "")
            return
        thread = getattr(message, "message_thread_id", None)
        if not getattr(message, "is_topic_message", False):
            thread = None
        private = message.chat.type == Chat.PRIVATE
        # A character's own account carries buttons in groups; the room there is the director's.
        owner = bot if private else self.accounts.director
        room = await self._room(message.chat.id, thread, owner, private)
        person, name = f"{PLATFORM}:{query.from_user.id}", query.from_user.full_name
        action, _, whom = query.data.partition(" ")
        language = room.language
        if action == STOP:
            said = STOPPED if room.stop() else NOBODY_SPEAKS
            await self._answer(query, said[language])
            return
        if action in (UP, DOWN):
            found = await room.rate(person, str(message.message_id), 1 if action == UP else -1)
            await self._answer(query, (THANKS if found else NO_LINE)[language])
            return
        await self._answer(query, "")
        if action in (NEXT, DISMISS) and not whom:
            await self._choose(action, room, bot, message.chat.id, thread)
            return
        if action in (RETRY, ON, NEXT, DISMISS):
            await room.enter()
            await room.obey(Order(action, whom), person=person, name=name)
            if whom:
                await self._tidy(bot, message.chat.id, message.message_id)

    async def _choose(
        self, action: str, room: Room, bot: Bot, chat: int, thread: int | None
    ) -> None:
        """Ask whom a button means; with one alone on stage there is nothing to ask."""
        await room.enter()
        cast, language = (await room.status()).cast, room.language
        if not cast:
            await self._stages[_name(room)].notice(NOBODY_SPEAKS[language])
            return
        rows = [
            [
                InlineKeyboardButton(
                    f"{c.emoji} {c.name[language]}", callback_data=f"{action} {c.id}"
                )
            ]
            for c in cast
        ]
        words = WHO_NEXT if action == NEXT else WHO_LEAVES
        try:
            await bot.send_message(
                chat,
                words[language],
                message_thread_id=thread,
                reply_markup=InlineKeyboardMarkup(rows),
            )
        except TelegramError as problem:
            log.error("a question could not be asked: %s", problem)

    async def _tidy(self, bot: Bot, chat: int, message: int) -> None:
        try:
            await bot.delete_message(chat, message)
        except TelegramError as problem:
            log.info("a question could not be taken back: %s", problem)

    async def _answer(self, query: CallbackQuery, text: str) -> None:
        try:
            await query.answer(text[:200] or None)
        except BadRequest as problem:  # older than Telegram waits for
            log.info("a button was answered too late: %s", problem)
        except TelegramError as problem:
            log.warning("a button could not be answered: %s", problem)

    async def _reacted(self, event: MessageReactionUpdated) -> None:
        if event.user is None or event.user.is_bot:
            return

        def value(reactions: Any) -> int:
            return sum(THUMBS.get(getattr(r, "emoji", ""), 0) for r in reactions)

        before, after = value(event.old_reaction), value(event.new_reaction)
        if before == after:
            return
        # A reaction does not say in which topic; the place is looked for in the chat's rooms.
        for name, held in list(self._stages.items()):
            if held.chat == event.chat.id:
                room = await self.house.room(PLATFORM, name, partial(_the, held))
                person = f"{PLATFORM}:{event.user.id}"
                if await room.rate(person, str(event.message_id), after):
                    return

    async def _welcome(self, chat: Chat, thread: int | None, bot: Bot, user: User | None) -> None:
        private = chat.type == Chat.PRIVATE
        await self._room(chat.id, thread, bot, private)
        language: Language = "zh" if ((user and user.language_code) or "zh")[:2] == "zh" else "en"
        name = next(n for n, s in self._stages.items() if s.chat == chat.id and s.thread == thread)
        await self._stages[name].notice(WELCOME[language])
        if not private and not bot.can_read_all_group_messages:
            await self._stages[name].notice(PRIVACY[language])

    async def _moved(self, old: int, new: int) -> None:
        """A group became a supergroup: the room goes with it."""
        log.info("Telegram: chat %d is now %d", old, new)
        await self.house.move(PLATFORM, str(old), str(new))
        self._stages.pop(str(old), None)

    async def _menus(self, bot: Bot) -> None:
        """The commands that Telegram offers behind "/", in both languages."""
        languages: tuple[tuple[Language, str | None], ...] = (("en", None), ("zh", "zh"))
        for scope in (BotCommandScopeAllPrivateChats(), BotCommandScopeAllGroupChats()):
            for language, code in languages:
                rows = [
                    BotCommand(c.names[0], _about(c.does[language]))
                    for c in COMMANDS
                    if not c.here_only
                ]
                rows.append(BotCommand("stop", _about(STOPPED_MENU[language])))
                try:
                    await bot.set_my_commands(rows, scope=scope, language_code=code)
                except TelegramError as problem:
                    log.warning("Telegram: the command menu could not be set: %s", problem)


STOPPED_MENU = Words("打断正在说的话", "break off what is being said")


def _the(stage_: TelegramStage) -> TelegramStage:
    return stage_


def _about(text: str) -> str:
    return text[:256]


def _name(room: Room) -> str:
    return room.key.partition(":")[2]


def _speaker(message: Message) -> tuple[str, str] | None:
    """Who says it, as `telegram:id` and a name; None for bots and for the house itself."""
    if message.sender_chat is not None and message.sender_chat.id != message.chat.id:
        return None  # a channel's post that Telegram forwards into its group
    if message.sender_chat is not None:  # an administrator who stays anonymous
        title = message.author_signature or message.sender_chat.title or "?"
        return f"{PLATFORM}:{message.sender_chat.id}", title
    user = message.from_user
    if user is None or user.is_bot:
        return None
    return f"{PLATFORM}:{user.id}", user.full_name
