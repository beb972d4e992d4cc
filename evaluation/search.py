"""`mrp evaluate search`: does the search find the passage that answers a question?

mrp evaluate search --qa FILE --canon DIR             a folder that `mrp canon build` wrote
mrp evaluate search --qa FILE --novel NOVEL           builds one, measures, throws it away
mrp evaluate search --qa FILE --canon DIR --unknown F and questions that have no answer

A question is a hit when one of its evidence quotes stands, whole, in one of the first k passages
of the right chapter. FILE has one JSON object a line: question, lang ("zh" or "en"), character,
evidence ([{chapter, quote}, …]). Rows of F have question, character, kind and perhaps
as_of_chapter, after which nothing may be returned.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from canon import Canon, CanonError, Hit, build, read_book, table_of
from engine.embedding import open_embedder


def options(verb: argparse.ArgumentParser) -> None:
    """The options of `mrp evaluate search`."""
    verb.add_argument("--qa", type=Path, required=True, metavar="FILE")
    verb.add_argument("--embed", type=Path, metavar="GGUF", help="an embedding model")
    source = verb.add_mutually_exclusive_group(required=True)
    source.add_argument("--canon", type=Path, metavar="DIR")
    source.add_argument("--novel", type=Path, metavar="NOVEL")
    verb.add_argument("--unknown", type=Path, metavar="F", help="questions without an answer")
    verb.add_argument("-k", type=int, default=5)
    verb.add_argument("--misses", action="store_true", help="print the questions not found")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure and print a table. Raises CanonError for a file or folder that cannot be used."""
    questions = read_rows(args.qa, ("question", "evidence"))
    unknown = read_rows(args.unknown, ("question",)) if args.unknown else []
    embed = open_embedder(args.embed) if args.embed else None
    if args.canon:
        result = measure(Canon.open(args.canon, embed=embed), questions, unknown, args.k)
    else:
        with tempfile.TemporaryDirectory() as folder:
            book = read_book(args.novel)
            build(book, table_of(book), Path(folder) / "canon", embed=embed)
            canon = Canon.open(Path(folder) / "canon", embed=embed)
            result = measure(canon, questions, unknown, args.k)
    misses = result.pop("misses")
    table = Table("", "questions", f"recall@{args.k}")
    for group, row in result["recall"].items():
        table.add_row(group, str(row["questions"]), f"{row['recall']:.3f}")
    Console().print(table)
    print(f"{result['ms']:.1f} ms a search; says 'nothing fits' to {result['nothing_fits']:.1%}")
    for kind, row in result["unknown"].items():
        print(f"no answer, {kind}: 'nothing fits' to {row['nothing_fits']} of {row['questions']}")
    if args.misses:
        for question in misses:
            print("not found:", question)
    return {"k": args.k, **result}


def measure(
    canon: Canon, questions: list[dict[str, Any]], unknown: list[dict[str, Any]], k: int
) -> dict[str, Any]:
    """Recall by language, character and kind of question; see the module's words for a hit."""
    hits: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    misses, silent, spent = [], 0, 0.0
    for row in questions:
        begin = time.perf_counter()
        found = canon.search(row["question"], character=row.get("character"), k=k)
        spent += time.perf_counter() - begin
        silent += found.nothing_fits
        hit = is_hit(found.passages, row["evidence"])
        for group in groups(row):
            asked[group] += 1
            hits[group] += hit
        if not hit:
            misses.append(row["question"])
    recall = {
        group: {"questions": count, "recall": round(hits[group] / count, 4)}
        for group, count in asked.items()
    }
    answered: dict[str, dict[str, int]] = {}
    for row in unknown:
        last = row.get("as_of_chapter")
        view = canon.as_of(last) if last else canon
        found = view.search(row["question"], character=row.get("character"), k=k)
        late = sum(hit.section > view.last for hit in found.passages)
        kind = answered.setdefault(
            row.get("kind", "unknown"), {"questions": 0, "nothing_fits": 0, "late": 0}
        )
        kind["questions"] += 1
        kind["nothing_fits"] += found.nothing_fits
        kind["late"] += late
    count = max(1, len(questions))
    return {
        "recall": recall,
        "ms": round(1000 * spent / count, 3),
        "nothing_fits": round(silent / count, 4),
        "unknown": answered,
        "misses": misses,
    }


def groups(row: dict[str, Any]) -> Iterable[str]:
    """The rows of the table that a question counts for: its language first."""
    language = row.get("lang", "zh")
    yield language
    for name in ("character", "type", "paraphrase"):
        if row.get(name):
            yield f"{language} {row[name]}"


def is_hit(passages: Iterable[Hit], evidence: Iterable[dict[str, Any]]) -> bool:
    """Whether one evidence quote stands in one passage of its chapter; blanks do not count."""
    texts = [(hit.section, re.sub(r"\s", "", hit.text)) for hit in passages]
    return any(
        section == piece["chapter"] and re.sub(r"\s", "", piece["quote"]) in text
        for piece in evidence
        for section, text in texts
    )


def read_rows(path: Path, keys: Iterable[str]) -> list[dict[str, Any]]:
    """The objects of a JSON-lines file. Raises CanonError, naming the line that is wrong."""
    if not path.exists():
        raise CanonError(f"there is no file {path}")
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise CanonError(f"{path}, line {number}: not a JSON object") from None
        missing = [key for key in keys if not isinstance(row, dict) or key not in row]
        if missing:
            raise CanonError(f"{path}, line {number}: has no {', '.join(missing)}")
        rows.append(row)
    if not rows:
        raise CanonError(f"{path} has no questions")
    return rows
