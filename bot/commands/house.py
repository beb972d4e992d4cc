"""Rows of the command table: the language, help, leaving."""

from __future__ import annotations

from bot.commands.row import Command
from characters.card import Words

HOUSE: tuple[Command, ...] = (
    Command(
        "web",
        ("web",),
        ("网页",),
        "",
        None,
        Words("在浏览器里打开这间屋子", "open this room in a browser"),
        informs="always",
    ),
    Command(
        "language",
        ("language", "lang"),
        ("语言",),
        "text",
        Words("zh|en", "zh|en"),
        Words("这间屋子说哪种语言", "the language of this room"),
        informs="bare",
    ),
    Command(
        "voice",
        ("voice",),
        ("语音", "念出来"),
        "text",
        Words("[屋子] [开｜关｜名字…]", "[room] [on|off|NAME…]"),
        Words(
            "把回我的话念出来，或只念这几位的；/语音 屋子 开：大家都听",
            "answers to me are read aloud, or those of some; `/voice room on`: for everybody",
        ),
        informs="bare",
    ),
    Command(
        "help",
        ("help", "h", "?"),
        ("帮助",),
        "",
        None,
        Words("这份说明", "this list"),
        informs="always",
    ),
    Command(
        "quit",
        ("quit", "exit", "q"),
        ("退出", "再见"),
        "",
        None,
        Words("离开", "leave"),
        here_only=True,
    ),
)
