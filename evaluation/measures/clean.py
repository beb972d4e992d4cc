"""Whether a reply is a reply: not empty, ended by itself, one voice, no assistant, its language."""

from __future__ import annotations

import re
from collections.abc import Iterable

from characters.card import Language

# What an assistant says of itself, and how it offers itself. Words of the book that look alike
# (助手, 模型 as a noun of its own) are only counted in these turns of phrase.
_ASSISTANT = re.compile(
    r"人工智能|语言模型|大模型|智能助手|AI\s*助手|聊天机器人|训练数据|作为(?:一个|一名)?AI"
    r"|OpenAI|ChatGPT|通义|书生·?浦语|文心一言|知识截止"
    r"|(?:有什么|有甚么)(?:可以|我能)帮(?:助|到)?您|很高兴为您服务|希望(?:这|以上).{0,6}对您有(?:所)?帮助"
    r"|\bas an? (?:AI|language model)|\blanguage model\b|\bI(?:'m| am) an AI\b"
    r"|\bhow (?:can|may) I (?:help|assist) you\b|\bmy training data\b",
    re.IGNORECASE,
)
_MARKDOWN = re.compile(r"^\s*(?:#{1,6}\s|[-*]\s|\d+\.\s)|\*\*|```|</?\w+>|<\|", re.MULTILINE)
_CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_LATIN = re.compile(r"[A-Za-z]")


def assistant(text: str) -> bool:
    """Whether an assistant shows through."""
    return bool(_ASSISTANT.search(text))


def markdown(text: str) -> bool:
    """Whether a reply holds headings, lists, bold, code or tags: nobody speaks those."""
    return bool(_MARKDOWN.search(text))


def speaks_for(text: str, finish: str, others: Iterable[str]) -> bool:
    """Whether a reply goes on as somebody else: a name and a colon, at its end or within.

    `finish` "stop" is the engine's word that another's name began, and was not shown.
    """
    if finish == "stop":
        return True
    # At the start of a line or sentence; 他叫道：“ within a sentence is a quotation.
    return any(
        re.search(rf"(?:^|[\n。！？!?”\"]\s*){re.escape(name)}\s*[：:]", text) for name in others
    )


def in_language(text: str, language: Language) -> bool:
    """Whether most letters of a reply are of the language it was asked in; nothing is in none."""
    chinese, latin = len(_CHINESE.findall(text)), len(_LATIN.findall(text))
    # An English word has some five letters where a Chinese one has one or two.
    return chinese * 3 > latin if language == "zh" else latin > chinese * 3
