"""The words of our prompts, questions and examples: TOML in the folder `wording`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from string import Template
from typing import Any

from characters.card import LANGUAGES, Language
from trainer.synth.error import OptionError
from trainer.synth.formats.rows import read_rows, text_of

FOLDER = Path(__file__).parent / "wording"


@lru_cache(maxsize=8)
def table(name: str) -> Mapping[str, Any]:
    """A file of the folder `wording`."""
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def say(method: str, part: str, language: Language, **words: object) -> str:
    """A prompt of ours with its blanks filled. Raises KeyError for a blank that is not."""
    text: str = table("prompts")[method][part][language]
    return Template(text).substitute({key: str(word) for key, word in words.items()}).strip()


@dataclass(frozen=True, slots=True)
class Question:
    """Something to ask. `character`: an id where it is for one only; `kind`: its list."""

    text: str
    language: Language
    kind: str
    character: str = ""


def our_questions(kinds: tuple[str, ...]) -> list[Question]:
    """Questions that we wrote, by list."""
    listed = table("questions")
    return [
        Question(text, language, kind)
        for kind in kinds
        for language in LANGUAGES
        for text in listed[kind][language]
    ]


def read_questions(file: Path) -> list[Question]:
    """Questions of a file: one a line, or the rows that `mrp synth questions` wrote.

    Raises:
        OptionError: the file is missing, not UTF-8 or empty. FormatError: a row is broken.
    """
    found: list[Question] = []
    if file.suffix == ".jsonl":
        for where, row in read_rows(file):
            text = text_of(row, "question", where).strip()
            character = text_of(row, "character", where, "")
            found.append(Question(text, language_of(text), file.stem, character))
    else:
        try:
            lines = file.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as problem:
            raise OptionError(f"{file}: cannot be read: {problem}") from problem
        found = [
            Question(line.strip(), language_of(line), file.stem) for line in lines if line.strip()
        ]
    if not found:
        raise OptionError(f"{file}: no question in it")
    return found


def language_of(text: str) -> Language:
    """Chinese where there is a Chinese character."""
    return "zh" if any("\u3400" <= letter <= "\u9fff" for letter in text) else "en"
