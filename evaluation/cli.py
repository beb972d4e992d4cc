"""`mrp evaluate`: how good is a voice, and how good is the search.

mrp evaluate report MODEL -o DIR [--quick]                all measures, one page
mrp evaluate compare DIR DIR … -o compare.html            reports side by side
mrp evaluate asks|voices|grid|rolebench --help            what belongs to it
mrp evaluate identity --model models/xiyou-mini.gguf      does each lead know who it is
mrp evaluate speaker  --canon build/canon                 can the model tell who says a line
mrp evaluate search   --canon build/canon --qa FILE       does the search find the passage
mrp evaluate turns    --canon build/canon                 does the right one speak next
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path

from characters.card import CAST_FOLDER, load_cast
from characters.style import serving as serving_of
from engine.llama import LlamaEngine
from evaluation import examine, identity, search, speaker, turns

_HELD_OUT = "5,15,25,35,45,55,65,75,85,95"


def main(argv: list[str], *, casting: Callable[[], turns.Casting] | None = None) -> int:
    """`casting` is the bot's, handed in by the front door, for `turns`."""
    if argv[:1] == ["search"]:
        return search.main(argv[1:])
    if argv and argv[0] in examine.VERBS:
        return examine.main(argv)
    if argv[:1] == ["turns"] and casting is not None:
        return turns.main(argv[1:], casting())
    parser = argparse.ArgumentParser(
        prog="mrp evaluate", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    measures = parser.add_subparsers(dest="measure", required=True)
    measures.add_parser("search", help="recall of the canon search", add_help=False)
    for verb in examine.VERBS:
        measures.add_parser(verb, help="see above", add_help=False)
    measures.add_parser("turns", help="does the right one speak next", add_help=False)
    one = measures.add_parser("identity", help="does each lead know who it is")
    one.add_argument("--samples", type=int, default=40, help="replies a character")
    one.add_argument("--language", choices=("zh", "en"), default="zh")
    one.add_argument("--seed", type=int, default=1)
    one.add_argument("--show", action="store_true", help="print every reply")
    two = measures.add_parser("speaker", help="can the model tell who says a line")
    two.add_argument("--canon", type=Path, default=Path("build/canon"))
    two.add_argument("--held-out", default=_HELD_OUT, help=f"chapters (default {_HELD_OUT})")
    for measure in (one, two):
        measure.add_argument("--model", type=Path, default=_model(), help="a GGUF")
        measure.add_argument("--cast", type=Path, default=CAST_FOLDER)
        measure.add_argument("--json", action="store_true", help="the last line is one JSON object")
    args = parser.parse_args(argv)
    result = asyncio.run(_identity(args) if args.measure == "identity" else _speaker(args))
    _show(result)
    if args.json:
        print(json.dumps(result, ensure_ascii=False))
    return 0


def _model() -> Path:
    shipped = Path(__file__).parent.parent / "models" / "xiyou-mini.gguf"
    return Path(os.environ.get("MRP_MODEL", shipped))


async def _identity(args: argparse.Namespace) -> dict[str, object]:
    engine = LlamaEngine.open(args.model, replies=8)
    try:
        answers = await identity.ask(
            engine,
            serving_of(engine.metadata),
            load_cast(args.cast),
            samples=args.samples,
            language=args.language,
            seed=args.seed,
        )
    finally:
        await engine.close()
    if args.show:
        for answer in answers:
            mark = "✓" if answer.right else "✗"
            print(f"{mark} {answer.character:<9} {answer.question} → {answer.text}")
    return identity.summary(answers)


async def _speaker(args: argparse.Namespace) -> dict[str, object]:
    held_out = [int(number) for number in args.held_out.split(",")]
    engine = LlamaEngine.open(args.model, replies=8)
    try:
        return await speaker.measure(
            engine,
            serving_of(engine.metadata),
            load_cast(args.cast),
            args.canon / "scenes.jsonl",
            held_out,
        )
    finally:
        await engine.close()


def _show(result: dict[str, object]) -> None:
    for key, value in result.items():
        if isinstance(value, dict):
            print(f"{key}:")
            for name, part in value.items():
                print(f"  {name:<10} {part}")
        elif not isinstance(value, list):
            print(f"{key:<12} {value}")
