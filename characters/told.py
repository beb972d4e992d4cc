"""Facts that a speaker has before it for a reply, by what the last message names. Pure.

    told(cast.facts, scene, wukong)    ->    九齿钉耙是猪八戒的…    小明：悟空，你的钉耙多重？

A small model knows little of a book, and takes another's deeds for its own when it is asked about
them. A fact says whose a thing is; the speaker reads it before its reply, as it reads a passage of
the book (`prompt.Tail.passages`).
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence

from characters.asking import asks, clauses, of_listener, unanswered
from characters.card import Character
from characters.facts import Fact, folded
from characters.turn import Scene

MOST = 3  # facts before one reply

_LATIN = re.compile(r"[a-z0-9]")
# Wanted, where nothing is asked and nobody spoken to.
_WANTED = re.compile(r"[讲说]说|讲|介绍|告诉|\b(?:tell|explain|describe)\b")
# Whose a thing is, and who does it: the last of these before a word.
_WHO = re.compile(
    r"[你您我咱俺他她它]|\b(?:you|your|yours|u|ur|i|my|mine|we|our|he|his|she|her|they|their|its)\b"
)


def told(
    facts: Sequence[Fact],
    scene: Scene,
    speaker: Character,
    chapter: int = 0,
    most: int = MOST,
) -> tuple[Fact, ...]:
    """What a speaker has before it of the facts that the last message of a person names,
    until it has answered: those of the longest names first, of these its own.

    Nothing where the message neither asks, wants to be told, nor says you, nor for who is not of
    the cast that the facts are about. Facts later than `chapter` are not so yet; 0 is the whole
    book.
    """
    _, message = unanswered(scene, speaker.id)
    if message is None or all(fact.about != speaker.id for fact in facts):
        return ()
    text = folded(message.text)
    if not (asks(text) or of_listener(text) or _WANTED.search(text)):
        return ()
    called = frozenset(map(folded, speaker.names))
    found = [
        (start, end, fact)
        for fact in facts
        for start, end in (
            *_named(fact, text, called),
            *(_asked(fact, text) if fact.about == speaker.id else ()),
        )
    ]
    # 大圣 within 平天大圣 is not 孙悟空, also where nobody is called 平天大圣 yet.
    kept = [
        (start - end, fact.about != speaker.id, fact)
        for start, end, fact in found
        if not any(
            one <= start and end <= other and other - one > end - start for one, other, _ in found
        )
        if not chapter or fact.chapter <= chapter
    ]
    kept.sort(key=lambda each: each[:2])
    return tuple(dict.fromkeys(fact for _, _, fact in kept))[:most]


def _named(fact: Fact, text: str, called: Container[str]) -> Iterator[tuple[int, int]]:
    """Where a message names what a fact is about. Who is called by a name (齐天大圣，你饿么？) is
    not asked about it."""
    for key in fact.keys:
        for start, end in _places(key, text):
            after = text[end : end + 1]
            if key not in called or (after.isalnum() and after not in "你您"):
                yield start, end


def _asked(fact: Fact, text: str) -> Iterator[tuple[int, int]]:
    """Where a message asks the listener about itself: your weapon; not my weapon, nor what I eat,
    if you remember."""
    for start, clause in clauses(text):
        if of_listener(clause):
            for key in fact.asked:
                for at, end in _places(key, clause):
                    who = _WHO.findall(clause, 0, end)
                    if not who or of_listener(who[-1]):
                        yield start + at, start + end


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
