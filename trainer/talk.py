"""What we wrote ourselves: how people bring up a topic, and how each character answers.

`trainer/talk/asks.toml` holds the asks, one table a topic; `trainer/talk/<id>.toml` one
character's answers by the same topics. Nothing of it comes from a book.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from characters.card import LANGUAGES, Cast, Language, load_cast
from text.toml import read_toml

TALK_FOLDER = Path(__file__).parent / "talk"

IDENTITY = ("who_are_you", "your_name", "introduce_yourself", "what_do_you_do", "where_from")
UNKNOWN = (
    "phone",
    "internet",
    "are_you_ai",
    "car_plane",
    "other_novel",
    "modern_person",
    "foreign_country",
    "computer_game",
    "false_premise",
    "calculation",
    "movie",
    "modern_food",
)

Phrases = dict[Language, tuple[str, ...]]


class TalkError(ValueError):
    """A talk file that cannot be used; the message names the file and the topic."""

    for_user = True


@dataclass(frozen=True, slots=True)
class Talk:
    """`asks[topic][language]` and `answers[character id][topic][language]`."""

    asks: dict[str, Phrases]
    answers: dict[str, dict[str, Phrases]]

    def __iter__(self) -> Iterator[str]:
        for table in (self.asks, *self.answers.values()):
            for phrases in table.values():
                for language in LANGUAGES:
                    yield from phrases[language]


def load_talk(folder: Path = TALK_FOLDER, cast: Cast | None = None) -> Talk:
    """Read all talk files of a folder.

    Raises:
        TalkError: broken TOML, an unknown topic or character, an empty text.
    """
    cast = cast or load_cast()
    asks = _topics(folder / "asks.toml", _table(folder / "asks.toml"))
    answers = {}
    for file in sorted(folder.glob("*.toml")):
        if file.name == "asks.toml":
            continue
        table = _table(file)
        character = str(table.pop("character", ""))
        if character not in {card.id for card in cast}:
            raise TalkError(f"{file}: character: {character!r} has no card")
        answers[character] = _topics(file, table)
        for topic in answers[character]:
            if topic not in asks:
                raise TalkError(f"{file}: {topic}: nobody asks about this in asks.toml")
    return Talk(asks, answers)


def wording() -> list[str]:
    """All that we wrote, cards included, for the tokenizer."""
    texts = list(load_talk())
    for card in load_cast():
        for language in LANGUAGES:
            texts += [card.name[language], card.brief[language], card.persona[language]]
            texts += [card.style[language], *card.greeting[language], *card.lines[language]]
    return texts


def _table(file: Path) -> dict[str, Any]:
    try:
        return read_toml(file)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise TalkError(f"{file}: cannot be read: {problem}") from problem


def _topics(file: Path, table: dict[str, Any]) -> dict[str, Phrases]:
    topics: dict[str, Phrases] = {}
    for topic, phrases in table.items():
        if not isinstance(phrases, dict) or set(phrases) - set(LANGUAGES):
            raise TalkError(f"{file}: {topic}: must be a table with zh and en")
        topics[topic] = {}
        for language in LANGUAGES:
            lines = phrases.get(language, [])
            if not isinstance(lines, list):
                raise TalkError(f"{file}: {topic}.{language}: must be a list of texts")
            if not all(isinstance(line, str) and line.strip() for line in lines):
                raise TalkError(f"{file}: {topic}.{language}: holds an empty text")
            topics[topic][language] = tuple(lines)
    return topics
