"""Voice notes of people on Telegram: fetched, heard, shown as heard, and treated as a message.

    heard = await hear(hearer, message)           # Heard; raises SpeechError for what is refused
    await show_heard(message, name, heard.text, language)

Under what was heard stands *not what I said*: whoever spoke can take it out of the room again.
Nothing of the sound is kept: it is in memory while it is heard, and nowhere else.
"""

from __future__ import annotations

import logging

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Message, ReplyParameters
from telegram.error import TelegramError

from bot.platforms.notes import NOT_FETCHED, NOT_SAID, TAKEN_BACK, as_heard
from characters.card import Language
from speech.error import SpeechError
from speech.hearer import Heard, Hearer

log = logging.getLogger(__name__)

UNSAID = "unsaid"


async def hear(hearer: Hearer, message: Message) -> Heard:
    """The words of a message's voice note.

    Raises:
        SpeechError: it is too long or too large, cannot be fetched, or has no words in it.
    """
    note = message.voice
    if note is None:
        raise SpeechError("没有语音。", "there is no note.")
    told = note.to_dict()  # the library's own attribute is about to change its type
    hearer.check(seconds=float(told["duration"]), size=int(told.get("file_size") or 0))
    try:
        file = await message.get_bot().get_file(note.file_id)
        data = await file.download_as_bytearray()
    except TelegramError as problem:
        log.warning("a note could not be fetched: %s", problem)
        raise SpeechError(NOT_FETCHED.zh, NOT_FETCHED.en) from problem
    return await hearer.hear(bytes(data))


async def show_heard(message: Message, name: str, text: str, language: Language) -> None:
    """Show what was heard, with the button that takes it back. A failure is logged."""
    person = message.from_user.id if message.from_user else 0
    data = f"{UNSAID} {message.message_id} {person}"
    button = InlineKeyboardButton(NOT_SAID[language], callback_data=data)
    try:
        await message.get_bot().send_message(
            message.chat.id,
            as_heard(name, text, language),
            message_thread_id=message.message_thread_id if message.is_topic_message else None,
            reply_markup=InlineKeyboardMarkup([[button]]),
            reply_parameters=ReplyParameters(message.message_id, allow_sending_without_reply=True),
        )
    except TelegramError as problem:
        log.warning("what was heard could not be shown: %s", problem)


async def show_taken_back(message: Message, language: Language) -> None:
    """What was heard was not what was said: its words go. A failure is logged."""
    try:
        await message.get_bot().edit_message_text(
            TAKEN_BACK[language], message.chat.id, message.message_id
        )
    except TelegramError as problem:
        log.info("what was heard could not be taken back: %s", problem)
