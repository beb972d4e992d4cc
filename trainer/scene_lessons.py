"""Lessons out of scenes written by hand: every line of a character is a reply to learn, once.

A line with a tail (a memory, a passage, a note, or what a room looks up before such a reply) is a
lesson of its own, for only with the tail can the line be known; so is every line from where
somebody does not hear, read as its speaker heard it. All others are learned in one pass over the
scene.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator

from canon import worlds
from characters.card import Cast
from characters.prompt import Tail
from characters.told import told
from characters.turn import Turn
from characters.unheard import unheard
from trainer.lessons import CardsShown, Lesson
from trainer.scenes import WrittenScene

SOURCE = "scenes"


def lessons_of(
    written: WrittenScene, known: Cast, cards: CardsShown | None = None
) -> Iterator[Lesson]:
    """The lessons of one scene, rendered with so much of the cards."""
    turns = written.scene.turns
    since = 0
    for at, turn in enumerate(turns):
        if turn.side != "character":
            continue
        one = as_in_a_room(_lesson(written, known, cards, at), known)
        if not one.tail and not _missed(turns[: at + 1]):
            continue
        yield from _together(written, known, cards, since, at)
        yield dataclasses.replace(one, learn="reply")
        since = at + 1
    yield from _together(written, known, cards, since, len(turns))


def as_in_a_room(one: Lesson, known: Cast) -> Lesson:
    """The lesson with what a room looks up for such a reply: facts of the cast that are asked
    about, and what the book of the speaker does not have."""
    tail = one.tail or Tail()
    facts = told(known.facts, one.scene, one.speaker)
    passages = (*(fact.text[one.scene.language] for fact in facts), *tail.passages)
    before = (*passages, *tail.memory, tail.note)
    words = unheard(worlds.unheard, one.scene, one.speaker, before)
    tail = dataclasses.replace(tail, passages=passages, unheard=words)
    return dataclasses.replace(one, tail=tail if tail else None)


def _missed(turns: tuple[Turn, ...]) -> bool:
    """Whether somebody did not hear something."""
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
        tail=written.tails.get(at),
        cards=cards,
    )


def without_place(one: Lesson, rng: random.Random, share: float) -> Lesson:
    """The lesson without its stage setting in `share` of all cases: most chats have none."""
    if rng.random() >= share:
        return one
    return dataclasses.replace(one, scene=dataclasses.replace(one.scene, place=""))
