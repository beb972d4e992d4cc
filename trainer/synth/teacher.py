"""Who writes the answers: what a teacher is asked, what comes back, and one that only rehearses."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

from trainer.synth.shape import Shape, filled, longest

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a prompt."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Ask:
    """A prompt, the shape its answer must have, and how it is sampled.

    `voice` is whose line the answer is ("孙悟空："); a teacher that can be begun for begins so.
    """

    messages: tuple[Message, ...]
    shape: Shape
    temperature: float
    seed: int
    voice: str = ""

    def key(self, teacher: str) -> str:
        """The hash under which the answer of this teacher is kept (SHA-256, hex)."""
        told = {
            "teacher": teacher,
            "messages": [asdict(message) for message in self.messages],
            "shape": repr(self.shape),
            "temperature": self.temperature,
            "seed": self.seed,
            "voice": self.voice,
        }
        text = json.dumps(told, ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()

    @property
    def tokens(self) -> int:
        """Room for the answer in tokens: a character of Chinese seldom needs more than two."""
        return 64 + 2 * longest(self.shape)


@dataclass(frozen=True, slots=True)
class Completion:
    """What a teacher wrote; tokens it read and wrote."""

    text: str
    read: int
    written: int


class Unanswerable(Exception):
    """This one prompt gets no answer (refused, too long); others may."""


class Teacher(Protocol):
    """A model that can be asked.

    `name` stands in the provenance of every row; `room` is how many characters of material (lines,
    evidence) a prompt may hold.
    """

    name: str
    room: int

    async def ask(self, ask: Ask) -> Completion:
        """The answer. Raises Unanswerable (this prompt) or TeacherError (all)."""
        ...

    async def close(self) -> None:
        """Free what it holds."""
        ...


class Rehearsal:
    """A teacher that is never asked: answers of the right shape, for counting what a run costs."""

    def __init__(self, name: str, room: int) -> None:
        self.name = name
        self.room = room
        self.first: Ask | None = None
        self._numbers = itertools.count()

    async def ask(self, ask: Ask) -> Completion:
        """An answer at its fullest; tokens reckoned as one a character."""
        self.first = self.first or ask
        value: Any = filled(ask.shape, next(self._numbers))
        text = json.dumps(value, ensure_ascii=False)
        return Completion(text, sum(len(message.text) for message in ask.messages), len(text))

    async def close(self) -> None:
        """Nothing is held."""
