"""How many quotes of English novels get their speaker, against somebody else's labels.

    python -m benchmarks.english_quotes FOLDER [NOVEL …] [--sure 0.5]

FOLDER is the `data` folder of the Project Dialogism Novel Corpus (28 whole novels with the speaker
of each quote; fetched by hand, no part of this project). Every piece of a quote counts by
itself. A name of ours stands for that person of theirs who goes by one of its forms and says most
of its quotes. The last line is JSON: quotes, precision and recall by the corpus' kinds (explicit: a
name in the tag; anaphoric: a pronoun or noun; implicit: no tag), over all novels that were read.
"""

from __future__ import annotations

import argparse
import ast
import csv
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from canon import attribute, read_book, table_of
from canon.book import Book
from canon.speakers import Quote

Names = Mapping[str, set[str]]
KINDS = ("Explicit", "Anaphoric", "Implicit")


def plain(name: str) -> str:
    """A name in small letters, without article and marks."""
    name = re.sub(r"\b(?:the|a|an)\s", "", name.casefold().replace("’", "'"))
    return " ".join(re.sub(r"[^\w' ]", " ", name).split())


def rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of one of the corpus' tables."""
    with path.open(encoding="utf-8") as file:
        yield from csv.DictReader(file)


def names_of(folder: Path) -> Names:
    """Form of a name → the corpus' main names that it may mean."""
    names: dict[str, set[str]] = {}
    for row in rows(folder / "character_info.csv"):
        for form in (row["Main Name"], *ast.literal_eval(row["Aliases"])):
            names.setdefault(plain(form), set()).add(row["Main Name"])
    return names


def labels(folder: Path, names: Names) -> list[tuple[int, int, str, str]]:
    """(start, end, speaker, kind) of each piece of each quote, in characters of the file."""
    found = []
    for row in rows(folder / "quotation_info.csv"):
        speaker = row["speaker"]
        meant = names.get(plain(speaker), {speaker})
        speaker = speaker if speaker in meant else min(meant)
        for start, end in ast.literal_eval(row["quoteByteSpans"]):
            found.append((start, end, speaker, row["quoteType"]))
    return sorted(found)


def paired(
    book: Book, quotes: list[Quote], gold: list[tuple[int, int, str, str]]
) -> Iterator[tuple[str, str, Quote | None]]:
    """(speaker, kind, our quote that covers it) of each label within the book's chapters."""
    starts = {section.number: section.start for section in book.sections}
    spans = [(starts[q.section] + q.start, starts[q.section] + q.end, q) for q in quotes]
    last = book.sections[-1]
    at = 0
    for start, end, speaker, kind in gold:
        if not book.sections[0].start <= start < last.start + len(last.text):
            continue
        while at < len(spans) and spans[at][1] <= start:
            at += 1
        covers = at < len(spans) and spans[at][0] < end
        yield speaker, kind, spans[at][2] if covers else None


def score(folder: Path, sure: float) -> Counter[tuple[str, str]]:
    """Counts of (kind or "all", "quotes" or "said" or "right") of one novel."""
    names = names_of(folder)
    book = read_book(folder / "novel_text.txt")
    table = table_of(book)
    forms = {person.name: person.aliases for person in table.people}
    pairs = list(paired(book, attribute(book, table), labels(folder, names)))
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for speaker, _, quote in pairs:
        if quote:
            votes[quote.speaker][speaker] += 1
    meant: dict[str, str] = {}
    for name, count in votes.items():
        may = {m for form in (name, *forms.get(name, ())) for m in names.get(plain(form), ())}
        ranked = [one for one, _ in count.most_common() if name == "I" or one in may]
        meant[name] = ranked[0] if ranked and name not in ("", "?") else ""
    counts: Counter[tuple[str, str]] = Counter()
    for speaker, kind, quote in pairs:
        said = quote is not None and quote.speaker not in ("", "?") and quote.confidence >= sure
        right = said and quote is not None and meant[quote.speaker] == speaker
        for key in (kind, "all"):
            counts[key, "quotes"] += 1
            counts[key, "said"] += said
            counts[key, "right"] += right
    return counts


def figures(counts: Counter[tuple[str, str]]) -> dict[str, dict[str, float]]:
    """Quotes, precision and recall by kind."""
    return {
        key: {
            "quotes": counts[key, "quotes"],
            "precision": round(counts[key, "right"] / max(counts[key, "said"], 1), 3),
            "recall": round(counts[key, "right"] / max(counts[key, "quotes"], 1), 3),
        }
        for key in ("all", *KINDS)
    }


def main() -> None:
    """Score each novel, then all of them; JSON on the last line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("novels", nargs="*", metavar="NOVEL")
    parser.add_argument("--sure", type=float, default=0.0, help="least confidence that counts")
    args = parser.parse_args()
    novels = args.novels or sorted(
        path.parent.name for path in args.folder.glob("*/quotation_info.csv")
    )
    total: Counter[tuple[str, str]] = Counter()
    for novel in novels:
        counts = score(args.folder / novel, args.sure)
        total += counts
        print(novel, json.dumps(figures(counts)["all"]), flush=True)
    print(json.dumps(figures(total)))


if __name__ == "__main__":
    main()
