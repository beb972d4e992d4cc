"""One examination: ask everything, grade it, and keep all that a report needs.

record = await examine(subject, asks, voices=voices)
record.write(folder)                      report.json and answers.jsonl
record = read_record(folder)
"""

from __future__ import annotations

import datetime
import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evaluation import standing
from evaluation.error import EvaluationError
from evaluation.grading import ask_likelihoods, grade
from evaluation.measures.likeness import Embed
from evaluation.measures.memorised import Training
from evaluation.measures.voices import Voices
from evaluation.progress import Step
from evaluation.score import Score, from_json, rounded, to_json
from evaluation.subject import Answer, Answers, Ask, Subject, write_answers
from evaluation.table import MEASURES
from evaluation.table import faults as table_faults

FORMAT = 1
REPORT, ANSWERS = "report.json", "answers.jsonl"


@dataclass(frozen=True, slots=True)
class Sample:
    """A reply to read. `faults` are the measures that it fails; no reply of a report is hidden."""

    id: str
    character: str
    name: str
    part: str
    question: str
    text: str
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """What an examination found. `about` tells the subject and the conditions."""

    about: Mapping[str, Any]
    scores: tuple[Score, ...]
    samples: tuple[Sample, ...]
    notes: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.about["name"])

    def score(self, name: str) -> Score | None:
        """The score of this name, if the examination has it."""
        return next((score for score in self.scores if score.name == name), None)

    def to_json(self) -> dict[str, Any]:
        rows = standing.standing(self.scores)
        return {
            "format": FORMAT,
            "about": dict(self.about),
            "labels": dict(self.labels),
            "standing": {
                row.axis: {"value": round(row.value, 4), "interval": rounded(row.interval)}
                for row in rows
            },
            "scores": {score.name: to_json(score) for score in self.scores},
            "notes": list(self.notes),
            "samples": [
                [s.id, s.character, s.name, s.part, s.question, s.text, list(s.faults)]
                for s in self.samples
            ],
        }


def _silent(what: str, done: int, of: int) -> None:
    """Show nothing."""


async def examine(
    subject: Subject,
    asks: Sequence[Ask],
    *,
    voices: Voices | None = None,
    embed: Embed | None = None,
    training: Training | None = None,
    step: Step = _silent,
    about: Mapping[str, Any] | None = None,
) -> tuple[Record, dict[str, Answer]]:
    """Ask, grade, and gather what stands in the report; `step` is called as it goes on."""
    answered = 0

    def done(ask: Ask, answer: Answer) -> None:
        nonlocal answered
        answered += 1
        step(f"asking {subject.name}", answered, len(asks))

    began, busy = time.monotonic(), time.process_time()
    answers = await subject.answer(asks, done)
    seconds, busy = time.monotonic() - began, time.process_time() - busy
    scores = grade(asks, answers, voices=voices, embed=embed, training=training)
    notes: list[str] = []
    likely = await ask_likelihoods(subject, asks, step)
    if likely is None:
        named = ", ".join(measure.name for measure in MEASURES if measure.likelihood)
        notes.append(f"{named}: only a GGUF in our engine tells likelihoods")
    scores += likely or []
    if voices is None:
        notes.append("voices: no voices of this book were given (--voices)")
    if not any(ask.part == "book" for ask in asks):
        notes.append("book: no canon was given (--canon), so nothing was held against its lines")
    if training is None:
        notes.append("by heart: no training text was given (--training)")
    told = {
        "name": subject.name,
        "kind": subject.kind,
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "replies": len(asks),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(busy, 1),
        "tokens": sum(answer.tokens for answer in answers.values()),
        "characters": list(dict.fromkeys(ask.speaker.id for ask in asks)),
        **(about or {}),
    }
    return Record(told, tuple(scores), _samples(asks, answers, scores), tuple(notes)), answers


def labelled(record: Record, labels: Mapping[str, str]) -> Record:
    """The record with labels, for example teacher and student."""
    return replace(record, labels=dict(labels))


def noted(record: Record, note: str) -> Record:
    """The record with one more note."""
    return replace(record, notes=(*record.notes, note))


def with_scores(record: Record, scores: Iterable[Score]) -> Record:
    """The record with more scores, for example a judge's."""
    return replace(record, scores=(*record.scores, *scores))


def _samples(asks: Sequence[Ask], answers: Answers, scores: Sequence[Score]) -> tuple[Sample, ...]:
    """All replies, the worst first: those with the gravest faults, then in the exam's order."""
    known = table_faults()
    faults: dict[str, list[str]] = {}
    for score in scores:
        if score.name in known:
            for value in score.values:
                if value.value == known[score.name].value:
                    faults.setdefault(value.id, []).append(score.name)
    samples = [
        Sample(
            ask.id,
            ask.speaker.id,
            ask.speaker.name[ask.scene.language],
            ask.part,
            ask.question,
            answers[ask.id].text,
            tuple(faults.get(ask.id, ())),
        )
        for ask in asks
    ]
    return tuple(sorted(samples, key=lambda s: -sum(known[fault].gravity for fault in s.faults)))


def write_record(
    folder: Path, record: Record, asks: Sequence[Ask] = (), answers: Answers | None = None
) -> None:
    """report.json, and answers.jsonl where there are answers; each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{REPORT}.{os.getpid()}"
    partial.write_text(json.dumps(record.to_json(), ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(folder / REPORT)
    if answers is not None:
        write_answers(folder / ANSWERS, asks, answers)


def read_record(path: Path) -> Record:
    """A report's folder or its report.json. Raises EvaluationError for anything else."""
    file = path / REPORT if path.is_dir() else path
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        if told["format"] != FORMAT:
            raise ValueError(f"format {told['format']}, not {FORMAT}")
        return Record(
            told["about"] | {"name": str(told["about"]["name"])},
            tuple(from_json(name, row) for name, row in told["scores"].items()),
            tuple(_sample(row) for row in told["samples"]),
            tuple(told["notes"]),
            told["labels"],
        )
    except (OSError, ValueError, LookupError, TypeError) as problem:
        raise EvaluationError(
            f"{path} is no report ({problem}); make one with `mrp evaluate report MODEL -o DIR`"
        ) from None


def _sample(row: Sequence[Any]) -> Sample:
    identity, character, name, part, question, text, faults = row
    return Sample(identity, character, name, part, question, text, tuple(faults))
