"""What a speaker has before it for one reply: passages of the book, lore, memories, notes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache

from bot.grounding import Passage, budget_of, facts_of, leaning, passages, within
from bot.memory.lore import lorebooks
from bot.recall import Occasion
from bot.room.view import View
from characters.card import Character
from characters.lore import Lorebook, Talk, Use, select
from characters.macros import expand
from characters.prompt import Tail, name_of
from characters.tavern import lore_of
from characters.turn import Scene
from characters.unheard import unheard

_SHARE = 8  # of the context that may hold what is remembered of a person
_NOTE_SHARE = 16  # of the context that may hold what a card's author notes
_LONG_AGO = 1000  # messages that a room whose beginning was trimmed is taken to have had


@dataclass(frozen=True, slots=True)
class Before:
    """The tail of a prompt, and what it was made of: passages of the book, entries of lorebooks,
    facts of the cast, as the names of who they are about and of the fact."""

    tail: Tail | None = None
    passages: tuple[Passage, ...] = ()
    lore: tuple[Use, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()

    def quotes(self, reply: str) -> tuple[tuple[int, str], ...]:
        """Chapter and quote of the passages, the one that the reply takes most from first."""
        return tuple(leaning(reply, self.passages)) if self.passages else ()

    @property
    def entries(self) -> tuple[tuple[str, str], ...]:
        """Book and name of the entries; a fact is of its character's book."""
        return (*((use.book, use.entry.name) for use in self.lore), *self.facts)


async def before(view: View, speaker: Character, scene: Scene, person: str) -> Before:
    """What the speaker needs for this one reply besides what was said."""
    shared, state = view.shared, view.memory.state
    context, length = shared.voice.context, shared.voice.length
    chapter, language = state.chapter, scene.language
    lore = await _lore(view, speaker, scene)
    facts = facts_of(
        shared.cast,
        scene,
        speaker,
        chapter=chapter,
        context=context,
        length=length,
        spent=sum(length(use.text) for use in lore),
    )
    told = (*(use.text for use in lore), *(fact.text[language] for fact in facts))
    found = passages(
        shared.book,
        scene,
        speaker,
        chapter=chapter,
        context=context,
        length=length,
        spent=sum(map(length, told)),
    )
    known: tuple[str, ...] = ()
    if shared.people and person:
        query = next((t.text for t in reversed(scene.turns) if t.side == "human"), "")
        occasion = Occasion(speaker.id, view.key, view.private, query, scene.language)
        known = await shared.people.recall(
            person,
            occasion,
            scene,
            budget=context // _SHARE,
            measure=length,
            on_connection=view.connection,
        )
    note = state.note
    if speaker.source and speaker.source.note:
        own = _read(speaker.source.note, view, speaker, scene)
        # The director's note comes last: it is what the room wants.
        note = "\n".join(filter(None, (within(own, context // _NOTE_SHARE, length), note)))
    told = (*told, *(p.text for p in found))
    world = shared.world(chapter)
    tail = Tail(told, known, note, unheard(world, scene, speaker, (*told, *known, note)))
    named = ((shared.cast[f.about].name[language], f.name(language)) for f in facts)
    return Before(tail if tail else None, found, lore, tuple(named))


async def _lore(view: View, speaker: Character, scene: Scene) -> tuple[Use, ...]:
    """The entries of the room's books and of the speaker's own that are called by what it heard."""
    budget = budget_of(view.shared.voice.context)
    books = (*_own(speaker), *await lorebooks(view.shared.memory, view.key, view.connection))
    if not books or not budget:
        return ()
    mark = "：" if scene.language == "zh" else ": "
    heard = tuple(
        f"{name_of(turn, scene)}{mark}{turn.text}"
        for turn in scene.turns
        if turn.heard_by(speaker.id)
    )
    return select(
        books,
        Talk(heard, view.key, _LONG_AGO if view.memory.state.mark else 0),
        budget=budget,
        length=view.shared.voice.length,
        reader=(speaker.id, speaker.names),
        shown=lambda text: _read(text, view, speaker, scene),
    )


def _read(text: str, view: View, speaker: Character, scene: Scene) -> str:
    """An author's text with its macros expanded, for this speaker and whom it talks with."""
    said = (turn.speaker for turn in reversed(scene.turns) if turn.side == "human")
    return expand(
        text,
        char=speaker.name[scene.language],
        user=next(said, ""),
        seed=f"{view.key}/{speaker.id}",
        language=scene.language,
    )


def _own(speaker: Character) -> tuple[Lorebook, ...]:
    """The lorebook of the card that a character was imported from, which it alone knows."""
    return _books_of(speaker.source.card, speaker.id) if speaker.source else ()


@lru_cache(maxsize=64)
def _books_of(card: str, owner: str) -> tuple[Lorebook, ...]:
    return lore_of(json.loads(card), owner)
