"""Builds the prompt of a reply from a room's stored turns, within the model's context. Pure.

A room's state and its kept turns become a `Scene`; a scene and the next speaker become a `Reading`,
trimmed so that it fits the model's context.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from bot.memory import RoomState, StoredTurn
from characters.card import LANGUAGES, Character, Language, UnknownCharacter
from characters.prompt import (
    Encoder,
    Span,
    Style,
    Tail,
    encode,
    prompt,
    tailed,
    transcript,
    trimmed,
)
from characters.turn import Scene, Turn

# Tokens; with less a prompt has no space for talk beside the cards.
LEAST_TALK = 48


class Crowded(ValueError):
    """The cards on stage leave no space for talk in the model's context."""

    for_user = True


@dataclass(frozen=True, slots=True)
class Reading:
    """What the model reads for one reply.

    `stable` tokens at the front stay for the next reply, None when all of them do. `dropped` of
    the scene's oldest turns are left out, and from now on stay out. `spans` are what the tokens
    were made of.
    """

    tokens: tuple[int, ...]
    stable: int | None
    dropped: int
    spans: tuple[Span, ...] = ()


def language_of(text: str) -> Language | None:
    """Chinese where there is a Chinese character, English where there are only Latin words.

    Tags and markup (<|im_end|>, [b]) are no words; None where the text does not say.
    """
    if re.search(r"[\u3400-\u9fff\uf900-\ufaff]", text):
        return "zh"
    bare = re.sub(r"<[^<>]*>|\[[^\[\]]*\]", " ", text)
    return "en" if re.search(r"[A-Za-z]{2}", bare) else None


def spoken_in(scene: Scene) -> Language | None:
    """The language of who spoke last; None where nothing that people said tells it."""
    said = (language_of(t.text) for t in reversed(scene.turns) if t.side == "human")
    return next(filter(None, said), None)


class ById(Protocol):
    """Characters by their ids."""

    def __getitem__(self, character_id: str) -> Character:
        """Raises UnknownCharacter where there is none."""
        ...


def greeted(scene: Scene) -> Scene:
    """The scene with its greetings in its own language, where cards have them in both.

    A greeting was said before anybody had spoken. A small model goes on in the language that it
    finds before it: greeted in Chinese and then asked in English it answered in Chinese, told
    otherwise or not.
    """
    said = {
        (member.id, text): here[min(number, len(here) - 1)]
        for member in scene.cast
        if (here := member.greeting[scene.language])
        for language in LANGUAGES
        if language != scene.language
        for number, text in enumerate(member.greeting[language])
    }
    turns = (
        replace(turn, text=said.get((turn.speaker, turn.text), turn.text))
        if turn.side == "character"
        else turn
        for turn in scene.turns
    )
    return replace(scene, turns=tuple(turns)) if said else scene


def scene_of(state: RoomState, kept: Sequence[StoredTurn], cast: ById, reader: str = "") -> Scene:
    """The room as a scene, with what `reader` (a character's id) remembers of earlier turns.

    Whoever left the stage, or lost its card, keeps its name.
    """
    language = state.language or "zh"
    present = tuple(c for c in map(_finder(cast), state.cast) if c is not None)
    ids = {character.id for character in present}

    def named(turn: Turn) -> Turn:
        if turn.side != "character" or turn.speaker in ids:
            return turn
        gone = _finder(cast)(turn.speaker)
        # A name that is no id of the cast is shown as it is.
        return replace(turn, speaker=gone.name[language]) if gone else turn

    return Scene(
        cast=present,
        turns=tuple(named(each.turn) for each in kept),
        place="；".join(filter(None, (state.place, state.mood))),
        summary=state.summary(reader),
        language=language,
    )


def as_of(scene: Scene, chapter: int) -> Scene:
    """The scene with its cast as they were when the book had come so far; 0 is the whole book."""
    return replace(scene, cast=tuple(c.as_of(chapter) for c in scene.cast)) if chapter else scene


def _finder(cast: ById) -> Callable[[str], Character | None]:
    def find(character_id: str) -> Character | None:
        try:
            return cast[character_id]
        except UnknownCharacter:
            return None

    return find


# How many tokens a turn adds to a prompt, with the member of the cast that it is rendered beside.
Measure = Callable[[Turn, Character, Language], int]


def turn_length(
    turn: Turn, member: Character, language: Language, *, style: Style, encoder: Encoder
) -> int:
    """Tokens that a turn adds to a prompt. `member` is its speaker, or anybody for other turns."""
    bare = Scene((member,), language=language)
    alone = replace(bare, turns=(replace(turn, witnesses=None),))
    system = len(transcript(bare, member, style=style))
    return len(encode(transcript(alone, member, style=style)[system:], encoder))


def reading(
    scene: Scene,
    speaker: Character,
    *,
    style: Style,
    encoder: Encoder,
    context: int,
    tail: Tail | None = None,
    measure: Measure | None = None,
) -> Reading:
    """The prompt for `speaker`, of at most `context` tokens. `measure` may remember its answers.

    The cards' example lines go first when there is no room.

    What is trimmed is decided for all on stage at once, so that they go on sharing one prefix:
    turns that nobody present heard cost nothing, all others count.

    Raises:
        Crowded: the cards alone leave no room.
    """
    measure = measure or partial(turn_length, style=style, encoder=encoder)
    members = {character.id: character for character in scene.cast}

    def length(turn: Turn) -> int:
        member = members.get(turn.speaker) if turn.side == "character" else None
        if not member and turn.witnesses is not None and turn.witnesses.isdisjoint(members):
            return 0
        return measure(turn, member or scene.cast[0], scene.language)

    def budget_with(style: Style) -> int:
        bare = prompt(replace(scene, turns=()), speaker, tail=tail, style=style)
        return context - sum(len(encoder(span.text, span.control)) for span in bare)

    lengths = [length(turn) for turn in scene.turns]
    budget = budget_with(style)
    if style.examples and style.cards == "full" and sum(lengths) > budget - LEAST_TALK:
        style = replace(style, examples=False)
        budget = budget_with(style)
    if budget < LEAST_TALK:
        raise Crowded(f"{len(scene.cast)}: {context - budget}/{context}")
    turns = scene.turns
    if turns and lengths[-1] > budget:
        turns = (*turns[:-1], _shortened(turns[-1], lengths[-1], budget, length))
        lengths[-1] = length(turns[-1])
    dropped = trimmed(lengths, budget)
    left = replace(scene, turns=turns[dropped:])
    spans = prompt(left, speaker, tail=tail, style=style)
    stable = transcript(left, speaker, style=style) if tailed(tail, style) else None
    return Reading(
        tokens=tuple(encode(spans, encoder)),
        stable=len(encode(stable, encoder)) if stable is not None else None,
        dropped=dropped,
        spans=spans,
    )


def _shortened(turn: Turn, now: int, budget: int, length: Callable[[Turn], int]) -> Turn:
    """One turn that is longer than the whole budget: its beginning and its end."""
    size, cut = len(turn.text), turn
    while now > budget and size > 2:
        size = min(size - 1, int(size * budget / now * 0.9))
        half = max(size // 2, 1)
        cut = replace(turn, text=f"{turn.text[:half]}……{turn.text[-half:]}")
        now = length(cut)
    return cut if now <= budget else replace(turn, text=turn.text[:1])
