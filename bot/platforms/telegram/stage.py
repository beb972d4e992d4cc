"""Shows a room's lines and notices in a Telegram chat or topic.

In private a line grows as a draft (`sendMessageDraft`); in a group people see "typing" and then the
whole line, because edits there count like messages and only 20 a minute are allowed. A line is one
message or several, each under the speaker's name; the last one carries the buttons.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, ReplyParameters
from telegram.constants import ChatAction, ParseMode
from telegram.error import BadRequest, ChatMigrated, Forbidden, TelegramError

from bot.drafts import Pace
from bot.platforms.notes import Notes
from bot.platforms.telegram.text import draft_id, messages
from bot.platforms.text import is_document
from bot.stage import Line
from characters.card import Character, Language, Words
from speech.sound import Sound

log = logging.getLogger(__name__)

# Buttons: what stands on them, and the callback data that `buttons.py` reads.
RETRY, ON, NEXT, STOP, DISMISS, UP, DOWN = "retry", "continue", "next", "stop", "dismiss", "+", "-"
ALOUD = "aloud"

STOPPED = Words("停了。", "Stopped.")
NOBODY_SPEAKS = Words("没有人在说话。", "Nobody is speaking.")

MOST_MESSAGES = 2  # of one notice; what is longer is sent as a file

_WRITE_TO_ME = Words(
    "这件事只说给你一个人听：请先在私聊里对我说一声 /start，再来一次。",
    "This is for you alone: say /start to me in private first, then ask again.",
)


class TelegramStage:
    """Shows a room's lines and notices. `bot_of` gives the account that voices a character.

    `thread` is a forum topic's id; `aloud`: lines can be read aloud, and have a button for it.
    Nothing is raised: what cannot be sent is logged.
    """

    def __init__(
        self,
        bot: Bot,
        chat: int,
        thread: int | None = None,
        *,
        private: bool = False,
        bot_of: Callable[[Character], Bot | None] = lambda character: None,
        language: Callable[[], Language] = lambda: "zh",
        aloud: bool = False,
    ) -> None:
        self.chat = chat
        self.thread = thread
        self._bot = bot
        self._private = private
        self._bot_of = bot_of
        self._language = language
        self._aloud = aloud
        self._notes = Notes()

    def pace(self) -> Pace:
        """A draft a second; in a group, as often as "typing" has to be said again."""
        return Pace(seconds=1.0 if self._private else 4.0)

    async def notice(self, text: str, *, to: str = "", secret: bool = False) -> None:
        """Show what the house says; what is secret goes to the person in private."""
        person = to.removeprefix("telegram:")
        if not secret or self._private or not person.lstrip("-").isdigit():
            await self._say(text)
            return
        try:
            await self._tell(int(person), None, text)
        except (Forbidden, BadRequest):  # never said anything to us in private
            await self._send(self._bot, "", _WRITE_TO_ME[self._language()])
        except TelegramError as problem:
            log.error("a notice for one person was lost: %s", problem)

    async def _say(self, text: str) -> None:
        """Say something in the chat, wherever it is by now."""
        if not _is_file(text):
            await self._send(self._bot, "", text)
            return
        try:
            await self._tell(self.chat, self.thread, text)
        except TelegramError as problem:
            log.error("a file could not be sent: %s", problem)

    async def _tell(self, chat: int, thread: int | None, text: str) -> None:
        if _is_file(text):
            name = "mrp.json" if is_document(text) else "mrp.txt"
            await self._bot.send_document(
                chat, text.encode(), filename=name, message_thread_id=thread
            )
            return
        for part in messages("", text):
            await self._bot.send_message(
                chat, part, parse_mode=ParseMode.HTML, message_thread_id=thread
            )

    async def attach(self, name: str, data: bytes) -> str:
        try:
            await self._bot.send_document(
                self.chat, data, filename=name, message_thread_id=self.thread
            )
        except TelegramError as problem:
            log.error("a file could not be sent: %s", problem)
        return ""

    async def show(self, line: Line) -> tuple[str, ...]:
        own = self._bot_of(line.speaker)
        bot = own or self._bot
        # An account of its own has the character's name already.
        heading = "" if own else _heading(line)
        if not line.done:
            await self._growing(bot, heading, line)
            return ()
        parts = messages(heading, line.text)
        places: list[str] = []
        old = [int(place) for place in line.places if place.isdigit()]
        for number, part in enumerate(parts):
            keyboard = keyboard_for(line, aloud=self._aloud) if number == len(parts) - 1 else None
            at = old[number] if number < len(old) else None
            shown = await self._put(bot, part, keyboard, at, line.language)
            if shown is not None:
                places.append(str(shown))
        await self._delete(bot, old[len(parts) :])
        return tuple(places)

    async def play(self, line: Line, sound: Sound) -> None:
        """Send a line's note as an answer to the line; the note of another version is deleted."""
        own = self._bot_of(line.speaker)
        old = self._notes.pop(line.id)
        at = next((int(place) for place in reversed(line.places) if place.isdigit()), None)
        caption = _heading(line) if sound.whole else f"{_heading(line)} {_SHORTENED[line.language]}"
        # An account of its own that is not in this chat: the director speaks for it.
        for bot in dict.fromkeys((own or self._bot, self._bot)):
            try:
                sent = await bot.send_voice(
                    self.chat,
                    sound.ogg,
                    duration=max(1, round(sound.seconds)),
                    caption=caption,
                    filename=f"{line.speaker.id}.ogg",
                    message_thread_id=self.thread,
                    reply_parameters=(
                        ReplyParameters(at, allow_sending_without_reply=True) if at else None
                    ),
                )
                self._notes.add(line.id, int(sent.message_id))
                break
            except Forbidden as problem:  # also who forbade voice messages
                log.info("a note could not be sent: %s", problem)
            except TelegramError as problem:
                log.warning("a note could not be sent: %s", problem)
                break
        if old:
            await self._delete(self._bot, [old])

    async def withdraw(self, line_id: str, places: Sequence[str]) -> None:
        if note := self._notes.pop(line_id):
            await self._delete(self._bot, [note])
        if places:
            await self._delete(self._bot, [int(place) for place in places if place.isdigit()])

    async def typing(self, speaker: Character | None = None) -> None:
        """Say that somebody is writing; Telegram shows it for five seconds."""
        bot = (self._bot_of(speaker) if speaker else None) or self._bot
        try:
            await bot.send_chat_action(self.chat, ChatAction.TYPING, message_thread_id=self.thread)
        except TelegramError as problem:
            log.info("typing could not be shown: %s", problem)

    async def _growing(self, bot: Bot, heading: str, line: Line) -> None:
        if not self._private:
            await self.typing(line.speaker)
            return
        try:
            await bot.send_message_draft(
                self.chat,
                draft_id(line.id),
                messages(heading, line.text)[-1],
                message_thread_id=self.thread,
                parse_mode=ParseMode.HTML,
            )
        except TelegramError as problem:
            log.info("a draft could not be shown: %s", problem)

    async def _put(
        self,
        bot: Bot,
        part: str,
        keyboard: InlineKeyboardMarkup | None,
        at: int | None,
        language: Language,
    ) -> int | None:
        """Write a part where it stood, or anew. Returns where it stands."""
        if at is not None:
            try:
                await bot.edit_message_text(
                    part, self.chat, at, parse_mode=ParseMode.HTML, reply_markup=keyboard
                )
                return at
            except BadRequest as problem:
                if "not modified" in str(problem).casefold():
                    return at
                log.info("a line is shown anew: %s", problem)
            except TelegramError as problem:
                log.error("a line could not be changed: %s", problem)
                return at
        return await self._send_one(bot, part, keyboard)

    async def _send(self, bot: Bot, heading: str, text: str) -> None:
        for part in messages(heading, text):
            await self._send_one(bot, part, None)

    async def _send_one(
        self, bot: Bot, part: str, keyboard: InlineKeyboardMarkup | None
    ) -> int | None:
        for _ in range(2):
            try:
                sent = await bot.send_message(
                    self.chat,
                    part,
                    parse_mode=ParseMode.HTML,
                    message_thread_id=self.thread,
                    reply_markup=keyboard,
                )
                return int(sent.message_id)
            except ChatMigrated as moved:
                self.chat = moved.new_chat_id
            except Forbidden as problem:
                if bot is not self._bot:
                    # The character's own account is not in this chat; the director speaks for it.
                    bot = self._bot
                    continue
                log.error("a message could not be sent: %s", problem)
                return None
            except TelegramError as problem:
                log.error("a message could not be sent: %s", problem)
                return None
        return None

    async def _delete(self, bot: Bot, ids: Sequence[int]) -> None:
        for message in ids:
            try:
                await bot.delete_message(self.chat, message)
            except TelegramError as problem:  # older than 48 hours, or gone already
                log.info("a message could not be taken back: %s", problem)


def _is_file(text: str) -> bool:
    """Whether a notice is for a program, or too long to be read in a chat."""
    return is_document(text) or len(messages("", text)) > MOST_MESSAGES


def _heading(line: Line) -> str:
    face = f"{line.speaker.emoji} " if line.speaker.emoji else ""
    return f"{face}{line.speaker.name[line.language]}"


_SHORTENED = Words("（太长，只念了前面）", "(too long: the beginning only)")


def keyboard_for(line: Line, *, aloud: bool = False) -> InlineKeyboardMarkup:
    """The buttons under a line, with one for its sound where there is any; callback data is far
    below Telegram's 64 bytes."""
    count = f" {line.version}/{line.versions}" if line.versions > 1 else ""
    words = _BUTTONS[line.language]
    rows: tuple[tuple[tuple[str, str], ...], ...] = (
        ((f"🔄 {words[0]}{count}", RETRY), (f"✍️ {words[1]}", ON), (f"➡️ {words[2]}", NEXT)),
        ((f"⏹ {words[3]}", STOP), (f"👋 {words[4]}", DISMISS), ("👍", UP), ("👎", DOWN)),
    )
    if aloud:
        rows = (rows[0], (*rows[1][:2], ("🔊", ALOUD), *rows[1][2:]))
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(text, callback_data=data) for text, data in row] for row in rows]
    )


_BUTTONS: dict[Language, tuple[str, ...]] = {
    "zh": ("重说", "接着说", "下一位", "停", "退场"),
    "en": ("Again", "Go on", "Next", "Stop", "Dismiss"),
}
