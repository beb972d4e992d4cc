"""A lesson: a scene with its last line as the reply to learn; a folder of lessons on disk.

It is kept as words, not as tokens: the one renderer (`characters.prompt.lesson`) turns it into what
the model reads, so the same lessons serve every model and markup. What makes lessons:
`trainer/compose.py` from a recipe, `trainer/mix.py` from other people's conversations, and
`trainer/synth/` from a teacher model.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from characters.card import Cast, Character, load_cast
from characters.prompt import Span, Style, Tail, lesson
from characters.turn import Scene, Side, Turn

Split = Literal["train", "held_out"]
SPLITS: tuple[Split, ...] = ("train", "held_out")
CardsShown = Literal["full", "brief", "name"]


class LessonError(ValueError):
    """Lessons or scenes that are not there or broken; the message says what to run."""

    for_user = True


@dataclass(frozen=True, slots=True)
class Lesson:
    """A scene and the reply that ends it. `speaker` says `reply`; `learn` as in the renderer;
    `provenance` is what a method of `mrp synth` wrote down about how it was made. Turns before
    `since` are read only. `cards`: how much of the cards this lesson shows (None: what the recipe
    says), so that a voice does not come to depend on its card."""

    id: str
    source: str
    scene: Scene
    speaker: Character
    reply: str
    tail: Tail | None = None
    learn: Literal["reply", "all"] = "all"
    provenance: Mapping[str, Any] | None = None
    since: int = 0
    cards: CardsShown | None = None

    def spans(self, style: Style) -> tuple[Span, ...]:
        """What the model reads, in `style`; the lesson's own `cards` count before the style's."""
        if self.cards:
            style = dataclasses.replace(style, cards=self.cards)
        return lesson(
            self.scene,
            self.speaker,
            self.reply,
            tail=self.tail,
            style=style,
            learn=self.learn,
            since=self.since,
        )

    def without_oldest_turn(self) -> Lesson:
        """The same with one turn less. Raises LessonError when there is none to leave out."""
        if not self.scene.turns:
            raise LessonError(f"lesson {self.id}: cards and reply are longer than a row may be")
        scene = dataclasses.replace(self.scene, turns=self.scene.turns[1:])
        return dataclasses.replace(self, scene=scene, since=max(0, self.since - 1))

    def to_row(self) -> dict[str, Any]:
        """As one JSON object."""
        row = {
            "id": self.id,
            "source": self.source,
            "language": self.scene.language,
            "cast": [character.id for character in self.scene.cast],
            "place": self.scene.place,
            "turns": [
                {"side": turn.side, "speaker": turn.speaker, "text": turn.text}
                for turn in self.scene.turns
            ],
            "passages": list(self.tail.passages) if self.tail else [],
            "memory": list(self.tail.memory) if self.tail else [],
            "speaker": self.speaker.id,
            "reply": self.reply,
            "learn": self.learn,
        }
        optional: dict[str, Any] = {"since": self.since, "cards": self.cards}
        if self.tail:
            optional |= {"note": self.tail.note, "unheard": list(self.tail.unheard)}
        if self.provenance is not None:
            optional["provenance"] = dict(self.provenance)
        return row | {key: value for key, value in optional.items() if value or key == "provenance"}

    @classmethod
    def from_row(cls, row: Mapping[str, Any], known: Cast) -> Lesson:
        """The lesson of one JSON object. Raises KeyError or UnknownCharacter when it is broken."""
        return cls(
            id=row["id"],
            source=row["source"],
            scene=Scene(
                cast=tuple(known[name] for name in row["cast"]),
                turns=tuple(
                    Turn(turn["speaker"], turn["text"], cast(Side, turn["side"]))
                    for turn in row["turns"]
                ),
                place=row["place"],
                language=row["language"],
            ),
            speaker=known[row["speaker"]],
            reply=row["reply"],
            tail=Tail(
                tuple(row["passages"]),
                tuple(row["memory"]),
                str(row.get("note") or ""),
                tuple(row.get("unheard") or ()),
            ),
            learn=row["learn"],
            provenance=row.get("provenance"),
            since=int(row.get("since") or 0),
            cards=row.get("cards"),
        )


def without_context(made: Sequence[Lesson]) -> float:
    """The share of lessons with at most one line before the first that is learned: a question, and
    its answer."""
    if not made:
        return 0.0
    return sum(len(one.scene.turns) < 2 for one in made) / len(made)


def load(folder: Path, split: Split, known: Cast | None = None) -> list[Lesson]:
    """The lessons of one split of a folder that `mrp lessons` wrote.

    Raises:
        LessonError: the file is missing or a row is broken.
    """
    known = known or load_cast()
    file = folder / f"{split}.jsonl"
    if not file.exists():
        raise LessonError(f"{file}: no lessons there; run `mrp lessons` first")
    made = []
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                made.append(Lesson.from_row(json.loads(line), known))
            except (ValueError, LookupError, TypeError, AttributeError) as problem:
                raise LessonError(f"{file}:{number}: broken lesson: {problem}") from problem
    return made


def save(folder: Path, split: Split, made: Sequence[Lesson]) -> Path:
    """Write one split as JSON lines; the file appears when it is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{split}.jsonl"
    aside = file.with_suffix(".part")
    with aside.open("w", encoding="utf-8") as lines:
        for one in made:
            lines.write(json.dumps(one.to_row(), ensure_ascii=False) + "\n")
    aside.rename(file)
    return file


def report(lessons: Sequence[Lesson]) -> dict[str, Any]:
    """Counts: lessons by source and language, learned lines and characters by speaker."""
    lines: Counter[str] = Counter()
    letters: Counter[str] = Counter()
    for one in lessons:
        taught = [turn for turn in one.scene.turns if turn.side == "character"]
        for speaker, text in [(t.speaker, t.text) for t in taught] + [(one.speaker.id, one.reply)]:
            lines[speaker] += 1
            letters[speaker] += len(text)
    return {
        "lessons": len(lessons),
        "sources": dict(Counter(one.source for one in lessons)),
        "languages": dict(Counter(one.scene.language for one in lessons)),
        "lines": dict(lines.most_common()),
        "characters": dict(letters.most_common()),
        "empty": sum(not one.reply.strip() for one in lessons),
    }
