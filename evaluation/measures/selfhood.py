"""Does a character know who it is? A right self-introduction names oneself and nobody else's self.

In the novel 老孙 350 of 355, 贫僧 82 of 90 and 老猪 52 of 53 uses are the character's own.
"""

from __future__ import annotations

from collections.abc import Iterable

from characters.card import Character, Language
from evaluation.measures.voices import Voices


def introduces_itself(
    text: str,
    character: Character,
    others: Iterable[Character],
    language: Language,
    voices: Voices | None = None,
) -> bool:
    """Whether a reply holds a name of its speaker, or its own word for itself, and nothing that
    only somebody else says: no other voice's marker, no other's name right after 我是 or I am.
    """
    marks = voices.markers if voices else ()
    own = [character.name[language], *character.aliases[language]]
    own += [mark.words for mark in marks if mark.owner == character.id]
    if not any(name in text for name in own):
        return False
    if any(mark.words in text for mark in marks if mark.owner != character.id):
        return False
    claims = ("我是", "我乃", "我叫") if language == "zh" else ("I am ", "I'm ", "name is ")
    theirs = [
        name
        for other in others
        if other != character
        for name in (other.name[language], *other.aliases[language])
    ]
    return not any(f"{claim}{name}" in text for claim in claims for name in theirs)
