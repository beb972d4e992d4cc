"""`mrp canon`: read a novel, and say who says what.

    mrp canon build NOVEL -o DIR          scenes, quotes and the search index, in a folder
    mrp canon quotes NOVEL --jsonl        one JSON object a quote
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from canon.book import LARGEST_MB, Book, read_book
from canon.names import NameTable, read_table, table_for
from canon.scenes import find_scenes, write_scenes
from canon.speakers import Quote, attribute


def main(argv: list[str]) -> int:
    """Run one subverb. Raises CanonError for bad input; the front door prints it."""
    parser = argparse.ArgumentParser(prog="mrp canon", description=__doc__.split("\n")[0])
    verbs = parser.add_subparsers(dest="verb", required=True)

    build = verbs.add_parser("build", help="novel → folder with scenes, quotes and index")
    _novel(build)
    build.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    build.add_argument("--json", action="store_true")

    quotes = verbs.add_parser("quotes", help="every quote with its speaker")
    _novel(quotes)
    quotes.add_argument("--jsonl", action="store_true", help="one JSON object a line")

    args = parser.parse_args(argv)
    verb = {"build": _build, "quotes": _quotes}[args.verb]
    return verb(args)


def _novel(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("novel", type=Path, metavar="NOVEL", help="a UTF-8 file, or a folder")
    parser.add_argument("--names", type=Path, metavar="FILE", help="an alias table (TOML)")
    parser.add_argument("--largest-mb", type=int, default=LARGEST_MB, metavar="N")


def _read(args: argparse.Namespace) -> tuple[Book, NameTable]:
    book = read_book(args.novel, largest_mb=args.largest_mb)
    table = read_table(args.names) if args.names else table_for(book)
    return book, table


def _build(args: argparse.Namespace) -> int:
    book, table = _read(args)
    quotes = attribute(book, table)
    scenes = find_scenes(book, quotes, table)
    args.output.mkdir(parents=True, exist_ok=True)
    write_scenes(scenes, args.output / "scenes.jsonl")
    if args.json:
        print(json.dumps({"scenes": len(scenes), "quotes": len(quotes)}))
    return 0


def quote_row(quote: Quote) -> dict[str, object]:
    """The documented JSON object of one quote."""
    return {
        "section": quote.section,
        "start": quote.start,
        "end": quote.end,
        "quote": quote.text,
        "speaker": quote.speaker,
        "addressee": quote.addressee,
        "kind": quote.kind,
        "confidence": quote.confidence,
    }


def _quotes(args: argparse.Namespace) -> int:
    book, table = _read(args)
    for quote in attribute(book, table):
        if args.jsonl:
            print(json.dumps(quote_row(quote), ensure_ascii=False))
        else:
            to = f" → {quote.addressee}" if quote.addressee else ""
            print(f"{quote.section}:{quote.start} {quote.speaker}{to} ({quote.kind} "
                  f"{quote.confidence:.2f}) {quote.text}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
