"""The table of commands: names in both languages, and how a typed one is parsed.

    read("/summon 悟空、八戒")  ->  Order("summon", "悟空、八戒")
    read("/召唤悟空")           ->  Order("summon", "悟空")
    read("悟空，你好")           ->  None: talk

The rows are in the files of this package, by subject. Adding a command: a row there, and a function
in `bot.room.orders` (a test sees to it that none is without).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.commands.cast import CAST
from bot.commands.house import HOUSE
from bot.commands.life import LIFE
from bot.commands.people import PEOPLE
from bot.commands.play import PLAY
from bot.commands.row import Command
from characters.card import Cast, Character, Language
from text.folding import simplified


@dataclass(frozen=True, slots=True)
class Order:
    """A command that was given. `id` is "" when there is no such command."""

    id: str
    argument: str = ""
    called: str = ""


COMMANDS: tuple[Command, ...] = (*PLAY, *CAST, *LIFE, *PEOPLE, *HOUSE)

ALL = {"all", "everyone", "全部", "全体", "所有人", "大家"}

_LONGEST_NAME = 8  # words
_MOST_WORDS = 100  # that are looked up: more than a cast has names

_INFORMS = {c.id: c.informs for c in COMMANDS}
# Chinese names in either script: what is typed is simplified, character by character.
_BY_NAME = {name: c.id for c in COMMANDS for name in (*c.names, *c.zh_names)}
_ZH_NAMES = sorted((n for c in COMMANDS for n in c.zh_names), key=len, reverse=True)


def read(text: str) -> Order | None:
    """The order in a line, or None when the line is talk. Chinese names in either script."""
    line = text.strip()
    if not line.startswith(("/", "／")) or len(line) < 2:
        return None
    word, _, argument = line[1:].strip().partition(" ")
    # 著 has two simplified forms; in our names it is always 着.
    name = simplified(word).replace("著", "着").casefold()
    if name in _BY_NAME:
        return Order(_BY_NAME[name], argument.strip(), word)
    for zh in _ZH_NAMES:  # 「/召唤悟空」, without a space
        if name.startswith(zh):
            return Order(_BY_NAME[zh], f"{word[len(zh) :]} {argument}".strip(), zh)
    return Order("", argument.strip(), word)


def informs(order: Order) -> bool:
    """Whether an order changes nothing."""
    how = _INFORMS.get(order.id, "always")  # what is no order is only said to be none
    return how == "always" or (how == "bare" and not order.argument.strip())


def people(argument: str, cast: Cast) -> tuple[tuple[Character, ...], tuple[str, ...]]:
    """The characters that an argument names, and the names that are nobody's.

    「悟空、八戒」, "wukong pigsy" and "Monkey King, Sandy" are all two characters.
    """
    found: list[Character] = []
    unknown: list[str] = []
    most = _MOST_WORDS
    for part in re.split(r"[,，、;；]|(?:^|(?<=\s))(?:and|&|和|与)(?=\s|$)", argument):
        words, strange, at = part.split(), [], 0
        while at < len(words):
            # What is longer than any list of names is nobody's name.
            longest = min(len(words) - at, _LONGEST_NAME) if most > 0 else 0
            character, taken = _longest(words, at, longest, cast)
            if character is None:
                strange.append(words[at])
            else:
                found.append(character)
            at, most = at + taken, most - 1
        if strange:
            unknown.append(" ".join(strange))
    return tuple(dict.fromkeys(found)), tuple(dict.fromkeys(unknown))


def _longest(
    words: Sequence[str], at: int, longest: int, cast: Cast
) -> tuple[Character | None, int]:
    for taken in range(longest, 0, -1):
        if character := cast.owner(" ".join(words[at : at + taken])):
            return character, taken
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
