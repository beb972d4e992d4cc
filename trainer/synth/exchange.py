"""Lessons from and to the files of other projects: whose voice is taught, and who else speaks."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from characters.card import Cast, Character, Language, UnknownCharacter
from characters.prompt import Style, name_of, transcript
from characters.thoughts import spoken
from characters.turn import Scene, Turn, safe_name
from trainer.lessons import Lesson
from trainer.people import PEOPLE
from trainer.synth.error import FormatError
from trainer.synth.formats import Dialogue, Utterance
from trainer.synth.formats.chatharuhi import NARRATORS
from trainer.synth.formats.rows import read_rows
from trainer.synth.harvest import Row, seed_of
from trainer.synth.wording import language_of


def lessons_of(
    dialogues: Iterable[Dialogue],
    cast: Cast,
    *,
    source: str,
    character: Character | None = None,
    left: Counter[str],
) -> Iterator[Row]:
    """A lesson row for each dialogue in which somebody with a card answers.

    `character` says whose voice it is where the file does not. Others who have a card are on stage
    under it, all else are people. What comes after the last own line is nobody's reply. `left`
    counts the dialogues that became no lesson, by reason.
    """
    for number, dialogue in enumerate(dialogues, start=1):
        speaker = character or _whose(dialogue, cast)
        if speaker is None:
            left["nobody with a card is taught"] += 1
            continue
        lines = list(_without_thoughts(dialogue.lines))
        while lines and not lines[-1].own:
            lines.pop()
        if not lines:
            left["no reply in it"] += 1
            continue
        language = language_of(lines[-1].text)
        person = PEOPLE[language][seed_of(source, number) % len(PEOPLE[language])]
        turns: list[Turn] = []
        for line in lines:
            turn = _turn(line, speaker, cast, person)
            if turns and (turns[-1].speaker, turns[-1].side) == (turn.speaker, turn.side):
                turns[-1] = dataclasses.replace(turn, text=f"{turns[-1].text}\n{turn.text}")
            else:
                turns.append(turn)
        *before, last = turns
        ids = [speaker.id, *(turn.speaker for turn in before if turn.side == "character")]
        scene = Scene(
            tuple(cast[name] for name in dict.fromkeys(ids)), tuple(before), language=language
        )
        name = f"{source}-{number:05}"
        made = Lesson(id=name, source=source, scene=scene, speaker=speaker, reply=last.text)
        told = {"method": "import", "sources": [f"{source}:{number}"]}
        extra = {"extra": dict(dialogue.extra)} if dialogue.extra else {}
        yield made.to_row() | {"provenance": told | extra}


def _without_thoughts(lines: Iterable[Utterance]) -> Iterator[Utterance]:
    """What was said; what a model thought before it is nobody's line."""
    for line in lines:
        said = spoken(line.text).strip() if line.own else line.text
        if said:
            yield dataclasses.replace(line, text=said)


def _whose(dialogue: Dialogue, cast: Cast) -> Character | None:
    for name in (dialogue.role, dialogue.system):
        if not name:
            continue
        try:
            return cast.find(name)
        except UnknownCharacter:
            pass
    named = [one for one in cast if any(len(n) > 1 and n in dialogue.system for n in one.names)]
    return named[0] if len(named) == 1 else None


def _turn(line: Utterance, speaker: Character, cast: Cast, person: str) -> Turn:
    if line.own:
        return Turn(speaker.id, line.text, "character")
    if line.name in NARRATORS:
        return Turn("", line.text, "narration")
    if line.name:
        try:
            return Turn(cast.find(line.name).id, line.text, "character")
        except UnknownCharacter:
            return Turn(safe_name(line.name), line.text, "human")
    return Turn(person, line.text, "human")


def read_lessons(file: Path, cast: Cast) -> Iterator[tuple[Lesson, Row]]:
    """(lesson, its whole row) of a file of lesson rows.

    Raises:
        FormatError: a row that is no lesson; file and line are named.
    """
    for where, row in read_rows(file):
        try:
            yield Lesson.from_row(row, cast), row
        except (LookupError, TypeError, AttributeError) as problem:
            raise FormatError(f"{where}: no lesson: {problem}") from problem


def dialogue_of(lesson: Lesson, row: Row, style: Style) -> Dialogue:
    """A lesson as other projects keep dialogues; the system text is what our renderer writes."""
    scene = lesson.scene
    empty = dataclasses.replace(scene, turns=())
    spans = transcript(empty, lesson.speaker, style=style)
    system = "".join(span.text for span in spans if not span.control)
    lines = [
        Utterance(name_of(turn, scene), turn.text, own=_own(turn, lesson.speaker))
        for turn in scene.turns
    ]
    name = lesson.speaker.name[scene.language]
    lines = [dataclasses.replace(one, name="") if one.own else one for one in lines]
    told = row.get("provenance") or {}
    extra = dict(told.get("extra", {}))
    return Dialogue((*lines, Utterance("", lesson.reply, own=True)), name, system, extra)


def _own(turn: Turn, speaker: Character) -> bool:
    return turn.side == "character" and turn.speaker == speaker.id


def wiki_extra(lesson: Lesson, row: Row, cast: Cast, language: Language) -> dict[str, Any]:
    """What WikiRoleEval's judges need of a Ditto lesson: labels, evidence, four candidates."""
    labels = (row.get("provenance") or {}).get("turns")
    if not labels:
        return {}
    name = lesson.speaker.name[language]
    others = [one.name[language] for one in cast if one.id != lesson.speaker.id]
    at = seed_of(lesson.id) % 4
    candidates = others[:3]
    candidates.insert(min(at, len(candidates)), name)
    return {
        "role_consist_cands": candidates,
        "rejection_labels": [int(told["label"] == "unknown") for told in labels],
        "evidence": [told["evidence"] for told in labels],
        "meta": {
            "label": name,
            "description": lesson.speaker.brief[language],
            "lang": language,
        },
    }
