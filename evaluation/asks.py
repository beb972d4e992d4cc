"""`mrp evaluate asks`: write the questions of the exam, for whoever answers them elsewhere.

mrp evaluate asks -o asks.jsonl                     JSON lines: id, character, chat messages
mrp evaluate report answers.jsonl -o DIR            and what they answered: id and text

The options that decide what is asked (`exam_options`) are those of `mrp evaluate report`, too.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from canon import Canon, worlds
from characters.card import CAST_FOLDER, Cast, Character, load_cast
from characters.script import HELD_OUT
from characters.told import told
from characters.unheard import World, unheard
from evaluation import exam
from evaluation.error import EvaluationError
from evaluation.measures import voices
from evaluation.subject import Ask, leads

VOICES = Path(__file__).parent / "voices" / "xiyouji.json"


@dataclass(frozen=True, slots=True)
class Prepared:
    """An exam ready to be asked. `voices` is None for characters of another book than theirs."""

    cast: Cast
    examined: tuple[Character, ...]
    asks: list[Ask]
    voices: voices.Voices | None


def exam_options(verb: argparse.ArgumentParser) -> None:
    """The options that decide what is asked."""
    verb.add_argument("--quick", action="store_true", help="fewer questions: about a minute")
    verb.add_argument("--language", choices=("zh", "en"), default="zh")
    verb.add_argument("--characters", default="", help="ids or names (default: the book's voices)")
    verb.add_argument("--cast", type=Path, default=CAST_FOLDER)
    verb.add_argument("--questions", type=Path, default=exam.FOLDER, metavar="DIR")
    verb.add_argument("--voices", type=Path, metavar="FILE", help="(default: those of 西游记)")
    verb.add_argument(
        "--canon",
        type=Path,
        metavar="DIR",
        help="the book, for the part about it and for what its world does not have",
    )
    held_out_option(verb)
    verb.add_argument("--seed", type=int, default=1)


def held_out_option(verb: argparse.ArgumentParser) -> None:
    """`--held-out`: chapters that no lesson was made of."""
    default = ",".join(map(str, HELD_OUT))
    verb.add_argument("--held-out", default=default, help=f"its chapters (default {default})")


def chapters(text: str) -> list[int]:
    """Chapter numbers with commas between. Raises EvaluationError for anything else."""
    try:
        return [int(number) for number in text.split(",") if number.strip()]
    except ValueError:
        raise EvaluationError(
            f"chapters are numbers with commas between, as in 5,15, not {text!r}"
        ) from None


def prepare(args: argparse.Namespace) -> Prepared:
    """The exam that the options ask for.

    Raises:
        EvaluationError: the questions or the voices cannot be used.
        UnknownCharacter: nobody in the cast has a name that was given.
        ScriptError: the canon is missing.
    """
    cast = load_cast(args.cast)
    book = voices.read(args.voices or VOICES)
    ids = [character.id for character in cast]
    names = [name.strip() for name in args.characters.split(",") if name.strip()]
    if not names:
        names = [name for name in book.speakers if name in ids] or ids[:4]
    examined = leads(cast, names)
    known = bool({character.id for character in examined} & set(book.speakers))
    # The shipped voices are Chinese ones.
    known = known and (bool(args.voices) or args.language == "zh")
    if args.voices and not known:
        raise EvaluationError(f"{args.voices} knows the voices of nobody who is examined here")
    held_out = chapters(args.held_out)
    script = (
        exam.read_lines(args.canon / "scenes.jsonl", cast, examined, held_out) if args.canon else []
    )
    asks = exam.build(
        examined,
        exam.read_questions(args.questions),
        language=args.language,
        size=exam.QUICK if args.quick else exam.FULL,
        script=script,
        seed=args.seed,
    )
    built = args.canon and (args.canon / "card.json").exists()  # more than scenes alone
    canon = Canon.open(args.canon) if built else None
    asks = [looked_up(ask, cast, canon) for ask in asks]
    # The shipped voices say nothing about another book's characters.
    return Prepared(cast, examined, asks, book if known else None)


def looked_up(ask: Ask, cast: Cast, canon: Canon | None) -> Ask:
    """The ask with what a room looks up for such a reply: facts of the cast, and what is asked
    about that nobody there has heard of; both as of the chapter in which it is asked."""
    at = ask.expect.as_of
    world: World = worlds.unheard
    facts = told(cast.facts, ask.scene, ask.speaker, at)
    passages = (*(fact.text[ask.scene.language] for fact in facts), *ask.passages)
    if canon:
        world = canon.as_of(min(at, canon.last) or canon.last).unheard
    words = unheard(world, ask.scene, ask.speaker, passages)
    return replace(ask, passages=passages, unheard=words)


def fingerprint(asks: Sequence[Ask]) -> str:
    """Twelve digits that two exams share when they asked the same."""
    told = "\n".join("\t".join((ask.id, ask.question, *ask.passages, *ask.unheard)) for ask in asks)
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def options(verb: argparse.ArgumentParser) -> None:
    """The options of `mrp evaluate asks`."""
    verb.add_argument("-o", "--out", type=Path, required=True, metavar="FILE")
    exam_options(verb)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Write the questions. Raises what `prepare` raises."""
    # Needs openai, which only those have who evaluate endpoints.
    from evaluation.endpoint import messages

    asked = prepare(args).asks
    exam.write_asks(args.out, asked, [{"messages": messages(ask)} for ask in asked])
    print(f"{len(asked)} questions → {args.out}")
    return {"asks": len(asked), "out": str(args.out)}
