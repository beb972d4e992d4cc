"""`mrp evaluate report`, `compare`, `asks` and `voices`: examinations at the front door.

mrp evaluate report MODEL.gguf -o build/report --json              one page, one JSON, all replies
mrp evaluate report MODEL -o DIR --quick                              about a minute
mrp evaluate report https://…/v1 --name MODEL -o DIR                  an endpoint
mrp evaluate asks -o asks.jsonl                                       the questions, for anybody
mrp evaluate report answers.jsonl -o DIR                              and what they answered
mrp evaluate report MODEL -o DIR --control swapped|untrained          what must come out bad
mrp evaluate compare DIR DIR … -o compare.html --json                 reports side by side
mrp evaluate grid DIR DIR …                                           teachers × students
mrp evaluate rolebench rows.jsonl --json                              Rouge-L as RoleBench has it
mrp evaluate voices --canon DIR -o FILE                               a book's voices, to be told by
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from canon import CanonError
from characters.card import CAST_FOLDER, Cast, Character, load_cast
from characters.haruhi import CLOSE
from characters.script import read_script
from evaluation import exam, grid, page, run
from evaluation.error import EvaluationError
from evaluation.measures import rouge, voices
from evaluation.measures.likeness import Embed
from evaluation.measures.memorised import Training
from evaluation.score import Score
from evaluation.search import read_rows
from evaluation.subject import Ask, EngineSubject, FileSubject, Subject, Swapped, leads

VOICES = Path(__file__).parent / "voices" / "xiyouji.json"
HELD_OUT = "5,15,25,35,45,55,65,75,85,95"
VERBS = ("report", "compare", "asks", "voices", "grid", "rolebench")


def main(argv: list[str]) -> int:
    """Run one of the verbs above."""
    parser = argparse.ArgumentParser(
        prog="mrp evaluate", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    report = verbs.add_parser("report", help="examine one model")
    report.add_argument("model", help="a GGUF, the address of an endpoint, or answers.jsonl")
    report.add_argument("-o", "--out", type=Path, required=True, metavar="DIR")
    report.add_argument("--name", default="", help="the model's name (an endpoint needs it)")
    report.add_argument("--control", choices=("swapped", "untrained"), help="what must be bad")
    report.add_argument("--prompt", choices=("stage", "haruhi"), default="stage", help="renderer")
    report.add_argument("--context", type=int, default=4096, help="tokens (default 4096)")
    report.add_argument("--at-once", type=int, default=16, help="replies in flight (default 16)")
    report.add_argument("--threads", type=int, help="(default: cores; 1 on a busy machine)")
    report.add_argument("--training", type=Path, nargs="+", metavar="FILE", help="what it learned")
    report.add_argument("--embed", type=Path, metavar="GGUF", help="an embedding model")
    report.add_argument("--label", action="append", default=[], metavar="KEY=VALUE")
    judging = report.add_argument_group("a judge, at any OpenAI-compatible endpoint")
    judging.add_argument("--judge", metavar="URL")
    judging.add_argument("--judge-model", default="", metavar="NAME")
    judging.add_argument("--judge-most", type=int, default=200, metavar="N", help="judged replies")
    asks = verbs.add_parser("asks", help="write the questions")
    asks.add_argument("-o", "--out", type=Path, required=True, metavar="FILE")
    for verb in (report, asks):
        _exam_options(verb)
    compare = verbs.add_parser("compare", help="reports side by side")
    compare.add_argument("reports", type=Path, nargs="+", metavar="DIR")
    compare.add_argument("-o", "--out", type=Path, metavar="FILE", help="a page")
    compare.add_argument("--judge", metavar="URL", help="let a judge rank the replies, too")
    compare.add_argument("--judge-model", default="", metavar="NAME")
    compare.add_argument("--judge-most", type=int, default=60, metavar="N", help="questions")
    compare.add_argument("--cast", type=Path, default=CAST_FOLDER)
    learn = verbs.add_parser("voices", help="learn a book's voices")
    learn.add_argument("--canon", type=Path, required=True, metavar="DIR")
    learn.add_argument("--cast", type=Path, default=CAST_FOLDER)
    learn.add_argument("--characters", default="wukong,tangseng,bajie,shaseng")
    learn.add_argument("--held-out", default="", help="chapters to leave out, and to be tested on")
    learn.add_argument("-o", "--out", type=Path, required=True, metavar="FILE")
    bench = verbs.add_parser("rolebench", help="Rouge-L of RoleBench's rows with answers")
    bench.add_argument("rows", type=Path, help="JSON lines: part, answer, generated or reference")
    crossed = verbs.add_parser("grid", help="teachers × students")
    crossed.add_argument("reports", type=Path, nargs="+", metavar="DIR")
    for verb in (report, asks, compare, learn, crossed, bench):
        verb.add_argument("--json", action="store_true", help="the last line is one JSON object")
    args = parser.parse_args(argv)
    result = {
        "report": _report,
        "asks": _asks,
        "compare": _compare,
        "voices": _voices,
        "grid": _grid,
        "rolebench": _rolebench,
    }[args.verb](args)
    if args.json:
        print(json.dumps(result, ensure_ascii=False))
    return 0


def _exam_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--quick", action="store_true", help="fewer questions: about a minute")
    verb.add_argument("--language", choices=("zh", "en"), default="zh")
    verb.add_argument("--characters", default="", help="ids or names (default: the book's voices)")
    verb.add_argument("--cast", type=Path, default=CAST_FOLDER)
    verb.add_argument("--questions", type=Path, default=exam.FOLDER, metavar="DIR")
    verb.add_argument("--voices", type=Path, metavar="FILE", help="(default: those of 西游记)")
    verb.add_argument("--canon", type=Path, metavar="DIR", help="the book, for the part about it")
    verb.add_argument("--held-out", default=HELD_OUT, help=f"its chapters (default {HELD_OUT})")
    verb.add_argument("--seed", type=int, default=1)


# -- what is asked ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Exam:
    cast: Cast
    examined: tuple[Character, ...]
    asks: list[Ask]
    voices: voices.Voices | None


def _exam(args: argparse.Namespace) -> _Exam:
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
    held_out = _chapters(args.held_out)
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
    # The shipped voices say nothing about another book's characters.
    return _Exam(cast, examined, asks, book if known else None)


def _chapters(text: str) -> list[int]:
    try:
        return [int(number) for number in text.split(",") if number.strip()]
    except ValueError:
        raise EvaluationError(f"chapters are numbers with commas between, not {text!r}") from None


def _asks(args: argparse.Namespace) -> dict[str, Any]:
    from evaluation.endpoint import messages

    asked = _exam(args).asks
    exam.write_asks(args.out, asked, [{"messages": messages(ask)} for ask in asked])
    print(f"{len(asked)} questions → {args.out}")
    return {"asks": len(asked), "out": str(args.out)}


# -- a report --------------------------------------------------------------------------------------


def _report(args: argparse.Namespace) -> dict[str, Any]:
    if args.judge and not args.judge_model:
        raise EvaluationError("a judge needs --judge-model: its name stands beside every score")
    examined = _exam(args)
    labels = _labels(args.label)
    embed = _embedder(args.embed)
    texts = set[str]().union(*map(training_texts, args.training or ()))
    training = Training(sorted(texts)) if texts else None
    with _subject(args, examined) as subject, _progress() as progress:
        bar = progress.add_task(f"asking {subject.name}", total=len(examined.asks))
        record, answers = asyncio.run(
            _examine(args, subject, examined, embed, training, lambda: progress.advance(bar))
        )
    record = run.labelled(record, labels)
    run.write_record(args.out, record, examined.asks, answers)
    written = page.write_report(args.out, record)
    _print(record)
    print(f"→ {written}")
    told = record.to_json()
    scores = {
        name: {key: row[key] for key in ("mean", "interval", "n")}
        for name, row in told["scores"].items()
    }
    return {
        "out": str(args.out),
        "about": told["about"],
        "standing": told["standing"],
        "scores": scores,
    }


async def _examine(
    args: argparse.Namespace,
    subject: Subject,
    examined: _Exam,
    embed: Embed | None,
    training: Training | None,
    done: Any,
) -> tuple[run.Record, Any]:
    about = {
        "language": args.language,
        "quick": args.quick or None,
        "prompt": args.prompt if args.prompt != "stage" else None,
        "control": args.control,
        "seed": args.seed,
        "exam": fingerprint(examined.asks),
        "likeness": args.embed.name if args.embed else "tf-idf of characters",
    }
    try:
        record, answers = await run.examine(
            subject,
            examined.asks,
            voices=examined.voices,
            embed=embed,
            training=training,
            done=done,
            about=about,
        )
        if isinstance(subject, FileSubject) and subject.missing:
            record = run.noted(record, f"{subject.missing} of the questions have no answer there")
        if args.judge:
            from evaluation.endpoint import Chat
            from evaluation.judges import panel

            judge = Chat(args.judge, model=args.judge_model)
            try:
                found = await panel.judge(
                    judge,
                    subject,
                    examined.asks,
                    answers,
                    tuple(examined.cast),
                    most=args.judge_most,
                )
            finally:
                await judge.close()
            record = run.with_scores(record, found)
    finally:
        await subject.close()
    return record, answers


def fingerprint(asks: Sequence[Ask]) -> str:
    """Twelve digits that two examinations share when they asked the same."""
    told = "\n".join(f"{ask.id}\t{ask.question}" for ask in asks)
    return hashlib.sha256(told.encode()).hexdigest()[:12]


@contextlib.contextmanager
def _subject(args: argparse.Namespace, examined: _Exam) -> Iterator[Subject]:
    with tempfile.TemporaryDirectory() as folder:
        subject = _opened(args, examined, Path(folder))
        yield Swapped(subject, examined.examined) if args.control == "swapped" else subject


def _opened(args: argparse.Namespace, examined: _Exam, folder: Path) -> Subject:
    afar = args.model.startswith(("http://", "https://"))
    written = args.model.endswith((".json", ".jsonl"))
    if (afar or written) and (args.control == "untrained" or args.prompt != "stage"):
        raise EvaluationError("--control untrained and --prompt need a GGUF, not answers from afar")
    if written and args.control:
        raise EvaluationError("answers that are written cannot be swapped; --control needs a model")
    if afar:
        from evaluation.endpoint import Chat, EndpointSubject

        if not args.name:
            raise EvaluationError("an endpoint needs --name: which of its models is examined")
        return EndpointSubject(Chat(args.model, model=args.name, at_once=args.at_once))
    path = Path(args.model).expanduser()
    if written:
        return FileSubject.open(path)
    if args.control == "untrained":
        from engine import untrained

        control = folder / f"{path.stem}-untrained.gguf"
        untrained.write(path, control, seed=args.seed)
        path = control
    wanted = {"at_once": args.at_once, "context": args.context, "threads": args.threads}
    if args.prompt == "haruhi":
        from evaluation.haruhi import renderer

        if not args.canon:
            raise EvaluationError("--prompt haruhi quotes the book: name its folder with --canon")
        render = renderer(args.canon, examined.cast, _chapters(args.held_out))
        return EngineSubject.open(path, **wanted, render=render, closing=CLOSE)
    return EngineSubject.open(path, **wanted)


def _embedder(path: Path | None) -> Embed | None:
    if path is None:
        return None
    from engine.embedding import open_embedder

    return open_embedder(path)


def training_texts(path: Path) -> set[str]:
    """A text file as it is; of JSON lines every text in them, once.

    Raises:
        EvaluationError: the file cannot be read, or a line is no JSON.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix not in (".jsonl", ".json"):
            return {text}
        found: set[str] = set()
        for line in text.splitlines():
            if line.strip():
                found.update(_strings(json.loads(line)))
        return found
    except (OSError, ValueError) as problem:
        raise EvaluationError(f"{path} cannot be read as training text: {problem}") from None


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


def _labels(pairs: Sequence[str]) -> dict[str, str]:
    labels = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not (key and equals and value):
            raise EvaluationError(f"a label is KEY=VALUE, for example teacher=qwen, not {pair!r}")
        labels[key] = value
    return labels


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def _print(record: run.Record) -> None:
    for axis, row in record.to_json()["standing"].items():
        print(f"{axis:<12} {page.number(row['value']):>7}   {page.between(row['interval'])}")
    for note in record.notes:
        print(f"not measured: {note}")


# -- several ---------------------------------------------------------------------------------------


def _compare(args: argparse.Namespace) -> dict[str, Any]:
    from evaluation.standing import ahead

    if len(args.reports) < 2:
        raise EvaluationError("there is nothing to compare; name two reports or more")
    records = [run.read_record(path) for path in args.reports]
    names = page.unique_names(records)
    if args.judge:
        if not args.judge_model:
            raise EvaluationError("a judge needs --judge-model: its name stands beside every score")
        ranked = asyncio.run(_rank(args, records, names))
        records = [
            run.with_scores(record, [ranked[name]] if name in ranked else [])
            for name, record in zip(names, records, strict=True)
        ]
    told: Mapping[str, Any] = {
        name: {
            row.axis: {"by": round(row.value, 4), "interval": _pair(row.interval)}
            for row in ahead(records[0].scores, record.scores)
        }
        for name, record in zip(names[1:], records[1:], strict=True)
    }
    for name, rows in told.items():
        print(f"{names[0]} over {name}:")
        for axis, row in rows.items():
            pair = page.between(tuple(row["interval"]) if row["interval"] else None)
            print(f"  {axis:<12} {row['by']:+.3f}   {pair}")
    if len({record.about.get("exam") for record in records}) > 1:
        print("not the same questions in all of these; only common ones are compared")
    if args.out:
        page.write_comparison(args.out, records)
        print(f"→ {args.out}")
    standings = {
        name: record.to_json()["standing"] for name, record in zip(names, records, strict=True)
    }
    judged = {
        name: {
            score.name: {"mean": score.mean, "judge": score.judge, "unparsed": score.unparsed}
            for score in record.scores
            if score.judge
        }
        for name, record in zip(names, records, strict=True)
    }
    return {"first": names[0], "ahead_of": told, "standing": standings, "judged": judged}


async def _rank(
    args: argparse.Namespace, records: Sequence[run.Record], names: Sequence[str]
) -> dict[str, Score]:
    from evaluation.endpoint import Chat
    from evaluation.judges import panel

    judge = Chat(args.judge, model=args.judge_model)
    try:
        cast = tuple(load_cast(args.cast))
        return await panel.rank(judge, records, names, cast, most=args.judge_most)
    finally:
        await judge.close()


def _pair(found: tuple[float, float] | None) -> list[float] | None:
    return None if found is None else [round(found[0], 4), round(found[1], 4)]


def _grid(args: argparse.Namespace) -> dict[str, Any]:
    rows = grid.grid([run.read_record(path) for path in args.reports])
    print(grid.table(rows))
    return {"grid": rows}


def _rolebench(args: argparse.Namespace) -> dict[str, Any]:
    try:
        rows = read_rows(args.rows, ("part", "answer"))
    except CanonError as problem:
        raise EvaluationError(str(problem)) from None
    items = []
    for number, row in enumerate(rows, 1):
        # RoleBench's own rows hold a list; the first is the reference.
        reference = row.get("reference") or next(iter(row.get("generated") or ()), None)
        if not isinstance(reference, str) or not isinstance(row["answer"], str):
            raise EvaluationError(
                f"{args.rows}: row {number} needs an answer, and a reference or generated answers"
            )
        items.append({"part": row["part"], "answer": row["answer"], "reference": reference})
    means = rouge.rolebench(items)
    for part, mean in means.items():
        print(f"{part:<4} {mean:.4f}  {rouge.PARTS.get(part, 'the mean of the parts')}")
    return {"rows": len(items), "tokenizer": "jieba", **means}


def _voices(args: argparse.Namespace) -> dict[str, Any]:
    cast = load_cast(args.cast)
    speakers = [c.id for c in leads(cast, args.characters.split(","))]
    held_out = set(_chapters(args.held_out))
    stretches = list(read_script(args.canon / "scenes.jsonl", cast))
    taught = [
        (turn.speaker, turn.text)
        for stretch in stretches
        if stretch.chapter not in held_out
        for turn in stretch.turns
    ]
    learned = voices.learn(taught, speakers, book=_title(args.canon))
    voices.write(learned, args.out)
    print(f"{len(taught)} quotes, {len(learned.weights)} n-grams → {args.out}")
    for marker in learned.markers:
        print(f"  {marker.words}  {marker.owner}  {marker.own} of {marker.uses} uses")
    told: dict[str, Any] = {
        "quotes": len(taught),
        "bytes": args.out.stat().st_size,
        "markers": {marker.words: marker.owner for marker in learned.markers},
    }
    if held_out:
        kept = voices.read(args.out)
        told["held_out"] = voices.recall(
            kept,
            [
                (turn.speaker, turn.text)
                for stretch in stretches
                if stretch.chapter in held_out
                for turn in stretch.turns
            ],
        )
        print(f"held out: {told['held_out']}")
    return told


def _title(canon: Path) -> str:
    try:
        return str(json.loads((canon / "card.json").read_text(encoding="utf-8"))["title"])
    except (OSError, ValueError, KeyError):
        return ""
