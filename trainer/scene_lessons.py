"""Lessons out of scenes written by hand: every line of a character is a reply to learn, once.

A line with a tail (a memory, a passage, a note) is a lesson of its own, for only with the tail can
the line be known; so is every line from where somebody does not hear, read as its speaker heard it.
All others are learned in one pass over the scene.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator

from characters.card import Cast
from characters.turn import Turn
from trainer.lessons import CardsShown, Lesson
from trainer.scenes import WrittenScene

SOURCE = "scenes"


def lessons_of(
    written: WrittenScene, known: Cast, cards: CardsShown | None = None
) -> Iterator[Lesson]:
    """The lessons of one scene, rendered with so much of the cards."""
    turns = written.scene.turns
    alone = {at for at in range(len(turns)) if at in written.tails or _unheard(turns[: at + 1])}
    since = 0
    for at, turn in enumerate(turns):
        if turn.side != "character" or at not in alone:
            continue
        yield from _together(written, known, cards, since, at)
        yield dataclasses.replace(
            _lesson(written, known, cards, at), learn="reply", tail=written.tails.get(at)
        )
        since = at + 1
    yield from _together(written, known, cards, since, len(turns))


def _unheard(turns: tuple[Turn, ...]) -> bool:
    return any(turn.witnesses is not None for turn in turns)


def _together(
    written: WrittenScene, known: Cast, cards: CardsShown | None, since: int, end: int
) -> Iterator[Lesson]:
    """One lesson that learns every line of a character from `since` to before `end`, if any."""
    spoken = [at for at in range(since, end) if written.scene.turns[at].side == "character"]
    if spoken:
        yield dataclasses.replace(_lesson(written, known, cards, spoken[-1]), since=since)


def _lesson(written: WrittenScene, known: Cast, cards: CardsShown | None, at: int) -> Lesson:
    reply = written.scene.turns[at]
    return Lesson(
        id=f"{SOURCE}-{written.where}-{at}",
        source=SOURCE,
        scene=dataclasses.replace(
            written.scene,
            # What the speaker did not hear, it never learns of.
            turns=tuple(
                dataclasses.replace(turn, witnesses=None)
                for turn in written.scene.turns[:at]
                if turn.heard_by(reply.speaker)
            ),
        ),
        speaker=known[reply.speaker],
        reply=reply.text,
        cards=cards,
    )


def without_place(one: Lesson, rng: random.Random, share: float) -> Lesson:
    """The lesson without its stage setting in `share` of all cases: most chats have none."""
    if rng.random() >= share:
        return one
    return dataclasses.replace(one, scene=dataclasses.replace(one.scene, place=""))
