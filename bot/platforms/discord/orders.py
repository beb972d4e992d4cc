"""Slash commands generated from the table of `bot.commands`, with localisation and autocomplete.

Commands are registered under their English names, with Chinese and (for the most used) Japanese
localisations. Autocomplete offers characters by their names and aliases in both languages.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Optional

import discord
from discord import app_commands
from discord.app_commands import locale_str

from bot.commands import ALL, COMMANDS, Order
from bot.commands.row import Command
from bot.platforms.text import shortened
from characters.card import Cast, Character, Language, Words
from text.folding import fold

CHOICES = 25

SAY = Words("对台上的人说一句话", "say something to those on stage")
OPTIONS = {
    "who": (Words("名字", "who"), Words("名字或别名，可以几位", "names, as many as you like")),
    "one": (Words("名字", "who"), Words("名字或别名", "a name")),
    "text": (Words("内容", "text"), Words("内容", "what it is")),
    "number": (Words("数", "number"), Words("几", "how many, or which")),
}
MENUS = {
    "retry": Words("换一句", "Regenerate"),
    "why": Words("为何这么说", "Why"),
    "remember": Words("记住这句", "Remember this"),
}

# Japanese for what is used most; the rest is shown in English there.
JAPANESE = {
    "summon": ("召喚", "キャラクターを舞台に呼ぶ（何人でも）"),
    "dismiss": ("退場", "キャラクターを舞台から下げる"),
    "cast": ("配役", "呼べるキャラクターの一覧"),
    "who": ("舞台", "いま舞台にいるのは誰か"),
    "say": ("話す", "舞台の人に話しかける"),
    "next": ("次", "次に話す人を選ぶ"),
    "continue": ("続き", "さっきの人が話を続ける"),
    "retry": ("言い直し", "最後の台詞を言い直す"),
    "undo": ("取り消し", "最後の台詞を取り消す"),
    "forget": ("忘れる", "覚えていることを消す"),
    "help": ("ヘルプ", "コマンドの一覧"),
}

# Simplified characters of command names and descriptions, each followed by its traditional form.
_PAIRS = (
    "个個为為么麼书書于於关關内內册冊几幾别別号號后後员員唤喚处處导導帮幫开開录錄忆憶戏戲据據换換无無"
    "暂暫来來气氣离離种種绑綁给給认認让讓记記话話语語说說请請谁誰账帳轮輪过過这這里裡间間体體对對场場"
    "听聽两兩着著评評价價刚剛继繼续續样樣见見设設键鍵词詞创創阵陣发發现現觉覺随隨时時档檔从從单單写寫当當"
    "剧劇点點进進没沒动動静靜会會掷擲摆擺条條码碼选選项項择擇钟鐘复復独獨浏瀏览覽网網页頁数數"
)
_TRADITIONAL = str.maketrans(_PAIRS[::2], _PAIRS[1::2])

_SEPARATORS = re.compile(r"[,，、;；]|\s+(?:and|&|和|与|與)\s+")

CastOf = Callable[["discord.Interaction[Any]"], Awaitable[Cast]]
Perform = Callable[["discord.Interaction[Any]", Order], Any]


def in_taiwan(text: str) -> str:
    """A command's name or description in traditional characters."""
    return text.translate(_TRADITIONAL)


def _both(words: Words, *, japanese: str = "") -> locale_str:
    return locale_str(words.en, zh=words.zh, ja=japanese)


class Translator(app_commands.Translator):
    """The localisations that are registered with each command."""

    async def translate(
        self, string: locale_str, locale: discord.Locale, context: Any
    ) -> str | None:
        if locale is discord.Locale.chinese:
            return string.extras.get("zh")
        if locale is discord.Locale.taiwan_chinese and "zh" in string.extras:
            return in_taiwan(string.extras["zh"])
        if locale is discord.Locale.japanese:
            return string.extras.get("ja") or None
        return None


def slash_commands(cast: CastOf, perform: Perform, say: Any) -> Iterable[Any]:
    """All slash commands: one a row of `bot.commands`, and `/say`.

    `cast(interaction)` is who can be summoned there. `perform(interaction, order)` is called for
    each command, `say(interaction, text)` for `/say`.
    """
    for command in COMMANDS:
        if not command.here_only:
            yield _slash(command, cast, perform)
    yield _say(say)


def _slash(command: Command, cast: CastOf, perform: Perform) -> app_commands.Command[Any, ..., Any]:
    may_be_left_out = command.takes is None or command.takes.en.startswith("[")
    callback, option = _callback(command, perform, may_be_left_out)
    japanese = JAPANESE.get(command.id, ("", ""))
    does = Words(shortened(_bare(command.does.zh), 100), shortened(_bare(command.does.en), 100))
    found: app_commands.Command[Any, ..., Any] = app_commands.Command(
        name=locale_str(command.names[0], zh=command.zh_names[0], ja=japanese[0]),
        description=_both(does, japanese=japanese[1]),
        callback=callback,
    )
    if option in ("who", "one"):
        found.autocomplete("who")(_completion(cast, several=option == "who"))
    elif command.id in _OFFERED:
        found.autocomplete("text")(_offers(command.id, cast))
    return found


def _bare(text: str) -> str:
    return text.replace("`", "").strip()


def _described(option: str) -> Callable[[Any], Any]:
    name, what = OPTIONS[option]
    key = "who" if option == "one" else option

    def decorate(function: Any) -> Any:
        function = app_commands.rename(**{key: locale_str(name.en, zh=name.zh)})(function)
        return app_commands.describe(**{key: _both(what)})(function)

    return decorate


def _callback(command: Command, perform: Perform, may_be_left_out: bool) -> tuple[Any, str]:
    """A callback whose signature declares the command's options, as discord.py wants it, and the
    kind of its option."""

    async def give(interaction: discord.Interaction[Any], argument: Any) -> None:
        order = Order(command.id, "" if argument is None else str(argument), command.names[0])
        await perform(interaction, order)

    if command.argument in ("people", "person"):
        option = "who" if command.argument == "people" else "one"

        @_described(option)
        async def with_people(interaction: discord.Interaction[Any], who: str) -> None:
            await give(interaction, who)

        @_described(option)
        async def perhaps_people(
            interaction: discord.Interaction[Any],
            who: Optional[str] = None,  # noqa: UP045
        ) -> None:
            await give(interaction, who)

        return (perhaps_people if may_be_left_out else with_people), option
    if command.argument == "text":

        @_described("text")
        async def with_text(interaction: discord.Interaction[Any], text: str) -> None:
            await give(interaction, text)

        @_described("text")
        async def perhaps_text(
            interaction: discord.Interaction[Any],
            text: Optional[str] = None,  # noqa: UP045
        ) -> None:
            await give(interaction, text)

        return (perhaps_text if may_be_left_out else with_text), "text"
    if command.argument == "number":

        @_described("number")
        async def with_number(
            interaction: discord.Interaction[Any], number: app_commands.Range[int, 0, 9999]
        ) -> None:
            await give(interaction, number)

        @_described("number")
        async def perhaps_number(
            interaction: discord.Interaction[Any],
            number: Optional[app_commands.Range[int, 0, 9999]] = None,  # noqa: UP045
        ) -> None:
            await give(interaction, number)

        return (perhaps_number if may_be_left_out else with_number), "number"

    async def alone(interaction: discord.Interaction[Any]) -> None:
        await give(interaction, None)

    return alone, ""


def _say(say: Any) -> app_commands.Command[Any, ..., Any]:
    @_described("text")
    async def callback(
        interaction: discord.Interaction[Any], text: app_commands.Range[str, 1, 2000]
    ) -> None:
        await say(interaction, text)

    return app_commands.Command(
        name=locale_str("say", zh="说", ja=JAPANESE["say"][0]),
        description=_both(SAY, japanese=JAPANESE["say"][1]),
        callback=callback,
    )


def _completion(cast_of: CastOf, *, several: bool) -> Any:
    async def complete(
        interaction: discord.Interaction[Any], begun: str
    ) -> list[app_commands.Choice[str]]:
        language: Language = "zh" if interaction.locale.value.startswith("zh") else "en"
        everybody = "全体" if language == "zh" else "all"
        dismissing = isinstance(interaction.command, app_commands.Command) and (
            interaction.command.name == "dismiss"
        )
        names = completions(begun, await cast_of(interaction), language, several=several)
        if dismissing and (not begun or begun.casefold() in ALL or everybody.startswith(begun)):
            names = [everybody, *names]
        return [app_commands.Choice(name=name, value=name) for name in names[:CHOICES]]

    return complete


# Orders whose text is offered while it is typed, and what is offered before a character's name.
_OFFERED: dict[str, Words] = {
    "character": Words("创建 查看 修改 我的 撤下", "create show edit mine withdraw"),
    "discover": Words("热门 最新 好评 类别", "popular new rated categories"),
    "castmode": Words("全部 原班 自创 审核 自由 关闭", "both shipped own approve free off"),
}


def _offers(command: str, cast_of: CastOf) -> Any:
    async def complete(
        interaction: discord.Interaction[Any], begun: str
    ) -> list[app_commands.Choice[str]]:
        language: Language = "zh" if interaction.locale.value.startswith("zh") else "en"
        verb, _, rest = begun.partition(" ")
        verbs = _OFFERED[command][language].split()
        found = [each for each in verbs if each.casefold().startswith(begun.casefold())]
        cast = await cast_of(interaction)
        if command == "discover":
            names = dict.fromkeys(name for c in cast for name in c.categories)
            found += [name for name in names if fold(begun) in fold(name)]
        elif command == "character" and verb in verbs[1:] and " " in begun:
            found = [f"{verb} {name}" for name in completions(rest, cast, language, several=False)]
        return [app_commands.Choice(name=name, value=name) for name in found][:CHOICES]

    return complete


def completions(begun: str, cast: Cast, language: Language, *, several: bool = True) -> list[str]:
    """Autocomplete choices for a list of names, of which the last is being typed.

    Offered are characters with a name or alias (of either language) that begins with what is typed,
    then those that contain it; never those that the list names already.
    """
    ends = [0, *(m.end() for m in _SEPARATORS.finditer(begun))] if several else [0]
    before, part = begun[: ends[-1]], begun[ends[-1] :].strip()
    part = fold(part) if part else ""
    taken = {fold(piece) for piece in _SEPARATORS.split(before) if piece.strip()}

    def rank(character: Character) -> int | None:
        names = [fold(name) for name in (*character.names, character.id)]
        if taken & set(names):
            return None
        if not part or any(name == part for name in names):
            return 0
        if any(name.startswith(part) for name in names):
            return 1
        return 2 if any(part in name for name in names) else None

    ranked = [(found, c) for c in cast if (found := rank(c)) is not None]
    ranked.sort(key=lambda pair: pair[0])
    offered = (f"{before}{c.name[language]}" for _, c in ranked)
    return [name for name in offered if len(name) <= 100][:CHOICES]
