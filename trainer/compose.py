"""`mrp lessons RECIPE`: scenes, the book and our own talk become the lessons that a recipe names.

    mrp lessons trainer/recipes/qwen2.5-coder-0.5b.toml --canon build/canon -o build/lessons
    mrp lessons scenes                check the scenes written by hand, and count them
    mrp lessons mix --help            lessons out of conversations that others kept

scenes     conversations written by hand (trainer/talk/scenes/*.scene): each line answers the one
           before; every line of a character is learned
canon      scenes of the book in training chapters; for a base model with the narration before lines
talk       people ask, characters answer, by topic (trainer/talk/*.toml); `identity` and `unknown`
           topics have shares of their own
recall     something is told and asked for again, at random (trainer/recall.toml): for a small
           model
held_out   scenes, chapters and phrasings that are never trained on
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from characters.card import CAST_FOLDER, Cast, load_cast
from characters.prompt import Style
from characters.script import read_script, sentences_within
from trainer import mix, scenes
from trainer.canon_lessons import canon_lessons
from trainer.lessons import SPLITS, CardsShown, Lesson, LessonError, Split, report, save
from trainer.recall_lessons import Recall
from trainer.recipe import Curriculum, Recipe, RecipeError, Tuning, load
from trainer.scene_lessons import as_in_a_room, lessons_of, without_place
from trainer.talk import load_talk
from trainer.talk_lessons import TalkDials, TalkShow

_HELD_OUT_TOKENS = 60_000
_NARRATION = 90  # characters before a line of the book
_NOBODY = "{}: no line of a character with a card in these chapters"


def compose(recipe: Recipe, canon: Path, split: Split) -> list[Lesson]:
    """All lessons of one split for a model from nothing, in random order.

    Canon lessons are taken in whole passes (each with other casts and cuts) until their share of
    `recipe.lessons.tokens` is full, talk until theirs is. A token is reckoned as 0.85 characters
    of text plus the markup; the report of `mrp lessons` says what came out.

    Raises:
        LessonError, ScriptError: there is no canon, or nobody in it has a card.
    """
    rng = random.Random(f"{recipe.seed}-{split}")
    known, share = load_cast(), recipe.lessons.share
    chapters = _chapters(recipe.data.held_out, split)
    tokens = recipe.lessons.tokens if split == "train" else _HELD_OUT_TOKENS
    style = recipe.prompt.style
    made = list(within(_endless_canon(canon, chapters, known, rng, 0), share.canon * tokens, style))
    if share.scenes:
        made += within(_endless_scenes(known, split, rng), share.scenes * tokens, style)
    passages = [
        sentences_within(turn.text, 60)
        for stretch in read_script(canon, known, chapters)
        for turn in stretch.turns
        if len(turn.text) > 12
    ]
    dials = TalkDials(share.identity, share.talk, share.unknown, recipe.lessons.english)
    show = TalkShow(load_talk(), known, dials, split, rng)
    made += within(show.endless(passages), (1 - share.canon - share.scenes) * tokens, style)
    rng.shuffle(made)
    return made


def compose_tuning(recipe: Tuning, plan: Curriculum, canon: Path, split: Split) -> list[Lesson]:
    """All lessons of one split for a base model, in random order: `plan.passes` passes over the
    scenes, each with other cards, and the other sources in proportion. Scenes are held out; where
    there are none, the book is what is read in passes, and chapters of it are held out.

    Raises:
        SceneError, LessonError, ScriptError: scenes or canon are not there or broken.
    """
    rng = random.Random(f"{recipe.seed}-{split}")
    known = load_cast(Path(recipe.data.cards) if recipe.data.cards else CAST_FOLDER)
    style, share = recipe.prompt.style, plan.share
    chapters = _chapters(plan.held_out, split)
    written = _written(recipe, plan, known, split) if share.scenes else []
    if split == "held_out":
        if not share.scenes:
            return canon_lessons(canon, chapters, known, rng, _NARRATION)
        return [one for scene in written for one in lessons_of(scene, known)]
    made = [
        without_place(one, rng, 0.5)
        for _ in range(plan.passes)
        for scene in written
        for one in lessons_of(scene, known, _cards(plan, rng))
    ]
    if share.scenes:
        each = sum(reckoned(one, style) for one in made) / share.scenes
    else:
        passed = canon_lessons(canon, chapters, known, rng, _NARRATION)
        if not passed:
            raise LessonError(_NOBODY.format(canon))
        each = plan.passes * sum(reckoned(one, style) for one in passed) / share.canon
    others: list[Lesson] = []
    if share.canon:
        book = _endless_canon(canon, chapters, known, rng, _NARRATION)
        others += within(book, share.canon * each, style)
    if share.recall:
        asked = Recall(known, plan.english, rng).endless()
        others += within(asked, share.recall * each, style)
    for topics in ("identity", "unknown", "talk"):
        if not getattr(share, topics):
            continue  # for another cast there may be no talk
        weights = {key: float(key == topics) for key in ("identity", "unknown", "talk")}
        dials = TalkDials(**weights, english=plan.english, questions=(1, 1))
        show = TalkShow(load_talk(cast=known), known, dials, split, rng)
        others += within(show.endless([]), getattr(share, topics) * each, style)
    made += [
        as_in_a_room(dataclasses.replace(one, cards=_cards(plan, rng)), known) for one in others
    ]
    rng.shuffle(made)
    return made


def _written(
    recipe: Tuning, plan: Curriculum, known: Cast, split: Split
) -> list[scenes.WrittenScene]:
    """The scenes of one split that were written by hand."""
    folder = Path(plan.scenes) if plan.scenes else scenes.SCENES_FOLDER
    try:
        every = scenes.load_scenes(folder, known)
    except scenes.SceneError as error:
        if plan.scenes or not recipe.data.cards:
            raise
        raise LessonError(
            "the scenes that come with the project are of its own characters, not of "
            f"{recipe.data.cards}: write your own (lessons.scenes), or do without "
            f"(lessons.share: scenes = 0, canon at least 0.5) [{error}]"
        ) from error
    return [one for one in every if one.held_out == (split == "held_out")]


def _cards(plan: Curriculum, rng: random.Random) -> CardsShown:
    """How much of the cards one lesson shows, by the recipe's shares."""
    kinds: tuple[CardsShown, ...] = ("full", "brief", "name")
    return rng.choices(kinds, [getattr(plan.cards, kind) for kind in kinds])[0]


def _chapters(held_out: tuple[int, ...], split: Split) -> list[int]:
    if split == "held_out":
        return list(held_out)
    return [number for number in range(1, 1000) if number not in held_out]


def _endless_canon(
    canon: Path, chapters: list[int], known: Cast, rng: random.Random, narration: int
) -> Iterator[Lesson]:
    """Lessons of the book, pass after pass, each in another order."""
    while True:
        passed = canon_lessons(canon, chapters, known, rng, narration)
        if not passed:
            raise LessonError(_NOBODY.format(canon))
        rng.shuffle(passed)
        yield from passed


def _endless_scenes(known: Cast, split: Split, rng: random.Random) -> Iterator[Lesson]:
    written = [one for one in scenes.load_scenes(known=known) if one.held_out == (split != "train")]
    while True:
        made = [without_place(one, rng, 0.5) for s in written for one in lessons_of(s, known)]
        rng.shuffle(made)
        yield from made


def within(made: Iterator[Lesson], budget: float, style: Style) -> Iterator[Lesson]:
    """Lessons until they are reckoned to have so many tokens."""
    while budget > 0:
        one = next(made)
        budget -= reckoned(one, style)
        yield one


def reckoned(one: Lesson, style: Style) -> float:
    """About how many tokens a lesson has, before there is a tokenizer."""
    return sum(2.0 if span.control else 0.85 * len(span.text) for span in one.spans(style))


def main(argv: list[str]) -> int:
    if argv[:1] == ["mix"]:
        return mix.main(argv[1:])
    if argv[:1] == ["scenes"]:
        return scenes.main(argv[1:])
    parser = argparse.ArgumentParser(
        prog="mrp lessons",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--canon", type=Path, help="instead of the recipe's canon")
    parser.add_argument("-o", "--out", type=Path, help="instead of the recipe's data.lessons")
    parser.add_argument("--sample", type=int, default=0, help="print so many random lessons")
    parser.add_argument("--json", action="store_true", help="print the counts as the last line")
    args = parser.parse_args(argv)
    recipe = load(args.recipe)
    out = args.out or Path(recipe.data.lessons)
    counts: dict[str, Any] = {}
    for split in SPLITS:
        if isinstance(recipe, Recipe):
            made = compose(recipe, (args.canon or Path(recipe.data.canon)) / "scenes.jsonl", split)
        elif recipe.lessons is None:
            raise RecipeError(
                f"{args.recipe}: lessons: is missing; it says what lessons are made of"
            )
        else:
            canon = (args.canon or Path(recipe.lessons.canon)) / "scenes.jsonl"
            made = compose_tuning(recipe, recipe.lessons, canon, split)
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
