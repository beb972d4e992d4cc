"""The book as a script: rows of a canon's `scenes.jsonl` become turns of our cast.

The row format is documented in docs/canon.md; this file is where its speakers meet our cards.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from characters.card import Cast
from characters.turn import Turn

# Chapters of the shipped novel that no lesson is made of, so that a model can be examined on them.
HELD_OUT = (5, 15, 25, 35, 45, 55, 65, 75, 85, 95)
# Least confidence of a line's speaker: rule and object filter agree (canon's explicit tags).
SURE = 0.9
# Between two pieces of one speech stands a tag ("八戒笑道："); more is something that happened,
# perhaps an answer that the attribution missed. English takes four times as many letters.
TAG_LENGTH, _LETTERS = 24, 4


class ScriptError(ValueError):
    """Scenes that are not there or not readable; the message says what to run."""

    for_user = True


@dataclass(frozen=True, slots=True)
class Stretch:
    """An unbroken stretch of speech from one scene of the book."""

    scene: str
    chapter: int
    turns: tuple[Turn, ...]


def read_script(
    scenes: Path,
    cast: Cast,
    chapters: Collection[int] | None = None,
    *,
    narration: int = 0,
) -> Iterator[Stretch]:
    """Speech of the book's scenes, in the book's order.

    Lines of characters with a card are theirs; others speak as people under the name that the
    book gives them. Narration is left out: in the book it names who speaks next, and in a chat
    nobody writes it. What one speaker says in pieces becomes one line. A stretch ends where the
    speaker of a line is not sure, and where a speaker would answer himself across a gap: nobody
    should learn from a hole. `chapters` limits which are read. `narration`: so many characters of
    the narration before a line stay, whole sentences from its end; they make it predictable.

    Raises:
        ScriptError: the file is missing or a row is broken.
    """
    if not scenes.exists():
        raise ScriptError(f"{scenes}: no scenes there; run `mrp canon build NOVEL -o DIR` first")
    ids = {
        name: character.id for character in cast for name in (character.name.zh, character.name.en)
    }
    with scenes.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                row = json.loads(line)
                if chapters is not None and row["chapter"] not in chapters:
                    continue
                for turns in _stretches(row["turns"], ids, narration):
                    yield Stretch(row["id"], row["chapter"], tuple(turns))
            except (ValueError, LookupError, TypeError, AttributeError) as problem:
                raise ScriptError(f"{scenes}:{number}: not a scene: {problem!r}") from problem


def _stretches(
    rows: Iterable[dict[str, str]], ids: dict[str, str], narration: int
) -> Iterator[list[Turn]]:
    turns: list[Turn] = []
    between = 0  # characters of narration since the last line
    told = ""
    rows = list(rows)
    english = sum(row["text"].isascii() for row in rows) * 2 > len(rows)
    tag_length, blank = (TAG_LENGTH * _LETTERS, " ") if english else (TAG_LENGTH, "")
    for row in rows:
        text = row["text"].strip()
        if row["kind"] == "narration":
            between += len(text)
            told += blank + text
        if row["kind"] != "speech" or not text:
            continue
        sure = row["speaker"] != "?" and float(row["confidence"]) >= SURE
        name = row["speaker"]
        turn = Turn(ids[name], text, "character") if name in ids else Turn(name, text, "human")
        again = bool(turns) and turns[-1].speaker == turn.speaker
        if not sure or (again and between > tag_length and not narration):
            if turns:
                yield turns
            turns = []
        if sure and narration and between > tag_length:
            turns.append(Turn("", sentences_before(told.strip(), narration), "narration"))
        if sure:
            if turns and again and turns[-1].side != "narration":
                turns[-1] = dataclasses.replace(turn, text=turns[-1].text + blank + text)
            else:
                turns.append(turn)
        between, told = 0, ""
    if turns:
        yield turns


def sentences_within(text: str, limit: int) -> str:
    """The text, cut after its last whole sentence within `limit` characters."""
    if len(text) <= limit:
        return text
    marks = (*"。！？!?；", ". ")
    cut = max(text.rfind(mark, 0, limit) for mark in marks)
    if cut > limit // 3:
        return text[: cut + 1]
    stop = "." if text[:limit].isascii() else "。"
    return text[:limit].rstrip("，、, ") + stop


def sentences_before(text: str, limit: int) -> str:
    """The text's last whole sentences within `limit` characters, the last one whatever its length
    cut to the limit."""
    if len(text) <= limit:
        return text
    cut = min(
        (
            at
            for mark in (*"。！？；", ". ", "! ", "? ")
            if (at := text.find(mark, len(text) - limit - 1)) >= 0
        ),
        default=-1,
    )
    return text[cut + 1 :].lstrip() if 0 <= cut < len(text) - 1 else text[-limit:]


def speaking(turns: Sequence[Turn]) -> tuple[str, ...]:
    """Ids of the characters that speak, in order of their first line."""
    return tuple(dict.fromkeys(turn.speaker for turn in turns if turn.side == "character"))
