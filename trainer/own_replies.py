"""`mrp pairs RECIPE`: what a voice says itself where a person wrote the line, to learn from.

    mrp pairs RECIPE --model MODEL.gguf --voice VOICE.gguf -o pairs.jsonl
    mrp pairs RECIPE … --most 400 --share scenes=1 --slips

The voice is asked as it is served, with the talk up to a written line, and answers with its own
sampling; the written line is better than what it said. That needs no judge (self-play fine-tuning,
Chen et al. 2024, arXiv:2401.01335), and it is about the mistakes that this voice makes, not about
mistakes that somebody thought of. `--slips` keeps only replies in which something is plainly wrong:
said as somebody else, as an assistant, in another language, as a list, or nothing at all.

The file has the rows of `mrp feedback export --format dpo` and goes into a recipe's
`preference.feedback`.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import math
import random
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.progress import track

from characters.card import Cast
from characters.prompt import Span, Style, encode, prompt, stop_strings
from characters.selves import mistaken
from characters.style import Serving, serving
from engine.llama import LlamaEngine
from engine.sequence import Engine, PromptTooLong, Sampling
from hub.choice import model_file
from trainer import lessons, tune
from trainer.guard import writing
from trainer.lessons import Lesson, LessonError
from trainer.recipe import Tuning, load
from trainer.synth import faults

_AT_ONCE = 8
_LONGEST = 100  # tokens of a reply: who goes on longer has not learned to end


@dataclass(frozen=True, slots=True)
class Said:
    """A lesson's line and what the voice said in its place; `slip` says what is wrong, or ""."""

    lesson: Lesson
    prompt: str
    reply: str
    slip: str

    def to_row(self) -> dict[str, Any]:
        """A row of `mrp feedback export --format dpo`, with what is wrong and the source."""
        lead = " " if self.lesson.scene.language == "en" else ""
        return {
            "prompt": self.prompt,
            "chosen": lead + self.lesson.reply,
            "rejected": lead + self.reply,
            "kind": self.slip or "its own words",
            "source": self.lesson.source,
        }


def places(found: Iterable[Lesson], rng: random.Random) -> Iterator[Lesson]:
    """Of every lesson one line of a character, drawn among those it learns, as a lesson of its
    own; a lesson that nobody speaks before has none."""
    for one in found:
        turns = one.scene.turns
        ends = [len(turns)]
        if one.learn == "all":
            ends += [
                at for at in range(one.since, len(turns)) if turns[at].side == "character" and at
            ]
        at = rng.choice(ends)
        if at == len(turns):
            cut = one
        else:
            speaker = next(card for card in one.scene.cast if card.id == turns[at].speaker)
            scene = dataclasses.replace(one.scene, turns=turns[:at])
            cut = dataclasses.replace(
                one, scene=scene, speaker=speaker, reply=turns[at].text, tail=None, since=0
            )
        if cut.scene.turns:
            yield cut


def slip_of(reply: str, one: Lesson, cast: Cast) -> str:
    """What is plainly wrong with a reply, "" when nothing is; what the written line has too, such
    as the language of an English guest in a Chinese scene, is not."""
    found, written = (_wrong(text, one, cast) for text in (reply, one.reply))
    return "" if found == written else found


def _wrong(text: str, one: Lesson, cast: Cast) -> str:
    language = one.scene.language
    people = [turn.speaker for turn in one.scene.turns if turn.side == "human"]
    if found := faults.fault(text, one.speaker, cast, language):
        return found
    if mistaken(text, one.speaker, cast, language=language, people=people):
        return "takes itself for another"
    return ""


async def asked(
    engine: Engine, told: Serving, wanted: Sequence[Lesson], cast: Cast, *, row: int, seed: int
) -> list[Said]:
    """What the voice says in the place of each line, some at a time. Left out: prompts with a reply
    that would be longer than `row` tokens, and replies that are the written line."""
    limit, rng = asyncio.Semaphore(_AT_ONCE), random.Random(seed)

    async def one(lesson: Lesson, dice: int) -> Said | None:
        spans = prompt(lesson.scene, lesson.speaker, tail=lesson.tail, style=told.style)
        async with limit:
            reply = await _reply(engine, told, lesson, spans, row, dice)
        if reply is None or reply == lesson.reply:
            return None
        text = "".join(_text(span, told.style) for span in spans)
        return Said(lesson, text, reply, slip_of(reply, lesson, cast))

    # Tasks begin in the order in which they are made; what as_completed is given, in none.
    calls = [asyncio.create_task(one(lesson, rng.randrange(2**31))) for lesson in wanted]
    done: list[Said] = []
    shown = track(
        asyncio.as_completed(calls), "asking", total=len(calls), disable=not sys.stderr.isatty()
    )
    for call in shown:
        if said := await call:
            done.append(said)
    return done


def _text(span: Span, style: Style) -> str:
    """A span as text; a control token that somebody typed is taken apart, for a trainer reads the
    rows with control tokens."""
    if span.control:
        return span.text
    text = span.text
    for mark in style.markup.control:
        text = text.replace(mark, mark[0] + " " + mark[1:])
    return text


async def _reply(
    engine: Engine, told: Serving, one: Lesson, spans: Sequence[Span], row: int, dice: int
) -> str | None:
    tokens = encode(spans, engine.encode)
    if len(tokens) + _LONGEST > row:
        return None
    reply = engine.stream(
        tokens,
        Sampling(
            temperature=told.temperature_for(one.speaker),
            **told.dials(),
            max_tokens=_LONGEST,
            seed=dice,
            stop=(*stop_strings(one.scene), *told.style.markup.plain),
        ),
    )
    try:
        return "".join([piece async for piece in reply]).strip()
    except PromptTooLong:
        return None


def chosen(
    recipe: Tuning, cast: Cast, most: int, shares: dict[str, float], rng: random.Random
) -> list[Lesson]:
    """Up to `most` lines of the training lessons of a recipe, from its sources by `shares` (as they
    come when there are none). Raises LessonError: no lessons, or a source that they do not have."""
    found = list(places(lessons.load(Path(recipe.data.lessons), "train", cast), rng))
    rng.shuffle(found)
    if not shares:
        return found[:most]
    known = sorted({one.source for one in found})
    if unknown := [source for source in shares if source not in known]:
        raise LessonError(f"--share {unknown[0]}: the lessons come from {', '.join(known)}")
    whole = sum(shares.values())
    return [
        one
        for source, share in shares.items()
        for one in [one for one in found if one.source == source][: round(most * share / whole)]
    ]


async def _ask(args: argparse.Namespace, recipe: Tuning, cast: Cast) -> list[Said]:
    rng = random.Random(args.seed)
    shares = dict(args.share or ())
    wanted = chosen(recipe, cast, args.most, shares, rng)
    engine = LlamaEngine.open(
        args.model, replies=_AT_ONCE, threads=args.threads, adapter=args.voice
    )
    try:
        told = serving(engine.metadata, engine)
        return await asked(
            engine, told, wanted, cast, row=recipe.train.row, seed=rng.randrange(2**31)
        )
    finally:
        await engine.close()


def _share(text: str) -> tuple[str, float]:
    source, _, share = text.partition("=")
    if not 0 < float(share) < math.inf:
        raise ValueError(text)
    return source, float(share)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="mrp pairs", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipe", type=Path, help="its lessons are asked, its row is the longest")
    parser.add_argument("--model", type=model_file, default="", help="a name, or a GGUF")
    parser.add_argument("--voice", type=Path, metavar="FILE", help="a LoRA adapter (GGUF) on it")
    parser.add_argument("-o", "--out", type=Path, required=True, help="the rows, as JSON lines")
    parser.add_argument("--most", type=int, default=600, help="lines to ask for (default: 600)")
    parser.add_argument(
        "--share",
        type=_share,
        action="append",
        metavar="SOURCE=SHARE",
        help="how many of them from a source of lessons; may be given several times",
    )
    parser.add_argument("--slips", action="store_true", help="keep only what is plainly wrong")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, help="default: all cores")
    parser.add_argument("--json", action="store_true", help="print the counts as the last line")
    args = parser.parse_args(argv)
    recipe = load(args.recipe)
    if not isinstance(recipe, Tuning):
        parser.error(f"{args.recipe} is no recipe for a base model")
    with writing(args.out.parent):  # before minutes of asking
        args.out.parent.mkdir(parents=True, exist_ok=True)
    said = asyncio.run(_ask(args, recipe, tune.cast_of(recipe)))
    slips = Counter(one.slip for one in said if one.slip)
    kept = [one for one in said if one.slip or not args.slips]
    rows = "".join(json.dumps(one.to_row(), ensure_ascii=False) + "\n" for one in kept)
    with writing(args.out.parent):
        args.out.write_text(rows, encoding="utf-8")
    told = {"asked": len(said), "kept": len(kept), "slips": dict(slips.most_common())}
    print(f"{args.out}: {len(kept)} pairs of {len(said)} replies; slips: {dict(slips) or 'none'}")
    if args.json:
        print(json.dumps(told, ensure_ascii=False))
    return 0
