"""What a person can order the house to do: names in both languages, and how they are read.

    read("/summon 悟空、八戒")  ->  Order("summon", "悟空、八戒")
    read("/召唤悟空")           ->  Order("summon", "悟空")
    read("悟空，你好")           ->  None: talk

Adding a command is a row here and a method in `bot.room`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from characters.card import Cast, Character, Language, UnknownCharacter, Words


@dataclass(frozen=True, slots=True)
class Command:
    """`names` are what it is called, the first one in help; `takes` shows its argument."""

    id: str
    names: tuple[str, ...]
    zh_names: tuple[str, ...]
    takes: Words | None
    does: Words


@dataclass(frozen=True, slots=True)
class Order:
    """A command that was given. `id` is "" when there is no such command."""

    id: str
    argument: str = ""
    called: str = ""


COMMANDS: tuple[Command, ...] = (
    Command(
        "summon",
        ("summon",),
        ("召唤", "有请"),
        Words("名字…", "NAME…"),
        Words("请角色上场，可一次请几位", "bring characters on stage, several at once if you like"),
    ),
    Command(
        "dismiss",
        ("dismiss",),
        ("退场", "送客"),
        Words("名字…", "NAME…"),
        Words("请角色退场（全体：/退场 全部）", "send characters off stage (`/dismiss all`)"),
    ),
    Command("who", ("who",), ("在场",), None, Words("谁在场", "who is on stage")),
    Command("cast", ("cast",), ("名册",), None, Words("可以请的角色", "all who can be summoned")),
    Command(
        "language",
        ("language", "lang"),
        ("语言",),
        Words("zh|en", "zh|en"),
        Words("这间屋子说哪种语言", "the language of this room"),
    ),
    Command(
        "forget",
        ("forget",),
        ("忘记",),
        None,
        Words("忘掉这间屋子里说过的一切", "forget all that was said in this room"),
    ),
    Command("help", ("help", "h", "?"), ("帮助",), None, Words("这份说明", "this list")),
    Command("quit", ("quit", "exit", "q"), ("退出", "再见"), None, Words("离开", "leave")),
)

ALL = {"all", "everyone", "全部", "全体", "所有人", "大家"}

_LONGEST_NAME = 8  # words

_BY_NAME = {name: c.id for c in COMMANDS for name in (*c.names, *c.zh_names)}
_ZH_NAMES = sorted((n for c in COMMANDS for n in c.zh_names), key=len, reverse=True)


def read(text: str) -> Order | None:
    """The order in a line, or None when the line is talk."""
    line = text.strip()
    if not line.startswith(("/", "／")) or len(line) < 2:
        return None
    word, _, argument = line[1:].strip().partition(" ")
    name = word.casefold()
    if name in _BY_NAME:
        return Order(_BY_NAME[name], argument.strip(), word)
    for zh in _ZH_NAMES:  # 「/召唤悟空」, without a space
        if word.startswith(zh):
            return Order(_BY_NAME[zh], f"{word[len(zh) :]} {argument}".strip(), zh)
    return Order("", argument.strip(), word)


def people(argument: str, cast: Cast) -> tuple[tuple[Character, ...], tuple[str, ...]]:
    """The characters that an argument names, and the names that are nobody's.

    「悟空、八戒」, "wukong pigsy" and "Monkey King, Sandy" are all two characters.
    """
    found: list[Character] = []
    unknown: list[str] = []
    for part in re.split(r"[,，、;；]|(?:^|\s)(?:and|&|和|与)(?=\s|$)", argument):
        words, strange = part.split(), ""
        while words:
            character, taken = _longest(words, cast)
            if character is None:
                strange = f"{strange} {words[0]}".strip()
            else:
                found.append(character)
            words = words[taken:]
        if strange:
            unknown.append(strange)
    return tuple(dict.fromkeys(found)), tuple(dict.fromkeys(unknown))


def _longest(words: Sequence[str], cast: Cast) -> tuple[Character | None, int]:
    for taken in range(min(len(words), _LONGEST_NAME), 0, -1):
        try:
            return cast.find(" ".join(words[:taken])), taken
        except UnknownCharacter:
            continue
    return None, 1


def help_text(language: Language) -> str:
    """All commands, one a line, with the names of both languages."""
    rows = []
    for command in COMMANDS:
        takes = f" {command.takes[language]}" if command.takes else ""
        zh_first = language == "zh"
        names = (command.zh_names[0], command.names[0])
        first, second = names if zh_first else names[::-1]
        rows.append(f"/{first}{takes} (/{second})  {command.does[language]}")
    return "\n".join(rows)
