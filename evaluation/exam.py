"""The exam: what every subject is asked, the same for all, so that answers can be compared.

    exam = build(leads(cast, ["wukong", …]), read_questions(), language="zh", canon=script)

Ids depend on the questions only, never on the subject: `mrp evaluate asks` writes them for whoever
answers elsewhere.
"""

from __future__ import annotations

import json
import os
import random
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from characters.card import Cast, Character, Language
from characters.script import Stretch, read_script, sentences_within
from characters.turn import Scene, Turn
from evaluation.error import EvaluationError
from evaluation.identity import QUESTIONS as INTRODUCTIONS
from evaluation.subject import Ask, Expect
from text.toml import read_toml

FOLDER = Path(__file__).parent / "questions"

# Turns between a planted fact and the question for it.
DISTANCES = (2, 8, 20, 50)

# Kinds of follow-up, and what the reply must have taken from the talk.
FOLLOW_UPS = {
    "asked": "who said or asked it",
    "about": "what it was about",
    "which": "which of two",
    "turned": "yes after no, no after yes",
    "corrected": "a correction is taken up",
    "name": "whose name it is, among four people",
    "plan": "a plan that changed",
    "apart": "two people are kept apart",
    "self": "who it is, among others",
    "unknown": "nobody told it, and it does not make it up",
    "again": "asked again, it keeps to what it said itself",
}

_CONTEXT = 6  # turns of the book's scene before the line that is asked for
_LONGEST = 110  # characters of a line, as in the lessons
_TELLING = 12  # characters; a shorter line of the book is too short to be compared with

_PERSON: dict[Language, str] = {"zh": "客人", "en": "Guest"}


@dataclass(frozen=True, slots=True)
class Size:
    """How much of each part is asked: questions a character, and how often each."""

    everyday: int
    repeats: int
    facts: int
    planted: int
    lines: int
    follows: int  # of each kind of follow-up


FULL = Size(everyday=36, repeats=2, facts=10, planted=5, lines=40, follows=100)
QUICK = Size(everyday=10, repeats=1, facts=6, planted=2, lines=10, follows=3)


@dataclass(frozen=True, slots=True)
class Questions:
    """The lists of a folder, as they were read."""

    everyday: Mapping[str, Sequence[str]]
    facts: tuple[Mapping[str, Any], ...]
    unknown: tuple[Mapping[str, Any], ...]
    planted: tuple[Mapping[str, Any], ...]
    fill: tuple[Mapping[str, Any], ...]
    follows: tuple[Mapping[str, Any], ...] = ()


def read_questions(folder: Path = FOLDER) -> Questions:
    """Read everyday.toml, facts.toml, unknown.toml, memory.toml and follows.toml; one that is
    missing is empty.

    Raises:
        EvaluationError: the folder has none of them, or a row lacks what it needs.
    """
    tables: dict[str, dict[str, Any]] = {}
    for name in ("everyday", "facts", "unknown", "memory", "follows"):
        file = folder / f"{name}.toml"
        if file.exists():
            try:
                tables[name] = read_toml(file)
            except (OSError, ValueError) as problem:
                raise EvaluationError(f"{file} cannot be read: {problem}") from None
    if not tables:
        raise EvaluationError(
            f"{folder} has no questions; it should hold everyday.toml, facts.toml, unknown.toml, "
            "memory.toml or follows.toml, as in the project's evaluation/questions"
        )
    memory = tables.get("memory", {})
    return Questions(
        everyday=tables.get("everyday", {}),
        facts=_rows(folder / "facts.toml", tables.get("facts", {}), "fact", _FACT),
        unknown=_rows(folder / "unknown.toml", tables.get("unknown", {}), "unknown", _UNKNOWN),
        planted=_rows(folder / "memory.toml", memory, "planted", ("say", "ask", "keys")),
        fill=_rows(folder / "memory.toml", memory, "fill", ("said", "answered")),
        follows=_follow_ups(folder / "follows.toml", tables.get("follows", {})),
    )


_FACT = ("character", "question", "right", "keys", "wrong")
_UNKNOWN = ("character", "kind", "question", "forbidden")
_FOLLOW_UP = ("kind", "language", "speaker", "turns", "keys")


def _follow_ups(file: Path, table: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    rows = _rows(file, table, "check", _FOLLOW_UP)
    for number, row in enumerate(rows, 1):
        if row["kind"] not in FOLLOW_UPS:
            kinds = ", ".join(FOLLOW_UPS)
            raise EvaluationError(f"{file}: [[check]] number {number}: kind is one of {kinds}")
        if not row["turns"] or not all(_said(turn)[1] for turn in row["turns"]):
            raise EvaluationError(f"{file}: [[check]] number {number}: a turn is 'who: what'")
    return rows


def _said(turn: str) -> tuple[str, str]:
    """Who and what of "who: what", with a colon of either width."""
    who, _, what = turn.replace("：", ":", 1).partition(":")
    return who.strip(), what.strip()


def _rows(
    file: Path, table: Mapping[str, Any], key: str, needed: Sequence[str]
) -> tuple[Mapping[str, Any], ...]:
    rows = table.get(key, [])
    for number, row in enumerate(rows, 1):
        missing = [name for name in needed if not isinstance(row, dict) or name not in row]
        if missing:
            raise EvaluationError(f"{file}: [[{key}]] number {number} has no {', '.join(missing)}")
        if isinstance(at := row.get("as_of", 0), bool) or not isinstance(at, int) or at < 0:
            what = f"as_of is the number of a chapter, not {at!r}"
            raise EvaluationError(f"{file}: [[{key}]] number {number}: {what}")
    return tuple(rows)


def read_lines(
    scenes: Path, cast: Cast, examined: Sequence[Character], chapters: Iterable[int]
) -> list[Stretch]:
    """Speech of the held-out chapters; whoever is not examined speaks as people do.

    Raises:
        ScriptError: the canon is missing.
    """
    ids = {character.id for character in examined}

    def seen(turn: Turn) -> Turn:
        text = sentences_within(turn.text, _LONGEST)
        if turn.side != "character" or turn.speaker in ids:
            return replace(turn, text=text)
        return Turn(cast[turn.speaker].name.zh, text)

    return [
        replace(stretch, turns=tuple(map(seen, stretch.turns)))
        for stretch in read_script(scenes, cast, frozenset(chapters))
    ]


def build(
    examined: Sequence[Character],
    questions: Questions,
    *,
    language: Language = "zh",
    size: Size = FULL,
    script: Sequence[Stretch] = (),
    seed: int = 1,
) -> list[Ask]:
    """All asks, part after part; without a `script` the part of the book's lines is left out."""
    maker = _Maker(tuple(examined), language, size, seed)
    return [
        *maker.introductions(),
        *maker.everyday(questions),
        *maker.facts(questions),
        *maker.unknown(questions),
        *maker.memory(questions),
        *maker.follows(questions),
        *maker.lines(script),
    ]


class _Maker:
    """Makes the asks of one exam; ids say part, character, question and repeat."""

    def __init__(
        self, examined: tuple[Character, ...], language: Language, size: Size, seed: int
    ) -> None:
        self._examined = examined
        self._language = language
        self._size = size
        self._seed = seed

    def introductions(self) -> Iterable[Ask]:
        questions = INTRODUCTIONS[self._language][: 2 * self._size.planted + 2]
        for character in self._examined:
            for number, question in enumerate(questions):
                yield self._ask("self", character, number, question, company=number % 2 == 1)

    def everyday(self, questions: Questions) -> Iterable[Ask]:
        asked = list(questions.everyday.get(self._language, ()))[: self._size.everyday]
        for character in self._examined:
            for number, question in enumerate(asked):
                for repeat in range(self._size.repeats):
                    company = (number + repeat) % 2 == 1
                    yield self._ask(
                        "everyday", character, number, question, company=company, repeat=repeat
                    )

    def facts(self, questions: Questions) -> Iterable[Ask]:
        for character in self._examined:
            mine = [r for r in questions.facts if r["character"] == character.id]
            rows = [row for row in mine if self._language in row["question"]]
            for number, row in enumerate(rows[: self._size.facts]):
                expect = Expect(
                    kind="known",
                    keys=tuple(row["keys"][self._language]),
                    choices=(row["right"][self._language], *row["wrong"][self._language]),
                )
                for repeat in range(self._size.repeats):
                    question = row["question"][self._language]
                    yield self._ask(
                        "facts", character, number, question, repeat=repeat, expect=expect
                    )

    def unknown(self, questions: Questions) -> Iterable[Ask]:
        for character in self._examined:
            mine = [r for r in questions.unknown if r["character"] == character.id]
            rows = [row for row in mine if self._language in row["question"]]
            taken: dict[str, int] = {}
            for number, row in enumerate(rows):
                kind = str(row["kind"])
                taken[kind] = taken.get(kind, 0) + 1
                if self._size is QUICK and taken[kind] > 2:
                    continue
                expect = Expect(
                    kind=kind,
                    keys=tuple(row.get("keys", {}).get(self._language, ())),
                    forbidden=tuple(row["forbidden"][self._language]),
                    as_of=row.get("as_of", 0),
                )
                for repeat in range(self._size.repeats):
                    question = row["question"][self._language]
                    yield self._ask(
                        "unknown", character, number, question, repeat=repeat, expect=expect
                    )

    def memory(self, questions: Questions) -> Iterable[Ask]:
        language = self._language
        fill = [row for row in questions.fill if language in row["said"]]
        if not fill:
            return
        for index, row in enumerate(questions.planted[: self._size.planted]):
            if language not in row["say"]:
                continue
            for offset, distance in enumerate(DISTANCES):
                # Somebody else is asked at each distance, so that nobody hears a fact twice.
                character = self._examined[(index + offset) % len(self._examined)]
                turns = [Turn(_PERSON[language], row["say"][language])]
                for step in range(distance):
                    pair = fill[(step // 2) % len(fill)]
                    turns.append(
                        Turn(character.id, pair["answered"][language], "character")
                        if step % 2 == 0
                        else Turn(_PERSON[language], pair["said"][language])
                    )
                turns.append(Turn(_PERSON[language], row["ask"][language]))
                expect = Expect(
                    kind=str(distance), keys=tuple(row["keys"][language]), distance=distance
                )
                scene = Scene((character,), tuple(turns), language=language)
                yield self._made("memory", character, f"{index}.{distance}", scene, 0, expect)

    def follows(self, questions: Questions) -> Iterable[Ask]:
        """Talks whose last turn can be answered only by who has followed; those of characters who
        are not examined are left out."""
        known = {character.id: character for character in self._examined}
        taken: dict[str, int] = {}
        for number, row in enumerate(questions.follows):
            stage = [row["speaker"], *row.get("stage", ())]
            if row["language"] != self._language or not all(name in known for name in stage):
                continue
            kind = str(row["kind"])
            taken[kind] = taken.get(kind, 0) + 1
            if taken[kind] > self._size.follows:
                continue
            said = [_said(turn) for turn in row["turns"]]
            turns = tuple(
                Turn(who, what, "character" if who in known else "human") for who, what in said
            )
            on_stage = tuple(character for character in self._examined if character.id in stage)
            expect = Expect(
                kind=kind, keys=tuple(row["keys"]), forbidden=tuple(row.get("forbidden", ()))
            )
            scene = Scene(on_stage, turns, language=self._language)
            yield self._made("follows", known[row["speaker"]], str(number), scene, 0, expect)

    def lines(self, script: Sequence[Stretch]) -> Iterable[Ask]:
        """Lines of the book that answer somebody; who asked stands before them."""
        if self._language != "zh":
            return
        ids = {character.id for character in self._examined}
        found: dict[str, list[tuple[str, Scene, str]]] = {name: [] for name in ids}
        for stretch in script:
            for index, turn in enumerate(stretch.turns):
                if index == 0 or turn.speaker not in ids or len(turn.text) < _TELLING:
                    continue
                before = stretch.turns[max(0, index - _CONTEXT) : index]
                scene = Scene(self._stage(turn.speaker, before), before, language="zh")
                found[turn.speaker].append((f"{stretch.scene}.{index}", scene, turn.text))
        for character in self._examined:
            rows = found[character.id]
            random.Random(f"{self._seed}:{character.id}").shuffle(rows)
            for name, scene, line in rows[: self._size.lines]:
                yield self._made("book", character, name, scene, 0, Expect(kind="book", line=line))

    def _stage(self, speaker: str, before: Sequence[Turn]) -> tuple[Character, ...]:
        speaking = {turn.speaker for turn in before if turn.side == "character"} | {speaker}
        return tuple(character for character in self._examined if character.id in speaking)

    def _ask(
        self,
        part: str,
        character: Character,
        number: int,
        question: str,
        *,
        company: bool = False,
        repeat: int = 0,
        expect: Expect | None = None,
    ) -> Ask:
        language = self._language
        on_stage = self._examined if company else (character,)
        if company:  # somebody has to be asked
            called = character.name[language]
            question = f"{called}，{question}" if language == "zh" else f"{called}, {question}"
        scene = Scene(on_stage, (Turn(_PERSON[language], question),), language=language)
        return self._made(part, character, str(number), scene, repeat, expect or Expect(kind=part))

    def _made(
        self,
        part: str,
        character: Character,
        name: str,
        scene: Scene,
        repeat: int,
        expect: Expect,
    ) -> Ask:
        identity = f"{part}/{character.id}/{name}/{repeat}"
        group = (
            f"{part}/{name}" if part in ("self", "everyday") else f"{part}/{character.id}/{name}"
        )
        if part == "memory":
            group = f"memory/{name.split('.')[0]}"
        seed = zlib.crc32(f"{self._seed}/{identity}".encode()) >> 1
        return Ask(identity, part, group, scene, character, seed, expect=expect)


def write_asks(path: Path, asks: Sequence[Ask], rows: Iterable[Mapping[str, Any]]) -> None:
    """The questions for whoever answers elsewhere: id, character, and chat messages a row."""
    partial = path.with_suffix(f".{os.getpid()}")
    with partial.open("w", encoding="utf-8") as file:
        for ask, row in zip(asks, rows, strict=True):
            told = {"id": ask.id, "character": ask.speaker.name[ask.scene.language], **row}
            file.write(json.dumps(told, ensure_ascii=False) + "\n")
    partial.replace(path)
