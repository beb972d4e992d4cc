"""Facts that a speaker has before it for a reply, by what the last message names. Pure.

    told(cast.facts, scene, wukong)    ->    九齿钉耙是猪八戒的…    小明：悟空，你的钉耙多重？

A small model knows little of a book, and takes another's deeds for its own when it is asked about
them. A fact says whose a thing is; the speaker reads it before its reply, as it reads a passage of
the book (`prompt.Tail.passages`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from characters.asking import asks, of_listener, unanswered
from characters.card import Character
from characters.facts import Fact, folded
from characters.turn import Scene

MOST = 3  # facts before one reply

_LATIN = re.compile(r"[a-z0-9]")


def told(
    facts: Sequence[Fact],
    scene: Scene,
    speaker: Character,
    chapter: int = 0,
    most: int = MOST,
) -> tuple[Fact, ...]:
    """What a speaker has before it of the facts that the last message of a person names,
    until it has answered: those of the longest names first.

    Nothing where the message neither asks nor says you, nor for who is not of the cast that the
    facts are about. Facts later than `chapter` are not so yet; 0 is the whole book.
    """
    _, message = unanswered(scene, speaker.id)
    if message is None or all(fact.about != speaker.id for fact in facts):
        return ()
    own = of_listener(message.text)
    if not own and not asks(message.text):
        return ()
    text, called = folded(message.text), frozenset(map(folded, speaker.names))
    found = [
        (end - start, start, end, fact)
        for fact in facts
        if not chapter or fact.chapter <= chapter
        for key in (*fact.keys, *(fact.asked if own and fact.about == speaker.id else ()))
        for start, end in _places(key, text)
        # 齐天大圣，你饿么？ is not about the title.
        if key not in called or text[end : end + 1].isalnum()
    ]
    found.sort(key=lambda each: -each[0])
    kept = [
        fact
        for length, start, end, fact in found
        # 大圣 within 平天大圣 is not 孙悟空.
        if not any(
            one <= start and end <= other and longer > length for longer, one, other, _ in found
        )
    ]
    return tuple(dict.fromkeys(kept))[:most]


def _places(key: str, text: str) -> Iterator[tuple[int, int]]:
    """Where a key stands in a text; a Latin one not within a word, but for the s of many."""
    at = text.find(key)
    while at >= 0:
        end = at + len(key)
        before, after = text[at - 1 : at], text[end : end + 2]
        if not (
            (_LATIN.match(key) and _LATIN.match(before))
            or (_LATIN.match(key[-1]) and re.match(r"(?!s(?![a-z0-9]))[a-z0-9]", after))
        ):
            yield at, end
        at = text.find(key, at + 1)
