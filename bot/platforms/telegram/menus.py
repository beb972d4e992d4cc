"""The commands that Telegram offers behind "/", in both languages."""

from __future__ import annotations

import logging

from telegram import Bot, BotCommand, BotCommandScopeAllGroupChats, BotCommandScopeAllPrivateChats
from telegram.error import TelegramError

from bot.commands import COMMANDS
from characters.card import Language, Words

log = logging.getLogger(__name__)

LONGEST = 256  # characters of a description

STOP = Words("打断正在说的话", "break off what is being said")
DELETE = Words("回复自己的一句话，让大家忘掉它", "as a reply: let what you said be forgotten")


async def set_menus(bot: Bot) -> None:
    """Set the menus of private chats and of groups. What Telegram refuses is logged."""
    languages: tuple[tuple[Language, str | None], ...] = (("en", None), ("zh", "zh"))
    for scope in (BotCommandScopeAllPrivateChats(), BotCommandScopeAllGroupChats()):
        for language, code in languages:
            rows = [
                BotCommand(command.names[0], command.does[language][:LONGEST])
                for command in COMMANDS
                if not command.here_only
            ]
            rows.append(BotCommand("stop", STOP[language][:LONGEST]))
            rows.append(BotCommand("delete", DELETE[language][:LONGEST]))
            try:
                await bot.set_my_commands(rows, scope=scope, language_code=code)
            except TelegramError as problem:
                log.warning("Telegram: the command menu could not be set: %s", problem)
