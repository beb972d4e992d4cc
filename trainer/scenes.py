"""Scenes written by hand (trainer/talk/scenes/*.scene): conversations in which every line answers
the one before.

    # 茶棚里的两个名字                a title begins a scene; titles are unique over all files
    @ language: zh                  zh or en; where they mix, that of the cards
    @ cast: wukong, bajie           who is on stage, by id
    @ place: 黄风岭下的茶棚           optional
    @ kind: names, follow-up        what the scene is there to teach: free words
    小明：大圣，我叫小明……            one line a turn: a person, a colon, what they say
    @ memory: 小明怕狗               read for the next line of a character only; so are
    @ passage: …                    a passage of the book, and
    @ note: …                       a director's note
    猪八戒：……                       a member of the cast, by its full name in the scene's language
    旁白：……                         narration ("Narrator:" in English)
    @ absent: bajie                 from here on bajie does not hear; `@ present: bajie` ends it

One scene of ten, chosen by the hash of its title, is held out: never trained on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from characters.card import LANGUAGES, Cast, Character, Language, UnknownCharacter, load_cast
from characters.prompt import Tail
from characters.turn import Scene, Turn, safe_name
from trainer import duplicates

SCENES_FOLDER = Path(__file__).parent / "talk" / "scenes"
_HELD_OUT = 0.1
_NARRATOR: dict[Language, str] = {"zh": "旁白", "en": "Narrator"}
_HEAD = ("language", "cast", "place", "kind")
_TAIL = ("memory", "passage", "note")
_HEARING = ("absent", "present")
_LONG = 12  # letters from which on a person's line is its own and may not come twice
MOST_ALIKE, LEAST_DISTINCT = 0.02, 0.85
_ALIKE = 0.8  # share of common pieces from which on two lines are near duplicates


class SceneError(ValueError):
    """A scene that cannot be used; the message names file and line."""

    for_user = True


@dataclass(frozen=True, slots=True)
class WrittenScene:
    """A scene with its title, the place it is written at (file:line), what it teaches, and the
    tails of the turns that have one, by the turn's index."""

    title: str
    where: str
    scene: Scene
    kind: tuple[str, ...] = ()
    tails: Mapping[int, Tail] = field(default_factory=dict)

    @property
    def held_out(self) -> bool:
        digest = hashlib.sha256(self.title.encode()).digest()
        return int.from_bytes(digest[:8]) / 2**64 < _HELD_OUT

    def lines(self) -> Iterator[Turn]:
        """What the characters say."""
        return (turn for turn in self.scene.turns if turn.side == "character")


def load_scenes(folder: Path = SCENES_FOLDER, known: Cast | None = None) -> list[WrittenScene]:
    """Every scene of a folder's *.scene files, in the order of the files.

    Raises:
        SceneError: no file, one that is not UTF-8, or a scene that breaks the format: see the
            module's text; a title, a character's line or a person's long line that was there
            before.
    """
    known = known or load_cast()
    files = sorted(folder.glob("*.scene"))
    if not files:
        raise SceneError(f"{folder}: no scene (*.scene) in this folder")
    found: list[WrittenScene] = []
    seen: dict[str, str] = {}
    for file in files:
        try:
            text = file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as problem:
            raise SceneError(f"{file}: cannot be read: {problem}") from problem
        found += _Reader(file, known, seen).read(text)
    return found


class _Reader:
    """Reads one file line by line; `seen` maps titles and lines of all files to where they are."""

    def __init__(self, file: Path, known: Cast, seen: dict[str, str]) -> None:
        self.file, self.known, self.seen = file, known, seen
        self.number = 0
        self.scenes: list[WrittenScene] = []
        self._clear("", 0)

    def _clear(self, title: str, start: int) -> None:
        self.title, self.start = title, start
        self.head: dict[str, str] = {}
        self.cast: tuple[Character, ...] = ()
        self.turns: list[Turn] = []
        self.tails: dict[int, Tail] = {}
        self.tail, self.tail_at = Tail(), 0
        self.absent: frozenset[str] = frozenset()

    def read(self, text: str) -> list[WrittenScene]:
        for self.number, raw in enumerate(text.split("\n"), start=1):
            line = raw.strip()
            if line.startswith("#"):
                self._end()
                title = line.lstrip("#").strip()
                self._once(title, "the title", title)
                self._clear(title, self.number)
            elif line and not self.title:
                raise self._wrong("stands before the first title (# …)")
            elif line.startswith("@"):
                self._said_of_it(line)
            elif line:
                self._turn(line)
        self._end()
        return self.scenes

    def _wrong(self, what: str, number: int | None = None) -> SceneError:
        return SceneError(f"{self.file}:{number or self.number}: {what}")

    def _once(self, text: str, what: str, shown: str) -> None:
        if not text:
            raise self._wrong(f"{what} is empty")
        if before := self.seen.get(text):
            raise self._wrong(f"{what} {shown[:30]!r} was there before ({before})")
        self.seen[text] = f"{self.file.name}:{self.number}"

    def _said_of_it(self, line: str) -> None:
        key, colon, value = line[1:].replace("：", ":", 1).partition(":")
        key, value = key.strip(), value.strip()
        if key not in (*_HEAD, *_TAIL, *_HEARING):
            known = ", ".join((*_HEAD, *_TAIL, *_HEARING))
            raise self._wrong(f"@ {key}: is no key of a scene; there are {known}")
        if not colon or not value:
            raise self._wrong(f"@ {key}: says nothing")
        if key in _HEAD:
            self._of_the_head(key, value)
        elif key in _HEARING:
            ids = {self._member(name).id for name in _listed(value)}
            self.absent = self.absent | ids if key == "absent" else self.absent - ids
        else:
            old, self.tail_at = self.tail, self.number
            self.tail = {
                "memory": Tail(old.passages, (*old.memory, value), old.note),
                "passage": Tail((*old.passages, value), old.memory, old.note),
                "note": Tail(old.passages, old.memory, value),
            }[key]

    def _of_the_head(self, key: str, value: str) -> None:
        if self.turns:
            raise self._wrong(f"@ {key}: must stand before the first turn")
        if key in self.head:
            raise self._wrong(f"@ {key}: stands twice")
        if key == "language" and value not in LANGUAGES:
            raise self._wrong(f"@ language: {value!r} is none of {', '.join(LANGUAGES)}")
        self.head[key] = value
        if key == "cast":
            try:
                self.cast = tuple(self.known[name] for name in _listed(value))
            except UnknownCharacter as problem:
                raise self._wrong(f"@ cast: {problem}") from problem
            if len({character.id for character in self.cast}) < len(self.cast):
                raise self._wrong("@ cast: names somebody twice")

    def _member(self, name: str) -> Character:
        for character in self.cast:
            if name == character.id:
                return character
        raise self._wrong(f"{name!r} is not in the scene's cast")

    @property
    def language(self) -> Language:
        return cast(Language, self.head["language"])

    def _turn(self, line: str) -> None:
        for key in ("language", "cast"):
            if key not in self.head:
                raise self._wrong(f"@ {key}: is missing before the first turn")
        cuts = [at for mark in "：:" if (at := line.find(mark)) > 0]
        if not cuts:
            raise self._wrong("a turn is written NAME：TEXT; this line has no name and colon")
        name, text = line[: min(cuts)].strip(), line[min(cuts) + 1 :].strip()
        if not text:
            raise self._wrong(f"{name} says nothing")
        speaker = self._speaker(name)
        heard = None
        if self.absent:
            heard = frozenset(c.id for c in self.cast) - self.absent
        if isinstance(speaker, Character):
            if speaker.id in self.absent:
                raise self._wrong(f"{name} speaks but is absent")
            self._once(f"{speaker.id}\n{duplicates.folded(text)}", "the line", text)
            if self.tail:
                self.tails[len(self.turns)] = self.tail
                self.tail = Tail()
            self.turns.append(Turn(speaker.id, text, "character", heard))
        elif speaker == "":
            self.turns.append(Turn("", text, "narration", heard))
        else:
            if len(duplicates.folded(text)) > _LONG:
                self._once(duplicates.folded(text), "the line", text)
            self.turns.append(Turn(speaker, text, "human", heard))

    def _speaker(self, name: str) -> Character | str:
        """A member of the cast, "" for the narrator, or a person's name as a chat shows it."""
        if name == _NARRATOR[self.language]:
            return ""
        for character in self.cast:
            if name == character.name[self.language]:
                return character
        try:
            other = self.known.find(name)
        except UnknownCharacter:
            return safe_name(name, (n for c in self.known for n in c.names))
        full = other.name[self.language]
        if other in self.cast:
            raise self._wrong(f"{name!r} is {full}; write the full name")
        raise self._wrong(f"{name!r} is {full}, who is not in the scene's cast ({other.id})")

    def _end(self) -> None:
        if not self.title:
            return
        if self.tail:
            what = "a memory, passage or note without a character's line behind it"
            raise self._wrong(what, self.tail_at)
        speaking = {turn.speaker for turn in self.turns if turn.side == "character"}
        if not speaking:
            raise self._wrong(f"the scene {self.title!r} has no turn of a character", self.start)
        # Two characters may talk among themselves; one alone needs somebody to talk with.
        if len(speaking) == 1 and not any(turn.side == "human" for turn in self.turns):
            raise self._wrong(f"the scene {self.title!r} has no turn of a person", self.start)
        self.scenes.append(
            WrittenScene(
                title=self.title,
                where=f"{self.file.name}:{self.start}",
                scene=Scene(
                    self.cast,
                    tuple(self.turns),
                    place=self.head.get("place", ""),
                    language=self.language,
                ),
                kind=tuple(_listed(self.head.get("kind", ""))),
                tails=self.tails,
            )
        )


def _listed(value: str) -> list[str]:
    return [one for part in value.replace("，", ",").split(",") if (one := part.strip())]


def quality(scenes: Sequence[WrittenScene]) -> dict[str, Any]:
    """What a rule can count: scenes, turns and lines by language, character and kind; the share of
    characters' lines that are near duplicates of an earlier one; the share of different
    four-letter pieces (four-word pieces in English) among all of those lines."""
    lines = [(turn, one) for one in scenes for turn in one.lines()]
    shelf = duplicates.Shelf(_ALIKE)
    alike = []
    for number, (turn, one) in enumerate(lines):
        if len(duplicates.folded(turn.text)) < 6:
            continue  # "好！" is nobody's own
        if (other := shelf.alike(turn.text, number)) is not None:
            alike.append(f"{one.where} {turn.text!r} (of {lines[other][0].text!r})")
    return {
        "scenes": len(scenes),
        "held_out": sum(one.held_out for one in scenes),
        "turns": sum(len(one.scene.turns) for one in scenes),
        "lines": len(lines),
        "letters": sum(len(turn.text) for one in scenes for turn in one.scene.turns),
        "with_tail": sum(len(one.tails) for one in scenes),
        "languages": dict(Counter(one.scene.language for one in scenes)),
        "people": dict(Counter(len(_people(one)) for one in scenes)),
        "characters": dict(Counter(turn.speaker for turn, _ in lines).most_common()),
        "kinds": dict(Counter(kind for one in scenes for kind in one.kind).most_common()),
        "near_duplicates": len(alike) / max(1, len(lines)),
        "alike": alike,
        "distinct_4": duplicates.distinct_grams([turn.text for turn, _ in lines]),
    }


def _people(one: WrittenScene) -> set[str]:
    return {turn.speaker for turn in one.scene.turns if turn.side == "human"}


def main(argv: list[str]) -> int:
    """`mrp lessons scenes [FOLDER]`. Returns 0; 1 when the scenes miss what is asked of them."""
    parser = argparse.ArgumentParser(
        prog="mrp lessons scenes",
        description="Read all hand-written scenes, count them and hold them to their limits: near "
        f"duplicates ≤ {MOST_ALIKE:.0%}, distinct 4-grams ≥ {LEAST_DISTINCT:g}.",
    )
    parser.add_argument("folder", nargs="?", type=Path, default=SCENES_FOLDER)
    parser.add_argument("--json", action="store_true", help="print the counts as the last line")
    args = parser.parse_args(argv)
    found = quality(load_scenes(args.folder))
    for key, value in found.items():
        if key != "alike":
            shown = (
                ", ".join(f"{k} {v}" for k, v in value.items())
                if isinstance(value, dict)
                else (f"{value:.4f}" if isinstance(value, float) else value)
            )
            print(f"{key:<16} {shown}")
    for line in found["alike"]:
        print(f"near duplicate: {line}")
    if args.json:
        print(json.dumps(found, ensure_ascii=False))
    return int(found["near_duplicates"] > MOST_ALIKE or found["distinct_4"] < LEAST_DISTINCT)
