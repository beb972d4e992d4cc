"""Scenes of the book as lessons, cut into windows that fit a small context."""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from characters.card import Cast, Language
from characters.script import read_script, sentences_within, speaking
from characters.turn import Scene, Turn
from trainer.lessons import Lesson

LEADS = ("wukong", "tangseng", "bajie", "shaseng")
_LONGEST_LINE = 110  # characters; longer speeches are cut at a sentence end
_LONGEST_SCENE = 620  # characters of all lines; about as many tokens with the markup
_LETTERS = 4  # of English for a character of Chinese, in tokens


def canon_lessons(
    scenes: Path, chapters: Sequence[int], known: Cast, rng: random.Random, narration: int = 0
) -> list[Lesson]:
    """One pass over the scenes, each cut into windows that fit a small context. `narration`: so
    many characters of it stay before a line (see `read_script`)."""
    made = []
    leads = [character for character in known if character.id in LEADS]
    for count, stretch in enumerate(read_script(scenes, known, chapters, narration=narration)):
        language = _language(stretch.turns)
        letters = 1 if language == "zh" else _LETTERS
        lines = [
            dataclasses.replace(turn, text=sentences_within(turn.text, _LONGEST_LINE * letters))
            for turn in stretch.turns
        ]
        for number, window in enumerate(_windows(lines, rng, _LONGEST_SCENE * letters)):
            while window and window[-1].side != "character":
                window = window[:-1]
            present = [known[name] for name in speaking(window)]
            if not present:
                continue
            if rng.random() < 0.6:  # more are on stage than speak, as in a chat
                present += [character for character in leads if character not in present]
            rng.shuffle(present)
            made.append(
                Lesson(
                    id=f"canon-{stretch.scene}-{count}-{number}",
                    source="canon",
                    scene=Scene(tuple(present), tuple(window[:-1]), language=language),
                    speaker=known[window[-1].speaker],
                    reply=window[-1].text,
                )
            )
    return made


def _language(turns: Sequence[Turn]) -> Language:
    """The language that a book's people speak in."""
    words = "".join(turn.text for turn in turns)
    return "zh" if re.search("[\u3400-\u9fff]", words) else "en"


def _windows(lines: Sequence[Turn], rng: random.Random, longest: int) -> Iterator[list[Turn]]:
    start = 0
    while start < len(lines):
        size, end = 0, start
        limit = rng.randint(longest // 2, longest)
        while end < len(lines) and (end == start or size + len(lines[end].text) <= limit):
            size += len(lines[end].text)
            end += 1
        yield list(lines[start:end])
        start = end
