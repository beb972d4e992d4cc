"""`mrp canon`: read a novel, say who says what, and find what a message is about.

mrp canon build NOVEL -o DIR                scenes, quotes and the search index, in a folder
mrp canon notes -o DIR --canon DIR --gguf NAME   a model writes what happens, in today's words
mrp canon quotes NOVEL --jsonl              one JSON object a quote
mrp canon search TEXT --canon DIR -k 5      the passages that TEXT is about
mrp canon stats --canon DIR --plot FILE     lines by character and chapter

NOVEL is text, EPUB, DOCX, ODT or HTML with chapters (第…回, Chapter …, # …), or a folder of such.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from canon.book import LARGEST_MB, Book, read_book
from canon.canon import Canon
from canon.error import CanonError, NoQuotes
from canon.events import read_events
from canon.folder import build
from canon.names import NameTable, read_table
from canon.search import Embed
from canon.speakers import Quote, attribute, table_of
from canon.spelling import Spell, spelled
from canon.stats import count_lines, draw, sample_lines

OpenEmbedder = Callable[[Path], Embed]
WriteNotes = Callable[[list[str]], int]


def main(
    argv: list[str],
    *,
    open_embedder: OpenEmbedder | None = None,
    write_notes: WriteNotes | None = None,
    spell: Spell | None = None,
) -> int:
    """Run one subverb. Raises CanonError for bad input; the front door prints it.

    `open_embedder` reads an embedding model, `write_notes` is `mrp canon notes`, `spell` knows the
    pinyin of names; the front door hands them in, as this package knows no other.
    """
    if argv[:1] == ["notes"] and write_notes is not None:
        return write_notes(argv[1:])
    args = _parser().parse_args(argv)
    args.spell, args.embedder = spell, None
    if getattr(args, "embed", None):
        if open_embedder is None:
            raise CanonError("--embed: nothing here reads embedding models")
        args.embedder = open_embedder(args.embed)
    verb = {"build": _build, "quotes": _quotes, "search": _search, "stats": _stats}[args.verb]
    return verb(args)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mrp canon", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    verbs = parser.add_subparsers(
        dest="verb", required=True, metavar="build|notes|quotes|search|stats"
    )

    builder = verbs.add_parser("build", help="novel → folder with scenes, quotes and index")
    _novel(builder)
    builder.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    builder.add_argument(
        "--notes",
        type=Path,
        metavar="FILE",
        help="what happens, in today's words (mrp canon notes)",
    )
    builder.add_argument("--json", action="store_true", help="counts as JSON on the last line")

    quotes = verbs.add_parser("quotes", help="every quote with its speaker")
    _novel(quotes)
    quotes.add_argument("--jsonl", action="store_true", help="one JSON object a line")

    search = verbs.add_parser("search", help="the passages that a message is about")
    search.add_argument("text", metavar="TEXT")
    _folder(search)
    search.add_argument("--character", metavar="NAME", help="whom the message is for")
    search.add_argument("--present", action="store_true", help="only chapters where it speaks")
    search.add_argument("--as-of", type=int, metavar="N", help="chapters after N do not exist")
    search.add_argument("-k", type=int, default=5, metavar="K", help="how many (default: 5)")
    search.add_argument("--json", action="store_true", help="JSON on the last line")

    stats = verbs.add_parser("stats", help="lines by character and chapter")
    _folder(stats)
    stats.add_argument("--plot", type=Path, metavar="FILE", help="draw them (needs matplotlib)")
    stats.add_argument("--confidence", type=float, default=0.85, metavar="C")
    stats.add_argument("--show", type=int, default=0, metavar="N", help="N random lines to read")
    stats.add_argument("--seed", type=int, default=0, metavar="S")
    stats.add_argument("--json", action="store_true", help="JSON on the last line")

    for dense in (builder, search):
        dense.add_argument(
            "--embed", type=Path, metavar="GGUF", help="an embedding model, for a dense index too"
        )
    return parser


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


def _novel(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "novel", type=Path, metavar="NOVEL", help="text, EPUB, DOCX or HTML; or a folder"
    )
    parser.add_argument("--names", type=Path, metavar="FILE", help="an alias table (TOML)")
    parser.add_argument("--largest-mb", type=int, default=LARGEST_MB, metavar="N")


def _folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--canon", type=Path, required=True, metavar="DIR", help="what `mrp canon build` wrote"
    )


def _read(args: argparse.Namespace) -> tuple[Book, NameTable]:
    book = read_book(args.novel, largest_mb=args.largest_mb)
    return book, read_table(args.names) if args.names else table_of(book)


def _build(args: argparse.Namespace) -> int:
    book, table = _read(args)
    # A shipped table has the names that translations use.
    if args.spell is not None and not table.detect:
        table = spelled(table, args.spell)
    if args.notes:
        table = replace(table, events=(*table.events, *read_events(args.notes)))
    console = Console(stderr=True)
    with Progress(console=console, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def progress(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=of)
            bars.update(tasks[what], completed=done)

        built = build(book, table, args.output, embed=args.embedder, progress=progress)
    console.print(
        f"{built.sections} chapters, {built.quotes} quotes ({built.undecided} undecided), "
        f"{built.scenes} scenes, {built.passages} passages in {args.output}",
        soft_wrap=True,
    )
    if not table.detect:
        console.print(
            f"no alias table for this book: {len(table.people)} names were found in its own "
            f"speech tags; read {args.output / 'names.toml'}, correct it, and build with --names",
            soft_wrap=True,
        )
    if args.json:
        print(json.dumps(asdict(built)))
    return 0


def _quotes(args: argparse.Namespace) -> int:
    book, table = _read(args)
    quotes = attribute(book, table)
    if not quotes:
        raise NoQuotes(f"{args.novel} has no quotes")
    for quote in quotes:
        if args.jsonl:
            print(json.dumps(quote_row(quote), ensure_ascii=False))
        else:
            to = f" → {quote.addressee}" if quote.addressee else ""
            head = f"{quote.section}:{quote.start} {quote.speaker}{to}"
            print(f"{head} ({quote.kind} {quote.confidence:.2f}) {quote.text}")
    return 0


def _search(args: argparse.Namespace) -> int:
    if args.k < 1:
        raise CanonError(f"-k must be at least 1, not {args.k}")
    canon = Canon.open(args.canon, embed=args.embedder)
    view = canon.as_of(args.as_of) if args.as_of is not None else canon
    found = view.search(args.text, character=args.character, present=args.present, k=args.k)
    if not args.json:
        if found.nothing_fits:
            print("nothing fits; the nearest passages are:")
        for hit in found.passages:
            speakers = "、".join(hit.speakers) or "narration"
            print(f"\nchapter {hit.section}, {hit.start}-{hit.end}, {speakers}, {hit.score:.2f}")
            print(hit.text)
        return 0
    rows = [
        {
            "section": hit.section,
            "start": hit.start,
            "end": hit.end,
            "text": hit.text,
            "speakers": list(hit.speakers),
            "score": round(hit.score, 4),
        }
        for hit in found.passages
    ]
    answer = {"passages": rows, "nothing_fits": found.nothing_fits}
    print(json.dumps(answer, ensure_ascii=False))
    return 0


def _stats(args: argparse.Namespace) -> int:
    canon = Canon.open(args.canon)
    lines = count_lines(canon, least_confidence=args.confidence)
    table = Table("character", "lines", "chapters", "first", "last")
    for name, chapters in list(lines.items())[:20]:
        row = (sum(chapters.values()), len(chapters), min(chapters), max(chapters))
        table.add_row(name, *map(str, row))
    Console().print(table)
    for name, chapter, text in sample_lines(canon, args.show, args.confidence, args.seed):
        print(f"{chapter:3} {name}: {text}")
    if args.plot:
        draw(canon, lines, args.plot)
        print(f"drawn: {args.plot}")
    if args.json:
        total = {name: sum(chapters.values()) for name, chapters in lines.items()}
        print(json.dumps({"lines": total}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
