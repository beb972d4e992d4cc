"""What a speaker was last asked, and whether a message asks. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from characters.turn import Scene, Turn

_QUESTION = re.compile(
    r"[?？]|[吗么呢](?:\W|$)|什么|甚么|怎|谁|哪|几[个时]|多少|为何|如何"
    r"|^\W*(?:do|does|did|is|are|have|has|can|could|would|will|who|what|when|where|which|how)\b",
    re.IGNORECASE,
)
_OF_LISTENER = re.compile(r"[你您]|\b(?:you|your|yours|u|ur|ya)\b", re.IGNORECASE)


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
    return bool(_QUESTION.search(text))


def of_listener(text: str) -> bool:
    """Whether a text says you."""
    return bool(_OF_LISTENER.search(text))
