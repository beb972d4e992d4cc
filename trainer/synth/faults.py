"""What is wrong with a reply before anybody learns from it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from characters.card import Cast, Character, Language
from characters.thoughts import spoken
from trainer.synth.rouge import folded, rouge_l

LONGEST = 400  # characters; a chat line, not an essay

# What an assistant is, and how it offers itself; its offers were read in answers of a teacher of
# 1.5 billion weights, which goes on so after the answer's end.
_ASSISTANT = re.compile(
    r"人工智能|语言模型|AI助手|智能助手|虚拟助手|大模型|书生·?浦语|通义千问"
    r"|(?:有什么|还有).{0,4}(?:其他|别的)问题|(?:继续|可以|尽力)帮助[你您]|回答[你您]的问题"
    r"|随时告诉我|祝[你您]有.{0,3}愉快"
    r"|\b(?:as an AI|language model|AI assistant|OpenAI|ChatGPT|InternLM|Qwen)\b"
    r"|\b(?:how (?:can|may) I (?:help|assist)|let me know if you|any other questions)\b"
    r"|\bhave a (?:great|nice) day\b",
    re.IGNORECASE,
)
# An answer asked for as JSON sometimes writes its end into its own text, and begins again.
_OF_ITS_SHAPE = re.compile(r"[{}]|```|<\|")
_LIST = re.compile(r"^\s*(?:[-*#•]|\d+[.、)])\s?\S|\*\*", re.MULTILINE)
_HAN = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]")
# Cyrillic, Arabic, Thai, kana, Hangul: a single letter of these in a lesson is a slip.
_OTHER_SCRIPT = re.compile(r"[\u0400-\u052f\u0600-\u06ff\u0e00-\u0e7f\u3041-\u30fa\uac00-\ud7af]")
# A reply of so many letters is what it answers, said again, from this Rouge-L on.
_SAME_LETTERS, _SAME_ROUGE = 5, 0.8
# "自称老孙" in a card's manner says how the character calls itself.
_CALLS_ITSELF = re.compile(r"自称([\u4e00-\u9fff]{2,4})")
# A small teacher asked for questions hands back the card or a line of the scene.
_ASKS = re.compile(
    r"[?？]|[么吗呢][。!！…]*$|谁|什么|甚么|怎|哪|何|几|多少|可曾|是不是|有没有"
    r"|^(?:who|what|when|where|why|which|how|do|does|did|is|are|was|were|can|could|have|has|will)\b",
    re.IGNORECASE,
)
_AROUND = "「」“”\"' \n\u3000"


def tidy(reply: str, character: Character) -> str:
    """A reply without a thought, its own name, and quotation marks around it."""
    text = spoken(reply).strip()
    for name in (character.name.zh, character.name.en):
        for colon in "：:":
            if len(name) > 1 and text.startswith(name + colon):
                text = text[len(name) + 1 :]
    text = text.strip()
    if len(text) > 1 and text[0] in '「“"' and text[-1] in '」”"':
        text = text.strip(_AROUND)
    return text


def fault(
    reply: str, character: Character, cast: Cast, language: Language, answers: str = ""
) -> str:
    """Why nobody should learn this reply as the character's; "" when nothing is wrong.

    `answers` is what was said before it: a reply that says the same again is none.
    """
    plain = folded(reply)
    if not plain:
        return "empty"
    if len(plain) >= _SAME_LETTERS and rouge_l(plain, answers) >= _SAME_ROUGE:
        return "says again what it answers"
    if len(reply) > LONGEST:
        return f"longer than {LONGEST} characters"
    if _ASSISTANT.search(reply):
        return "speaks as an assistant"
    if _OF_ITS_SHAPE.search(reply):
        return "holds pieces of JSON or markup"
    if _LIST.search(reply):
        return "is set as a list"
    letters, strange = (_HAN, _LATIN) if language == "zh" else (_LATIN, _HAN)
    if _OTHER_SCRIPT.search(reply) or len(letters.findall(reply)) < len(strange.findall(reply)):
        return "in another language"
    others = [other for other in cast if other is not character]
    for other in others:
        for name in (other.name.zh, other.name.en):
            if re.search(rf"(?:^|\n)\s*{re.escape(name)}\s?[：:]", reply):
                return "speaks for others"
            if re.search(rf"(?:我是|我乃|我便是|我就是|I am |I'm ){re.escape(name)}(?!的)", reply):
                return "takes itself for another"
    own, foreign = _selves(cast)
    mine = own.get(character.id, "")
    for marker, owner in foreign.items():
        if owner != character.id and marker in reply and not (mine and mine in reply):
            return "calls itself as another does"
    return ""


def asks(text: str) -> bool:
    """Whether a text asks something: a mark, a word or a particle of questions."""
    return bool(_ASKS.search(text.strip()))


@lru_cache(maxsize=8)
def _selves(cast: Cast) -> tuple[dict[str, str], dict[str, str]]:
    """(character id → what it calls itself, the same the other way round), where cards tell."""
    own: dict[str, str] = {}
    for character in cast:
        match = _CALLS_ITSELF.search(character.style.zh)
        if match:
            own[character.id] = re.split("或|时", match[1])[0]
    return own, {marker: owner for owner, marker in own.items() if len(marker) > 1}


def leaks(reply: str, forbidden: Iterable[str]) -> str:
    """The first forbidden term in a reply; "" when there is none."""
    plain = reply.casefold()
    return next((term for term in forbidden if term and term.casefold() in plain), "")
