"""`mrp evaluate`: how good a voice is, and how good the search is.

mrp evaluate report MODEL -o DIR [--quick]                all measures, one page
mrp evaluate compare DIR DIR … -o compare.html            reports side by side
mrp evaluate identity --model models/xiyou-mini.gguf      does each lead know who it is
mrp evaluate speaker  --canon build/canon                 can the model tell who says a line
mrp evaluate search   --canon build/canon --qa FILE       does the search find the passage
mrp evaluate turns    --canon build/canon                 does the right one speak next
mrp evaluate evenings --model NAME                        scripted talks in a real room
mrp evaluate transcripts --model GGUF --voice FILE -o …   told and taught, side by side
mrp evaluate VERB --help                                  what belongs to it
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from evaluation import (
    asks,
    compare,
    evenings,
    grid,
    identity,
    learn,
    report,
    rolebench,
    search,
    speaker,
    transcripts,
    turns,
)


class Verb(NamedTuple):
    """A command: its options, and what it does with them; the result is for --json."""

    name: str
    help: str
    about: str | None
    options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], dict[str, Any]]


VERBS = (
    Verb("report", "examine one model", report.__doc__, report.options, report.run),
    Verb("compare", "reports side by side", compare.__doc__, compare.options, compare.run),
    Verb("asks", "write the questions", asks.__doc__, asks.options, asks.run),
    Verb("voices", "learn a book's voices", learn.__doc__, learn.options, learn.run),
    Verb("grid", "teachers × students", grid.__doc__, grid.options, grid.run),
    Verb("rolebench", "RoleBench's Rouge-L", rolebench.__doc__, rolebench.options, rolebench.run),
    Verb(
        "identity",
        "does each lead know who it is",
        identity.__doc__,
        identity.options,
        identity.run,
    ),
    Verb(
        "speaker",
        "can the model tell who says a line",
        speaker.__doc__,
        speaker.options,
        speaker.run,
    ),
    Verb("search", "recall of the canon search", search.__doc__, search.options, search.run),
    Verb(
        "evenings",
        "scripted talks, counted by rules",
        evenings.__doc__,
        evenings.options,
        evenings.run,
    ),
    Verb(
        "transcripts",
        "told and taught, side by side",
        transcripts.__doc__,
        transcripts.options,
        transcripts.run,
    ),
    Verb("turns", "does the right one speak next", turns.__doc__, turns.options, turns.run),
)


def main(
    argv: list[str],
    *,
    casting: Callable[[], turns.Casting] | None = None,
    play: evenings.Play | None = None,
) -> int:
    """Run one verb. What the front door hands in is the bot's: `casting` for `turns`, `play` for
    `evenings`."""
    parser = argparse.ArgumentParser(
        prog="mrp evaluate", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in VERBS:
        one = verbs.add_parser(
            verb.name,
            help=verb.help,
            description=verb.about,
            formatter_class=argparse.RawTextHelpFormatter,
        )
        verb.options(one)
        one.add_argument("--json", action="store_true", help="the last line is one JSON object")
        one.set_defaults(run=verb.run, casting=casting, play=play)
    args = parser.parse_args(argv)
    result = args.run(args)
    if args.json:
        print(json.dumps(result, ensure_ascii=False))
    return 0
