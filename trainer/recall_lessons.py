"""Short talks as lessons in which a fact is told and asked for again (trainer/recall.toml).

Put together from parts by one seed: who tells what, what is said in between, who asks. Every answer
stands in the talk, and names and things are drawn from many, so that only copying helps: a model
of a few million weights does not learn that from written scenes alone.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from characters.card import Cast, Character, Language
from characters.turn import Scene, Turn
from text.toml import read_toml
from trainer.lessons import Lesson

SOURCE = "recall"
RECALL_FILE = Path(__file__).with_name("recall.toml")


@dataclass(frozen=True, slots=True)
class _Told:
    """A fact that somebody told: `holds` is the word that is right now."""

    row: Mapping[str, Any]
    who: str
    holds: str


class Recall:
    """Makes up talks from the parts of a file. All randomness comes from `rng`."""

    def __init__(
        self, known: Cast, english: float, rng: random.Random, file: Path = RECALL_FILE
    ) -> None:
        self.known, self.english, self.rng = known, english, rng
        self.parts: Mapping[str, Any] = read_toml(file)

    def endless(self) -> Iterator[Lesson]:
        """One talk after another."""
        for number in itertools.count():
            yield self.lesson(number)

    def lesson(self, number: int) -> Lesson:
        """One talk: one to three facts of one or two people, then one or two questions."""
        rng = self.rng
        language: Language = "en" if rng.random() < self.english else "zh"
        speaker = rng.choice(list(self.known))
        people = self._people(language, rng.choice((1, 2, 2)))
        rows = [row for row in self.parts["fact"] if row["language"] == language]
        turns: list[Turn] = []
        told = []
        for row in rng.sample(rows, min(len(rows), rng.choice((1, 1, 2, 3)))):
            told.append(self._tell(turns, row, rng.choice(people), speaker))
            if rng.random() < 0.3:
                said, heard = rng.choice(self.parts["aside"][language])
                turns += (Turn(rng.choice(people), said), self._line(speaker, heard))
        if len(people) == 2 and rng.random() < 0.6:  # the same told by both: whose is whose?
            other = next(name for name in people if name != told[-1].who)
            told.append(self._tell(turns, told[-1].row, other, speaker, unlike=told[-1].holds))
        for one in rng.sample(told, min(len(told), rng.choice((1, 2)))):
            self._ask(turns, one, rng.choice(people), speaker)
        reply = turns.pop()
        return Lesson(
            id=f"{SOURCE}-{number:05}",
            source=SOURCE,
            scene=Scene((speaker,), tuple(turns), language=language),
            speaker=speaker,
            reply=reply.text,
        )

    def _people(self, language: Language, count: int) -> list[str]:
        names = self.parts["names"]
        if language == "en":
            return self.rng.sample(names["en"], count)
        given = self.rng.sample(names["given"], count)
        return [self.rng.choice(names["zh"]) + one for one in given]

    def _tell(
        self,
        turns: list[Turn],
        row: Mapping[str, Any],
        who: str,
        speaker: Character,
        unlike: str = "",
    ) -> _Told:
        rng = self.rng
        words = [word for word in row["words"] if word != unlike]
        first, second = rng.sample(words, 2)
        self._exchange(turns, who, speaker, (row["say"], row["heard"]), x=first)
        if rng.random() < 0.25:
            said = rng.choice(row["changed"]).format(x=first, y=second)
            self._exchange(turns, who, speaker, ([said], row["heard"]), x=second)
            return _Told(row, who, second)
        return _Told(row, who, first)

    def _ask(self, turns: list[Turn], one: _Told, asks: str, speaker: Character) -> None:
        row = one.row
        if self.rng.random() < 0.35:
            self._exchange(
                turns,
                asks,
                speaker,
                (row["who"], ["{who}。", "是{who}。"] if row["language"] == "zh" else ["{who}."]),
                x=one.holds,
                who=one.who,
            )
            return
        questions = row["ask"] if asks == one.who else row["of"]
        self._exchange(turns, asks, speaker, (questions, row["right"]), x=one.holds, who=one.who)

    def _exchange(
        self,
        turns: list[Turn],
        person: str,
        speaker: Character,
        parts: tuple[Sequence[str], Sequence[str]],
        **filled: str,
    ) -> None:
        """A person's line and the character's, drawn from `parts`."""
        said, answered = (self.rng.choice(list(each)) for each in parts)
        filled["me"] = self.parts["me"].get(speaker.id, "我")
        turns.append(Turn(person, _capital(said.format(**filled))))
        turns.append(self._line(speaker, _capital(answered.format(**filled))))

    def _line(self, speaker: Character, text: str) -> Turn:
        return Turn(speaker.id, text, "character")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
