"""A reply that can be asked for: who speaks, in which scene, and what the model reads."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bot.conversation import Reading
from bot.memory import StoredLine
from bot.room.tail import Before
from bot.whispers import Confided
from characters.card import Character
from characters.selves import mistaken
from characters.turn import Scene
from text.tongue import mostly

_LANGUAGE = re.compile(r"英文|英语|中文|汉语|翻译|\b(?:translat|english\b|chinese\b)", re.I)
_CODE = re.compile(r"代码|编程|程序|\b(?:cod(?:e|er|ing)|program\w*|software|hacker)\b", re.I)
_BEGINNING = 160  # characters


@dataclass(frozen=True, slots=True)
class Prompt:
    """A reply that can be asked for: who speaks, in which scene, and what the model reads."""

    speaker: Character  # as the card is now
    reader: Character  # as it was at the room's chapter
    scene: Scene
    read: Reading
    before: Before
    person: str
    old: StoredLine | None
    whispered: bool  # for the person alone
    confided: Confided  # what must not be told

    @property
    def version(self) -> int:
        return len(self.old.texts) + 1 if self.old else 1

    @property
    def recent(self) -> list[str]:
        """The speaker's own last lines."""
        return [t.text for t in self.scene.turns if t.speaker == self.speaker.id][-4:]

    @property
    def coder(self) -> bool:
        """Whether its card speaks of code, so that code is in its role."""
        card = self.speaker
        words = (card.persona, card.style, card.brief)
        told = (*(w.zh for w in words), *(w.en for w in words), *card.lines.zh, *card.lines.en)
        return any(_CODE.search(text) for text in told)

    @property
    def asked(self) -> str:
        """What is answered: the last thing that the speaker heard of somebody else."""
        heard = (t for t in reversed(self.scene.turns) if t.heard_by(self.speaker.id))
        return next((t.text for t in heard if t.speaker != self.speaker.id), "")

    def mistaken(self, text: str, cast: Iterable[Character]) -> bool:
        """Whether a reply is said as another of the cast or as one of the people. How it begins
        tells: a long one may be a story, which speaks of others and takes long to be told again."""
        people = [t.speaker for t in self.scene.turns if t.side == "human"]
        begins, language = text[:_BEGINNING], self.scene.language
        return mistaken(begins, self.speaker, cast, language=language, people=people)

    def strays(self, text: str) -> bool:
        """Whether a reply is in another language than the talk, though nobody spoke of one."""
        return mostly(text) not in (None, self.scene.language) and not _LANGUAGE.search(self.asked)
