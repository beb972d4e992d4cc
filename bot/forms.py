"""The fields of a character as somebody types them in a chat: read, and put onto a card. Pure.

    fields = read_form("小墨龙 | 墨龙来也！ | 一条爱写字的小龙。 | 语气：文绉绉")
    character = filled(fields, None)

Parts stand between bars or line breaks. One that begins with a field's name and a colon is that
field, in the language of its words unless `.zh` or `.en` says which; the others are, in this order,
name, greeting, short description, long description.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from bot.conversation import language_of
from bot.timbre import voice_of
from characters.card import CardError, Character, Language, Lines, Words, read_card
from characters.fields import as_table
from characters.voices import Voice

# What a field is called -> the key of a card.
LABELS: Mapping[str, str] = {
    **dict.fromkeys(("name", "名字", "名称", "姓名"), "name"),
    **dict.fromkeys(
        ("alias", "aliases", "nickname", "nicknames", "别名", "外号", "昵称"), "aliases"
    ),
    **dict.fromkeys(("greeting", "开场白", "问候"), "greeting"),
    **dict.fromkeys(("short", "brief", "简介", "短介绍", "简短介绍"), "brief"),
    **dict.fromkeys(
        ("long", "persona", "description", "详情", "长介绍", "人设", "描述"), "persona"
    ),
    **dict.fromkeys(("manner", "style", "语气", "口吻", "说话"), "style"),
    **dict.fromkeys(("lines", "line", "台词", "例句"), "lines"),
    **dict.fromkeys(("categories", "category", "tags", "类别", "标签"), "categories"),
    **dict.fromkeys(("emoji", "表情"), "emoji"),
    **dict.fromkeys(("voice", "sound", "声音", "嗓音"), "voice"),
}
_ORDER = ("name", "greeting", "brief", "persona")
_LABEL = re.compile(r"\s*([^\W\d_]{1,12})(?:\.(zh|en))?\s*[:：]\s*(.*)", re.DOTALL)
_NONE = frozenset(("none", "无", "-"))

Fields = Mapping[tuple[str, str], str]  # (key, "zh", "en" or "") -> what was typed


def read_form(text: str) -> dict[tuple[str, str], str]:
    """The fields in a text, by key and language ("" where the words say which)."""
    found: dict[tuple[str, str], str] = {}
    free: list[str] = []
    for part in filter(None, map(str.strip, re.split(r"[|｜\n]", text))):
        label = _LABEL.fullmatch(part)
        key = LABELS.get(label[1].casefold()) if label else None
        if label and key:
            found[key, label[2] or ""] = label[3].strip()
        else:
            free.append(part)
    labelled = {key for key, where in found if not where}
    left = [key for key in _ORDER if key not in labelled]
    for number, part in enumerate(free):
        key = left[number] if number < len(left) else "persona"
        found[key, ""] = f"{found.get((key, ''), '')}\n{part}".strip()
    return found


def filled(fields: Fields, onto: Character | None) -> Character:
    """A character with these fields; the others stay as they are in `onto`. A field that says
    "none" is taken away.

    Raises:
        CardError: the name, the greeting or every description is missing, or the voice is none.
    """
    language = _language(fields, onto)
    if onto is None:
        onto = _EMPTY
    changes: dict[str, object] = {}
    for (key, where), typed in fields.items():
        text = "" if typed.casefold() in _NONE else typed
        said: Language = "en" if where == "en" else "zh" if where == "zh" else language
        before = changes.get(key, getattr(onto, key))
        match before:
            case Words():
                changes[key] = replace(
                    before, **{said: " ".join(text.split()) if key == "name" else text}
                )
            case Lines():
                changes[key] = replace(before, **{said: _several(key, text)})
            case tuple():
                changes[key] = _several(key, text)
            case Voice():
                changes[key] = voice_of(text)
            case _:
                changes[key] = text
    made = replace(onto, **changes)  # type: ignore[arg-type]  # each is of its field's kind
    if not made.name:
        raise CardError("name: is missing")
    if not made.greeting:
        raise CardError("greeting: is missing")
    table = as_table(made) | {"id": made.id or "new"}
    return replace(read_card(table, "the character"), id=made.id)


def _several(key: str, text: str) -> tuple[str, ...]:
    if key == "greeting":
        return (text,) if text else ()
    parts = re.split(r"\s+[/／]\s+|[／\n]" if key == "lines" else r"[,，、;；/／]", text)
    return tuple(filter(None, map(str.strip, parts)))


def _language(fields: Fields, onto: Character | None) -> Language:
    """The language of what was typed: of the longest text that tells; that of `onto` otherwise."""
    texts = sorted((t for (_, where), t in fields.items() if not where), key=len, reverse=True)
    told = next(filter(None, map(language_of, texts)), None)
    if onto is not None and onto.name and not (onto.name.zh and onto.name.en):
        return "zh" if onto.name.zh else "en"
    return "en" if told == "en" else "zh"


_EMPTY = Character("", *(Words(), Lines()), *(Words(),) * 3, *(Lines(),) * 2)
