"""What a speaker was last asked, and whether a message asks. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from characters.turn import Scene, Turn
from text.folding import fold_text

_QUESTION = re.compile(
    r"[?？]|[吗么呢](?:\W|$)|什么|甚么|怎|谁|哪|几[个时]|多少|为何|如何|啥|是不是|有没有"
    r"|^\W*(?:do|does|did|is|are|was|were|have|has|can|could|would|should|will|who|whose|what|when"
    r"|where|which|why|how)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[^，。！？；…,.!?;\n]+")
_OF_LISTENER = re.compile(r"[你您妳]|\b(?:you|your|yours|u|ur|ya)\b", re.IGNORECASE)


def unanswered(scene: Scene, speaker: str) -> tuple[Sequence[Turn], Turn | None]:
    """What a speaker (an id) heard before the last message of a person, and that message; None for
    it once the speaker has answered."""
    heard = [turn for turn in scene.turns if turn.heard_by(speaker)]
    at = next((n for n in reversed(range(len(heard))) if heard[n].side == "human"), None)
    if at is None or any(turn.speaker == speaker for turn in heard[at + 1 :]):
        return heard, None
    return heard[:at], heard[at]


def asks(text: str) -> bool:
    """Whether a message asks something, anywhere in it."""
    return bool(_QUESTION.search(fold_text(text).text))


def of_listener(text: str) -> bool:
    """Whether a text says you."""
    return bool(_OF_LISTENER.search(fold_text(text).text))


def clauses(text: str) -> list[tuple[int, str]]:
    """What stands between the marks of a text, each with its place."""
    return [(found.start(), found.group()) for found in _CLAUSE.finditer(text)]
