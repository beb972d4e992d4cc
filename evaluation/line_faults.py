"""What is wrong with a line of a transcript, as far as a rule can tell without reading it. Pure.

    faults(line, before, cast, asked="悟空，我妹妹怕什么？", by="小明")   ->  ["recites its orders"]

The rules know nothing of how the bot guards its replies (`bot.faults`): they are the other side of
it, and count what reached the room.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from typing import Protocol

from characters.card import LANGUAGES, Cast, Character, Language
from characters.prompt import orders
from characters.selves import mistaken
from text.runs import Runs
from text.tongue import mostly

# What only a modern assistant says; each was read in a transcript of a model merely told its role.
_ASSISTANT = re.compile(
    r"语言模型|人工智能助手|作为一个?(?:AI|人工智能|助手)|(?:有什么|什么)(?:我)?可以帮(?:助|到)?[您你]"
    r"|很高兴(?:为|能)[您你]|随时(?:告诉|问)我|```|\bdef \w+\(|\blanguage model\b|\bas an AI\b"
    r"|\bI(?:'m| am) sorry, (?:but )?I (?:can't|cannot) (?:answer|understand|assist|help)"
    r"|\b(?:enough|sufficient) information\b|\b(?:rephrase|clarify) your\b|\bspecific answer\b"
    r"|\blet me know if you\b|问题(?:需要|要我)(?:解答|解决)"
    r"|足够的信息|提供更多|(?:帮助|协助)您|\banything else (?:I can|you need)\b"
    r"|\bhow (?:can|may) I (?:help|assist)\b|\bI(?:'m| am) here to (?:help|assist)\b",
    re.IGNORECASE,
)
_UNITS = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+")
# Characters of Chinese or words of English in a row that nobody says by chance.
_ORDERS_RUN: dict[Language, int] = {"zh": 6, "en": 6}
_CARD_RUN = 14
_ECHO_LEAST, _ECHO_SHARE = 5, 0.8


class Said(Protocol):
    """A line of a character, as the room showed it."""

    @property
    def speaker(self) -> Character: ...
    @property
    def text(self) -> str: ...


def spoken(text: str) -> str:
    """The language that a line is in: "zh", "en", or "" where it has no words."""
    return mostly(text) or ""


def faults(
    line: Said,
    before: Sequence[str],
    cast: Cast,
    *,
    asked: str = "",
    by: str = "",
    people: Iterable[str] = (),
) -> list[str]:
    """What is wrong with a line. `before` are the lines of the talk so far, `asked` what it answers
    and `by` who said that, `people` all who talk there without a card."""
    text, speaker = line.text.strip(), line.speaker
    if not text:
        return ["says nothing"]
    others = [c for c in cast if c.id != speaker.id]
    told = [name for c in others for name in (c.name.zh, c.name.en)]
    found = {
        "speaks for somebody else": _labelled(text, (*told, *people)),
        "speaks as an assistant": bool(_ASSISTANT.search(text)),
        "recites its orders": any(
            Runs.of(orders(language, name=speaker.name[language], other=by), run).find(text)
            is not None
            for language, run in _ORDERS_RUN.items()
        ),
        "recites a card": Runs.of(_described(cast), _CARD_RUN).find(text) is not None,
        "says it is somebody else": any(
            mistaken(text, speaker, cast, language=language, people=people)
            for language in LANGUAGES
        ),
        "repeats a line": text in before,
        "repeats a greeting": text in (*speaker.greeting.zh, *speaker.greeting.en),
        "repeats what was said to it": _echoes(text, asked),
    }
    return [fault for fault, there in found.items() if there]


def _labelled(text: str, names: Iterable[str]) -> bool:
    labels = "|".join(map(re.escape, names))
    return bool(labels) and bool(re.search(rf"(?:^|\n)\W*(?:{labels})\W{{0,3}}[：:]", text))


def _described(cast: Cast) -> list[str]:
    return [
        part[language]
        for character in cast
        for part in (character.persona, character.style, character.brief)
        for language in LANGUAGES
    ]


def _units(text: str) -> list[str]:
    """Characters of Chinese and words of other scripts, without what stands between them."""
    return _UNITS.findall(text.casefold())


def _echoes(text: str, asked: str) -> bool:
    ours, theirs = _units(text), _units(asked)
    if min(len(ours), len(theirs)) < _ECHO_LEAST:
        return False
    same = SequenceMatcher(None, ours, theirs, autojunk=False).find_longest_match()
    return same.size >= _ECHO_SHARE * len(ours)


def language_asked(text: str, otherwise: Language) -> str:
    """The language that an answer to `text` is to be in."""
    return spoken(text) or otherwise
