"""The table of commands: names in both languages, and how a typed one is parsed.

    read("/summon 悟空、八戒")  ->  Order("summon", "悟空、八戒")
    read("/召唤悟空")           ->  Order("summon", "悟空")
    read("悟空，你好")           ->  None: talk

Adding a command: a row here, and a function in `bot.room.orders` (a test sees to it that none is
without).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from characters.card import Cast, Character, Language, Words
from text.folding import simplified

# What stands after a command's name: nothing, characters' names, one of them, any text, a number.
Argument = Literal["", "people", "person", "text", "number"]


@dataclass(frozen=True, slots=True)
class Command:
    """`names` are what it is called, the first one in help; `takes` shows its argument.

    An argument in brackets may be left out. `here_only`: it means something in a terminal alone.
    `informs`: it changes nothing, so that it need not wait for a reply that is being written;
    "bare": without an argument.
    """

    id: str
    names: tuple[str, ...]
    zh_names: tuple[str, ...]
    argument: Argument
    takes: Words | None
    does: Words
    here_only: bool = False
    informs: Literal["", "always", "bare"] = ""


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
        "people",
        Words("名字…", "NAME…"),
        Words("请角色上场，可一次请几位", "bring characters on stage, several at once if you like"),
    ),
    Command(
        "dismiss",
        ("dismiss",),
        ("退场", "送客"),
        "people",
        Words("名字…", "NAME…"),
        Words("请角色退场（全体：/退场 全部）", "send characters off stage (`/dismiss all`)"),
    ),
    Command(
        "cast",
        ("cast",),
        ("名册",),
        "",
        None,
        Words("可以请的角色", "all who can be summoned"),
        informs="always",
    ),
    Command(
        "who",
        ("who",),
        ("在场",),
        "",
        None,
        Words("谁在场，演到哪里", "who is on stage, and what the scene is"),
        informs="always",
    ),
    Command(
        "scene",
        ("scene",),
        ("场景", "布景"),
        "text",
        Words("[地点；气氛 …；第 N 回]", "[PLACE; mood …; chapter N]"),
        Words(
            "这场戏在哪里、什么气氛、书到第几回为止",
            "where the scene is, its mood, and up to which chapter the book has happened",
        ),
        informs="bare",
    ),
    Command(
        "note",
        ("note",),
        ("提示",),
        "text",
        Words("[话]", "[TEXT]"),
        Words(
            "给演员的提示，一直有效；/提示 无 撤掉",
            "a director's note that stays; `/note none` takes it away",
        ),
        informs="bare",
    ),
    Command(
        "narrate",
        ("narrate",),
        ("旁白",),
        "text",
        Words("话", "TEXT"),
        Words("由旁白说一段", "tell what happens"),
    ),
    Command(
        "next",
        ("next",),
        ("轮到", "下一个"),
        "person",
        Words("名字", "NAME"),
        Words("让谁接着说", "who speaks next"),
    ),
    Command(
        "continue",
        ("continue",),
        ("接着说", "继续"),
        "",
        None,
        Words("让刚才那位把话说下去", "the last one goes on with the line"),
    ),
    Command(
        "retry",
        ("retry",),
        ("重说", "换一个"),
        "number",
        Words("[第几个]", "[WHICH]"),
        Words(
            "重说上一句；各个说法都留着，/重说 1 换回第一个",
            "say the last line another way; all versions stay, `/retry 1` goes back to the first",
        ),
    ),
    Command(
        "edit",
        ("edit",),
        ("改成", "改口"),
        "text",
        Words("话", "TEXT"),
        Words("上一句改成这样说", "the last line is said in these words instead"),
    ),
    Command(
        "undo",
        ("undo",),
        ("撤回",),
        "number",
        Words("[几句]", "[N]"),
        Words("收回最后几句", "take the last lines back"),
    ),
    Command(
        "auto",
        ("auto",),
        ("自演",),
        "number",
        Words("[几句]", "[N]"),
        Words(
            "让角色自己聊几句，谁开口就停",
            "the characters talk among themselves until somebody speaks",
        ),
    ),
    Command(
        "pause",
        ("pause",),
        ("暂停",),
        "",
        None,
        Words(
            "角色都不再开口，说的话照样听见", "nobody on stage speaks; what is said is still heard"
        ),
    ),
    Command(
        "resume",
        ("resume",),
        ("开演",),
        "",
        None,
        Words("接着演", "go on after a pause"),
    ),
    Command(
        "recap",
        ("recap",),
        ("前情", "前情提要"),
        "",
        None,
        Words("前面演了什么", "what happened so far"),
        informs="always",
    ),
    Command(
        "why",
        ("why",),
        ("出处", "为何"),
        "",
        None,
        Words("上一句依据书里哪几处", "what in the book the last line leaned on"),
        informs="always",
    ),
    Command(
        "persona",
        ("persona",),
        ("身份", "我是"),
        "text",
        Words("[我是谁]", "[WHO I AM]"),
        Words("我在戏里是谁", "who I am in the scene"),
        informs="bare",
    ),
    Command(
        "remember",
        ("remember",),
        ("记住",),
        "text",
        Words("话", "TEXT"),
        Words("记住关于我的一件事", "remember something about me"),
    ),
    Command(
        "memory",
        ("memory",),
        ("记忆",),
        "",
        None,
        Words("角色记得我什么", "what is remembered of me"),
        informs="always",
    ),
    Command(
        "correct",
        ("correct",),
        ("更正",),
        "text",
        Words("号码 新的说法", "NUMBER TEXT"),
        Words("改正记得的一件事", "correct something that is remembered"),
    ),
    Command(
        "forget",
        ("forget",),
        ("忘记",),
        "text",
        Words("[号码｜全部｜屋子]", "[NUMBER|all|room]"),
        Words(
            "忘掉一件事、关于我的一切，或这间屋子里说过的一切",
            "forget one thing, all about me, or all that was said in this room",
        ),
    ),
    Command(
        "restore",
        ("restore",),
        ("恢复",),
        "",
        None,
        Words("一分钟内把忘掉的这间屋子找回来", "bring back what /forget room took"),
    ),
    Command(
        "export",
        ("export",),
        ("导出",),
        "",
        None,
        Words("我的全部记录，JSON", "all that is kept of me, as JSON"),
        informs="always",
    ),
    Command(
        "optout",
        ("optout",),
        ("别记我",),
        "",
        None,
        Words("在群里不要记我", "do not remember me in groups"),
    ),
    Command(
        "optin",
        ("optin",),
        ("可以记我",),
        "",
        None,
        Words("在群里可以记我", "remember me in groups"),
    ),
    Command(
        "share",
        ("share",),
        ("公开",),
        "text",
        Words("[可以｜不]", "[yes|no]"),
        Words(
            "我私下说的，能不能在群里提起",
            "whether what I say in private may come up in groups",
        ),
    ),
    Command(
        "retention",
        ("retention",),
        ("保留",),
        "number",
        Words("[天数]", "[DAYS]"),
        Words("多久不来就忘了我", "after how long without me I am forgotten"),
    ),
    Command(
        "link",
        ("link",),
        ("绑定",),
        "text",
        Words("[口令|是|不]", "[CODE|yes|no]"),
        Words("把两个账号认作一个人", "make two accounts one person"),
    ),
    Command(
        "unlink",
        ("unlink",),
        ("解绑",),
        "",
        None,
        Words("这个账号重新单独算一个人", "make this account a person of its own again"),
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
