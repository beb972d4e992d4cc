"""`mrp synth METHOD`: a teacher writes lessons; import and export; mix.

    mrp synth qa -o build/synth/qa --gguf models/xiyou-mini.gguf --languages zh --repeats 1
    mrp synth ditto -o build/synth/ditto --model gpt-4o-mini --url https://api.openai.com/v1 \\
        --canon build/canon --dry-run
    mrp synth cards records -o build/cast
    mrp synth mix trainer/synth/mix.toml -o build/lessons-synth
    mrp synth import xtuner swk.jsonl -o build/swk --character wukong
    mrp synth export sharegpt build/synth/qa/train.jsonl -o qa.sharegpt.jsonl

The teacher is an OpenAI-compatible endpoint (--model and --url; the key comes from the environment)
or our own engine on a GGUF (--gguf). Every answer is kept under the hash of its prompt: the same
command goes on where it was stopped and asks nothing twice. --dry-run counts calls and tokens and
shows the first prompt; nothing is asked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from rich.console import Console

from characters.card import CAST_FOLDER, LANGUAGES, Cast, load_cast
from characters.prompt import Style
from characters.script import HELD_OUT
from engine.remote import options as remote
from engine.remote.opening import key_of
from hub.choice import add_markup, model_file
from trainer.lessons import Lesson
from trainer.synth import exchange, mix, run
from trainer.synth.calls import Calls
from trainer.synth.cards import write_cards
from trainer.synth.endpoint import Endpoint, Structured
from trainer.synth.error import OptionError
from trainer.synth.formats import FORMATS, Dialogue, read, write
from trainer.synth.formats.rows import write_lines
from trainer.synth.harvest import Row
from trainer.synth.ledger import Ledger
from trainer.synth.local import LocalTeacher
from trainer.synth.records import read_records
from trainer.synth.run import METHODS
from trainer.synth.teacher import Rehearsal, Teacher
from trainer.synth.world import Options, World

_USUAL_URL = "https://api.openai.com/v1"


def main(argv: list[str]) -> int:
    """Run one subverb. Errors for the user are raised; the front door prints them."""
    parser = argparse.ArgumentParser(
        prog="mrp synth", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    verbs = parser.add_subparsers(
        dest="verb", required=True, metavar="METHOD|mix|cards|import|export"
    )
    for name, method in METHODS.items():
        verb = verbs.add_parser(name, help=method.what)
        _common(verb)
        _teacher(verb)
        _knobs(verb, name)
    mixer = verbs.add_parser("mix", help="draw lessons by the shares of a recipe")
    mixer.add_argument("recipe", type=Path)
    mixer.add_argument("-o", "--out", type=Path, required=True, metavar="DIR")
    mixer.add_argument("--json", action="store_true")
    carder = verbs.add_parser("cards", help="records of people → character cards")
    carder.add_argument("records", type=Path, metavar="RECORDS", help="Wikidata-like JSON")
    carder.add_argument("-o", "--out", type=Path, required=True, metavar="DIR")
    carder.add_argument("--json", action="store_true")
    importer = verbs.add_parser(
        "import",
        help="another project's file → lessons",
        epilog="formats:\n" + "\n".join(f"  {n:<18}{f.what}" for n, f in FORMATS.items()),
        formatter_class=argparse.RawTextHelpFormatter,
    )
    importer.add_argument("format", choices=FORMATS, metavar="FORMAT")
    importer.add_argument("path", type=Path, metavar="PATH")
    importer.add_argument("-o", "--out", type=Path, required=True, metavar="DIR")
    importer.add_argument("--character", help="whose voice it is, where the file does not say")
    importer.add_argument("--role", default="", help="the role's name as the file spells it")
    importer.add_argument("--cards", type=Path, default=CAST_FOLDER, metavar="DIR")
    importer.add_argument("--json", action="store_true")
    exporter = verbs.add_parser("export", help="lessons → another project's file")
    exporter.add_argument("format", choices=FORMATS, metavar="FORMAT")
    exporter.add_argument("path", type=Path, metavar="LESSONS", help="train.jsonl of a folder")
    exporter.add_argument("-o", "--out", type=Path, required=True, metavar="PATH")
    exporter.add_argument(
        "--cards-shown", choices=("brief", "full"), default="brief", help="in the system text"
    )
    exporter.add_argument("--cards", type=Path, default=CAST_FOLDER, metavar="DIR")
    exporter.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    verb_of = {"mix": _mix, "cards": _cards, "import": _import, "export": _export}
    report = verb_of.get(args.verb, _method)(args)
    if args.json:
        print(json.dumps(report, ensure_ascii=False))
    return 0


def _common(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("-o", "--out", type=Path, required=True, metavar="DIR")
    verb.add_argument("--characters", default="", metavar="A,B", help="ids or names (default: all)")
    verb.add_argument("--languages", default="zh,en", metavar="zh,en")
    verb.add_argument("--canon", type=Path, metavar="DIR", help="what `mrp canon build` wrote")
    verb.add_argument("--cards", type=Path, default=CAST_FOLDER, metavar="DIR")
    verb.add_argument("--seed", type=int, default=20261121)
    verb.add_argument(
        "--leave-out",
        default=",".join(map(str, HELD_OUT)),
        metavar="N,N",
        help="chapters nobody may learn (default: those the recipes hold out)",
    )
    verb.add_argument("--limit", type=int, metavar="N", help="only the first N tasks")
    verb.add_argument("--dry-run", action="store_true", help="count; ask nothing, write nothing")
    verb.add_argument("--json", action="store_true", help="the card as the last line")


def _teacher(verb: argparse.ArgumentParser) -> None:
    teacher = verb.add_argument_group("teacher")
    which = teacher.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--gguf", type=model_file, metavar="NAME", help="our own engine on this model"
    )
    teacher.add_argument(
        "--voice", type=Path, metavar="FILE", help="a LoRA adapter (GGUF) on it, with --gguf"
    )
    add_markup(teacher)
    remote.add_options(teacher, among=which)
    which.add_argument("--model", help="a model's name at an OpenAI-compatible endpoint")
    teacher.add_argument("--url", default=_USUAL_URL, help=f"of the endpoint ({_USUAL_URL})")
    teacher.add_argument(
        "--key-env", default="OPENAI_API_KEY", metavar="NAME", help="variable that holds the key"
    )
    teacher.add_argument("--structured", choices=get_args(Structured), default="json_schema")
    teacher.add_argument("--workers", type=int, default=4, metavar="N", help="calls at a time")
    teacher.add_argument("--threads", type=int, metavar="N", help="of the engine (its cores)")
    teacher.add_argument(
        "--room", type=int, metavar="N", help="characters of material a prompt may hold"
    )
    teacher.add_argument("--temperature", type=float, help="instead of the method's")
    teacher.add_argument(
        "--price-in", type=float, default=0.0, metavar="X", help="a million tokens"
    )
    teacher.add_argument("--price-out", type=float, default=0.0, metavar="X")
    teacher.add_argument("--budget", type=float, metavar="X", help="stop when this much is spent")
    teacher.add_argument(
        "--cache", type=Path, metavar="FILE", help="where answers are kept (DIR/../calls.sqlite)"
    )


def _knobs(verb: argparse.ArgumentParser, name: str) -> None:
    knobs = verb.add_argument_group("method")
    usual = Options()
    if name in ("qa", "continue", "questions", "rolegpt"):
        knobs.add_argument(
            "--questions", type=Path, metavar="FILE", help="one a line, or questions.jsonl"
        )
    if name == "qa":
        knobs.add_argument("--repeats", type=int, default=usual.repeats, metavar="N")
    if name in ("continue", "questions", "context-instruct", "ditto", "general"):
        knobs.add_argument(
            "--count", type=int, default=usual.count, metavar="N", help="a character (10)"
        )
    if name == "rolegpt":
        knobs.add_argument(
            "--shots", type=int, default=usual.shots, metavar="N", help="0: zero-shot (5)"
        )
    if name in ("rolegpt", "context-instruct"):
        knobs.add_argument("--profiles", type=Path, metavar="FILE", help="profile.jsonl")
    if name == "ditto":
        knobs.add_argument("--records", type=Path, metavar="DIR", help="Wikidata-like JSON")
    if name == "general":
        knobs.add_argument("--chat", type=Path, metavar="FILE", help="general answers to retell")
    if name == "dialogue":
        knobs.add_argument("--novel", type=Path, metavar="FILE", help="instead of --canon")
        knobs.add_argument("--names", type=Path, metavar="FILE", help="an alias table (TOML)")
        knobs.add_argument(
            "--all", dest="everything", action="store_true", help="where rules are sure, too"
        )


# --- methods ---------------------------------------------------------------------------------


def _method(args: argparse.Namespace) -> dict[str, Any]:
    for name in ("repeats", "count", "workers", "limit", "room", "threads"):
        number = getattr(args, name, None)
        if number is not None and number < 1:
            raise OptionError(f"--{name} must be at least 1, not {number}")
    cast = load_cast(args.cards)
    return asyncio.run(_run(args, cast))


async def _run(args: argparse.Namespace, cast: Cast) -> dict[str, Any]:
    method = METHODS[args.verb]
    if args.out.exists() and not (args.out / "card.json").exists() and any(args.out.iterdir()):
        raise OptionError(f"{args.out}: exists and was not written by mrp synth; choose another")
    teacher = await _open(args)
    try:
        world = _world(args, cast, teacher.room)
        tasks = method.tasks(world)[: args.limit]
        calls = None if args.dry_run else Calls(args.cache or args.out.parent / "calls.sqlite")
        ledger = Ledger(teacher, calls, prices=(args.price_in, args.price_out), budget=args.budget)
        bar = run.shown()
        try:
            harvest = await run.reap(method, world, tasks, ledger, workers=args.workers, bar=bar)
        finally:
            if calls is not None:
                calls.close()
    finally:
        await teacher.close()
    card = {"tasks": len(tasks), "seed": args.seed, **run.accounts(ledger)}
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    if args.dry_run:
        _rehearsed(teacher, card, console)
        return {"dry_run": True, **card}
    card = run.save(args.verb, harvest, args.out, card)
    dropped = ", ".join(f"{count} {reason}" for reason, count in card["dropped"].items())
    counts = card["calls"]
    console.print(
        f"{args.out}: {card['rows']} rows; dropped: {dropped or 'none'}\n"
        f"{counts['asked']} calls asked, {counts['kept']} kept from before; "
        f"{counts['read']} tokens read, {counts['written']} written; cost {card['cost']:g}",
        markup=False,
    )
    return card


def _rehearsed(teacher: Teacher, card: dict[str, Any], console: Console) -> None:
    counts = card["calls"]
    if isinstance(teacher, Rehearsal) and teacher.first is not None:
        for message in teacher.first.messages:
            console.print(f"--- {message.role}\n{message.text}", markup=False)
        console.print("---", markup=False)
    console.print(
        f"dry run: about {counts['asked']} calls, {counts['read']} tokens read and at most "
        f"{counts['written']} written (one a character), cost up to {card['cost']:g}; "
        "nothing was asked",
        markup=False,
    )


async def _local(args: argparse.Namespace) -> LocalTeacher:
    if args.engine:
        wish = remote.wish(args, os.environ, text=bool(args.markup))
        return await LocalTeacher.afar(args.engine, wish, key=key_of(), markup=args.markup)
    return LocalTeacher.open(
        args.gguf,
        replies=args.workers,
        threads=args.threads,
        adapter=args.voice,
        markup=args.markup,
    )


async def _open(args: argparse.Namespace) -> Teacher:
    if args.gguf is not None or args.engine:
        local = await _local(args)
        local.room = args.room or local.room
        if not args.dry_run:
            return local
        await local.close()
        return Rehearsal(local.name, local.room)
    endpoint = Endpoint(args.model, args.url, key_name=args.key_env, structured=args.structured)
    endpoint.room = args.room or endpoint.room
    if not args.dry_run:
        return endpoint
    await endpoint.close()
    return Rehearsal(endpoint.name, endpoint.room)


def _world(args: argparse.Namespace, cast: Cast, room: int) -> World:
    named = [name for name in args.characters.split(",") if name.strip()]
    languages = tuple(language for language in LANGUAGES if language in args.languages.split(","))
    if not languages or set(args.languages.split(",")) - set(LANGUAGES):
        raise OptionError(f"--languages must be zh, en or zh,en, not {args.languages!r}")
    try:
        left_out = frozenset(int(number) for number in args.leave_out.split(",") if number)
    except ValueError:
        raise OptionError(
            f"--leave-out must be chapter numbers like 5,15, not {args.leave_out!r}"
        ) from None
    knobs = {key: getattr(args, key) for key in Options.__dataclass_fields__ if hasattr(args, key)}
    return World(
        cast=cast,
        characters=tuple(cast.find(name.strip()) for name in named) or tuple(cast),
        languages=languages,
        seed=args.seed,
        room=room,
        folder=args.canon,
        left_out=left_out,
        options=Options(**knobs),
    )


# --- mix, import, export ---------------------------------------------------------------------


def _mix(args: argparse.Namespace) -> dict[str, Any]:
    recipe = mix.read_mix(args.recipe)
    report = mix.blend(recipe, args.out)
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    for split, counts in report.items():
        told = ", ".join(f"{count} {source}" for source, count in counts["sources"].items())
        console.print(f"{args.out / f'{split}.jsonl'}: {counts['rows']} rows: {told}", markup=False)
    return report


def _cards(args: argparse.Namespace) -> dict[str, Any]:
    cast = write_cards(read_records(args.records), args.out)
    Console(stderr=True, soft_wrap=True, highlight=False).print(
        f"{args.out}: {len(cast)} cards; use them with --cards {args.out}", markup=False
    )
    return {"cards": len(cast)}


def _import(args: argparse.Namespace) -> dict[str, Any]:
    cast = load_cast(args.cards)
    character = cast.find(args.character) if args.character else None
    left: Counter[str] = Counter()
    rows = list(
        exchange.lessons_of(
            read(args.format, args.path, args.role),
            cast,
            source=args.path.stem,
            character=character,
            left=left,
        )
    )
    if not rows:
        told = ", ".join(f"{count} × {reason}" for reason, count in left.items()) or "it is empty"
        raise OptionError(
            f"{args.path}: no lesson in it ({told}); --character says whose voice it is"
        )
    write_lines(args.out / "train.jsonl", rows)
    write_lines(args.out / "held_out.jsonl", [])
    Console(stderr=True, soft_wrap=True, highlight=False).print(
        f"{args.out / 'train.jsonl'}: {len(rows)} lessons"
        + "".join(f"; left out: {count} × {reason}" for reason, count in left.items()),
        markup=False,
    )
    return {"lessons": len(rows), "left_out": dict(left)}


def _export(args: argparse.Namespace) -> dict[str, Any]:
    cast = load_cast(args.cards)
    style = Style(cards=args.cards_shown, rules=False)

    def dialogues() -> Iterator[Dialogue]:
        for lesson, row in exchange.read_lessons(args.path, cast):
            yield _dialogue(lesson, row, style, cast, args.format)

    count = write(args.format, args.out, dialogues())
    Console(stderr=True, soft_wrap=True, highlight=False).print(
        f"{args.out}: {count} dialogues", markup=False
    )
    return {"dialogues": count}


def _dialogue(lesson: Lesson, row: Row, style: Style, cast: Cast, name: str) -> Dialogue:
    made = exchange.dialogue_of(lesson, row, style)
    if name == "wikiroleeval" and not made.extra:
        extra = exchange.wiki_extra(lesson, row, cast, lesson.scene.language)
        return Dialogue(made.lines, made.role, made.system, extra)
    return made
