"""What a method works on: the cast, the book, the languages, and how much a prompt may hold."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from canon.canon import Canon
from characters.card import Cast, Character, Language
from characters.prompt import Style, card
from characters.script import HELD_OUT, Stretch, read_script, sentences_within
from characters.turn import Turn
from trainer.people import PEOPLE
from trainer.synth.error import OptionError
from trainer.synth.harvest import seed_of
from trainer.synth.wording import Question, our_questions, read_questions


@dataclass(frozen=True, slots=True)
class Pair:
    """A line of the book and the character's answer to it."""

    asker: str
    question: str
    answer: str
    source: str


@dataclass(frozen=True, slots=True)
class Options:
    """Knobs of the methods; each says which it reads. None leaves it to the method."""

    repeats: int = 5
    questions: Path | None = None
    count: int = 10
    shots: int = 5
    profiles: Path | None = None
    records: Path | None = None
    novel: Path | None = None
    names: Path | None = None
    everything: bool = False
    chat: Path | None = None
    temperature: float | None = None


@dataclass(frozen=True)
class World:
    """`room`: characters of material a prompt may hold. `left_out`: chapters nobody may learn."""

    cast: Cast
    characters: tuple[Character, ...]
    languages: tuple[Language, ...]
    seed: int
    room: int
    folder: Path | None = None
    left_out: frozenset[int] = frozenset(HELD_OUT)
    options: Options = field(default_factory=Options)

    def dice(self, *key: object) -> random.Random:
        """Randomness that belongs to a key."""
        return random.Random(seed_of(self.seed, *key))

    def person(self, language: Language, *key: object) -> str:
        """Somebody who asks."""
        return self.dice("person", *key).choice(PEOPLE[language])

    def card(self, character: Character, language: Language) -> str:
        """The card as a prompt may hold it."""
        full = card(character, language, Style(cards="full"))
        return full if len(full) <= self.room // 2 else card(character, language, BRIEF)

    def temperature(self, usual: float) -> float:
        """What the command line says, else what the method usually takes."""
        told = self.options.temperature
        return usual if told is None else told

    @cached_property
    def canon(self) -> Canon:
        """The book. Raises OptionError when no folder was named; CanonError for a broken one."""
        if self.folder is None:
            raise OptionError(
                "this method reads the book: name what `mrp canon build` wrote with --canon DIR"
            )
        return Canon.open(self.folder)

    @cached_property
    def chapters(self) -> list[int]:
        """Numbers of the chapters that may be learned."""
        return [n for n in range(1, self.canon.last + 1) if n not in self.left_out]

    @cached_property
    def stretches(self) -> list[Stretch]:
        """All speech of the book that is sure, in training chapters."""
        if self.folder is None:
            return []
        return list(read_script(self.folder / "scenes.jsonl", self.cast, set(self.chapters)))

    def stories(self, character: Character) -> list[Stretch]:
        """Stretches in which somebody speaks and the character answers."""
        return [s for s in self.stretches if any(_answers(s.turns, character))]

    def pairs(self, character: Character) -> list[Pair]:
        """Lines and the character's answers; nobody answers himself, no pair spans two scenes."""
        found: list[Pair] = []
        for stretch in self.stretches:
            for before, answer in _answers(stretch.turns, character):
                source = f"canon:{stretch.scene}"
                found.append(Pair(self.name(before), before.text, answer.text, source))
        return found

    def name(self, turn: Turn, language: Language = "zh") -> str:
        """A speaker's shown name."""
        if turn.side != "character":
            return turn.speaker
        return self.cast[turn.speaker].name[language]

    def questions(self, *kinds: str) -> list[Question]:
        """The file's questions if one was named, else ours of these lists; languages as chosen."""
        file = self.options.questions
        found = read_questions(file) if file else our_questions(kinds)
        chosen = [question for question in found if question.language in self.languages]
        if not chosen:
            raise OptionError(f"no question in {' or '.join(self.languages)}; see --languages")
        return chosen

    def asked_of(self, character: Character, questions: Sequence[Question]) -> list[Question]:
        """The questions that are for everybody or for this character."""
        return [question for question in questions if question.character in ("", character.id)]


@dataclass(frozen=True, slots=True)
class Assignment:
    """One character in one language, for one task of a method.

    `key` belongs to no other task of the method: seed and asker follow from it. `usual` is the
    temperature where the command line names none.
    """

    world: World
    character: Character
    language: Language
    method: str
    key: str
    usual: float

    @property
    def name(self) -> str:
        """The character's name in this language."""
        return self.character.name[self.language]

    @property
    def card(self) -> str:
        """The card as a prompt may hold it."""
        return self.world.card(self.character, self.language)

    @property
    def seed(self) -> int:
        """The seed of the first call."""
        return seed_of(self.world.seed, self.method, self.key)

    @property
    def temperature(self) -> float:
        """What the command line says, else `usual`."""
        return self.world.temperature(self.usual)

    def person(self, *more: object) -> str:
        """Somebody who asks."""
        return self.world.person(self.language, self.method, self.key, *more)


BRIEF = Style(cards="brief")


def _answers(turns: Sequence[Turn], character: Character) -> list[tuple[Turn, Turn]]:
    return [
        (before, turn)
        for before, turn in itertools.pairwise(turns)
        if turn.side == "character"
        and turn.speaker == character.id
        and before.speaker != turn.speaker
    ]


def told(name: str, text: str, limit: int) -> str:
    """A line of a script for a prompt, cut at a sentence end."""
    return f"{name}：{sentences_within(text, limit)}"
