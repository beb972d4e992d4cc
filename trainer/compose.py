"""`mrp lessons RECIPE`: scenes of the book and our own talk become lessons.

    mrp lessons trainer/recipes/mini.toml --canon build/canon -o build/lessons

    mrp lessons mix --help            lessons out of conversations that others kept

A lesson is a scene with its last line as the reply. It is kept as words, not as tokens: the one
renderer (`characters.prompt.lesson`) turns it into what the model reads, so the same lessons serve
every model and markup. Three sources:

canon      scenes of the book in training chapters; every line of the cast is learned
talk       people ask, characters answer, by topic (trainer/talk/*.toml); several people, several
           characters, greetings, English and Chinese; `identity` and `unknown` topics have shares
           of their own
held_out   the same from held-out chapters and held-out phrasings, never trained on
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from characters.card import LANGUAGES, Cast, Character, Language, load_cast
from characters.prompt import Span, Style, Tail, lesson
from characters.script import read_script, sentences_within, speaking
from characters.turn import Scene, Side, Turn
from trainer.recipe import Recipe, load_recipe
from trainer.talk import IDENTITY, UNKNOWN, Talk, load_talk

Split = Literal["train", "held_out"]
SPLITS: tuple[Split, ...] = ("train", "held_out")


def compose(recipe: Recipe, scenes: Path, split: Split) -> list[Lesson]:
    """All lessons of one split, in random order.

    Canon lessons are taken in whole passes (each with other casts and cuts) until their share of
    `recipe.lessons.tokens` is full, talk until theirs is. A token is reckoned as 0.85 characters
    of text plus the markup; the report of `mrp lessons` says what came out.
    """
    rng = random.Random(f"{recipe.seed}-{split}")
    known, talk = load_cast(), load_talk()
    chapters = [number for number in range(1, 1000) if number not in recipe.data.held_out]
    if split == "held_out":
        chapters = list(recipe.data.held_out)
    tokens = recipe.lessons.tokens if split == "train" else 60_000
    made: list[Lesson] = []
    budget = recipe.lessons.share.canon * tokens
    while budget > 0:
        passed = _canon_lessons(scenes, chapters, known, rng)
        if not passed:
            raise LessonError(f"{scenes}: no line of a character with a card in these chapters")
        rng.shuffle(passed)
        for one in passed:
            if budget <= 0:
                break
            budget -= _reckoned(one, recipe.prompt.style)
            made.append(one)
    passages = [
        sentences_within(turn.text, 60)
        for stretch in read_script(scenes, known, chapters)
        for turn in stretch.turns
        if len(turn.text) > 12
    ]
    show = _TalkShow(talk, known, recipe, split, rng)
    budget = (1 - recipe.lessons.share.canon) * tokens
    number = 0
    while budget > 0:
        one = show.lesson(number, passages)
        budget -= _reckoned(one, recipe.prompt.style)
        made.append(one)
        number += 1
    rng.shuffle(made)
    return made


def _reckoned(one: Lesson, style: Style) -> float:
    return sum(2.0 if span.control else 0.85 * len(span.text) for span in one.spans(style))


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


def main(argv: list[str]) -> int:
    if argv[:1] == ["mix"]:
        # By name: mix.py builds on this file.
        return int(importlib.import_module("trainer.mix").main(argv[1:]))
    parser = argparse.ArgumentParser(prog="mrp lessons", description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--canon", type=Path, help="instead of the recipe's data.canon")
    parser.add_argument("-o", "--out", type=Path, help="instead of the recipe's data.lessons")
    parser.add_argument("--sample", type=int, default=0, help="print so many random lessons")
    parser.add_argument("--json", action="store_true", help="print the counts as the last line")
    args = parser.parse_args(argv)
    recipe = load_recipe(args.recipe)
    scenes = (args.canon or Path(recipe.data.canon)) / "scenes.jsonl"
    out = args.out or Path(recipe.data.lessons)
    counts = {}
    for split in SPLITS:
        made = compose(recipe, scenes, split)
        file = save(out, split, made)
        counts[split] = report(made)
        print(f"{file}: {counts[split]['lessons']} lessons, {counts[split]['sources']}")
        for speaker, number in counts[split]["lines"].items():
            print(f"  {speaker:<10} {number:>6} lines")
        for one in random.Random(recipe.seed).sample(made, min(args.sample, len(made))):
            print("".join(span.text for span in one.spans(recipe.prompt.style)), "\n" + "-" * 60)
    if args.json:
        print(json.dumps(counts, ensure_ascii=False))
    return 0
