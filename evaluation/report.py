"""`mrp evaluate report`: examine one model and write one page, one JSON, and all replies.

mrp evaluate report MODEL.gguf -o DIR --json                       a GGUF, in our engine
mrp evaluate report MODEL.gguf -o DIR --quick                      a quarter of the questions
mrp evaluate report https://…/v1 --name MODEL -o DIR               an endpoint
mrp evaluate report answers.jsonl -o DIR                           answers collected elsewhere
mrp evaluate report MODEL.gguf -o DIR --resume                     go on where it was stopped
mrp evaluate report MODEL.gguf -o DIR --voice FILE --cards name    with names for cards
mrp evaluate report MODEL.gguf -o DIR --prompt haruhi --canon DIR  told in ChatHaruhi's way
mrp evaluate report MODEL.gguf -o DIR --control swapped|untrained  what must come out bad
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from characters.haruhi import CLOSE
from engine import untrained
from engine.embedding import open_embedder
from evaluation import haruhi, page, relevance
from evaluation import run as exam_run
from evaluation.asks import Prepared, chapters, exam_options, fingerprint, prepare
from evaluation.error import EvaluationError
from evaluation.measures.memorised import Training
from evaluation.progress import Step, shown
from evaluation.resume import Kept
from evaluation.score import Score
from evaluation.subject import Answer, EngineSubject, FileSubject, Subject, Swapped
from hub.choice import add_markup


def options(verb: argparse.ArgumentParser) -> None:
    """The options of `mrp evaluate report`."""
    verb.add_argument("model", help="a GGUF, the address of an endpoint, or answers.jsonl")
    verb.add_argument("-o", "--out", type=Path, required=True, metavar="DIR")
    verb.add_argument("--voice", type=Path, metavar="FILE", help="a LoRA adapter (GGUF) on it")
    add_markup(verb)
    verb.add_argument("--name", default="", help="in the report; of an endpoint: which model")
    verb.add_argument("--control", choices=("swapped", "untrained"), help="what must be bad")
    verb.add_argument("--prompt", choices=("stage", "haruhi"), default="stage", help="renderer")
    verb.add_argument(
        "--cards",
        choices=("full", "brief", "name"),
        help="how much of the cards is in the prompt (default: as the model was taught; else full)",
    )
    verb.add_argument("--context", type=int, default=4096, help="tokens (default 4096)")
    verb.add_argument("--at-once", type=int, default=16, help="replies in flight (default 16)")
    verb.add_argument("--threads", type=int, help="(default: cores; 1 on a busy machine)")
    verb.add_argument("--training", type=Path, nargs="+", metavar="FILE", help="what it learned")
    verb.add_argument("--embed", type=Path, metavar="GGUF", help="an embedding model")
    verb.add_argument("--resume", action="store_true", help="go on where this report was stopped")
    verb.add_argument("--label", action="append", default=[], metavar="KEY=VALUE")
    lifting = verb.add_argument_group("relevance, under a model that is not the one examined")
    lifting.add_argument("--relevance", type=Path, metavar="GGUF", help="whose likelihoods count")
    lifting.add_argument("--written", type=Path, metavar="FILE", help="held_out.jsonl of lessons")
    lifting.add_argument(
        "--relevance-most", type=int, default=relevance.MOST, metavar="N", help="replies (60)"
    )
    judging = verb.add_argument_group("a judge, at any OpenAI-compatible endpoint")
    judging.add_argument("--judge", metavar="URL")
    judging.add_argument("--judge-model", default="", metavar="NAME")
    judging.add_argument("--judge-most", type=int, default=200, metavar="N", help="judged replies")
    exam_options(verb)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Examine, write and print. Raises EvaluationError, and what the model's door raises."""
    if args.written and not args.relevance:
        raise EvaluationError("--written is held against the replies by --relevance GGUF")
    if args.judge and not args.judge_model:
        raise EvaluationError("a judge needs --judge-model: its name stands beside every score")
    if args.prompt == "haruhi" and args.cards:
        raise EvaluationError("--prompt haruhi has whole cards: leave out --cards")
    prepared = prepare(args)
    labels = _labels(args.label)
    texts = set[str]().union(*map(training_texts, args.training or ()))
    training = Training(sorted(texts)) if texts else None
    with _subject(args, prepared) as opened, shown() as step:
        exam = "/".join([fingerprint(prepared.asks), args.prompt, args.cards or ""])
        subject = Kept(opened, args.out, exam=exam, resume=args.resume)
        record, answers = asyncio.run(_examine(args, subject, prepared, training, step))
    record = exam_run.labelled(record, labels)
    exam_run.write_record(args.out, record, prepared.asks, answers)
    written = page.write_report(args.out, record)
    subject.forget()
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
    subject: Kept,
    prepared: Prepared,
    training: Training | None,
    step: Step,
) -> tuple[exam_run.Record, dict[str, Answer]]:
    about = {
        "language": args.language,
        "quick": args.quick or None,
        "prompt": args.prompt if args.prompt != "stage" else None,
        "cards": args.cards,
        **({"name": args.name} if args.name else {}),
        "control": args.control,
        "seed": args.seed,
        "exam": fingerprint(prepared.asks),
        "likeness": args.embed.name if args.embed else "tf-idf of characters",
    }
    try:
        record, answers = await exam_run.examine(
            subject,
            prepared.asks,
            voices=prepared.voices,
            embed=open_embedder(args.embed) if args.embed else None,
            training=training,
            step=step,
            about=about,
        )
        if isinstance(subject.subject, FileSubject) and subject.subject.missing:
            missing = f"{subject.subject.missing} of the questions have no answer there"
            record = exam_run.noted(record, missing)
        if args.relevance:
            record = await _relevance(args, prepared, record, answers, step)
        if args.judge:
            record = await _judged(args, subject, prepared, record, answers)
    finally:
        await subject.close()
    return record, answers


async def _relevance(
    args: argparse.Namespace,
    prepared: Prepared,
    record: exam_run.Record,
    answers: dict[str, Answer],
    step: Step,
) -> exam_run.Record:
    """The record with the relevance lift of its replies, and of what people wrote."""
    most = args.relevance_most
    own = relevance.exchanges_of(prepared.asks, answers, most=most)
    written = (
        relevance.read_exchanges(args.written, prepared.cast, most=most) if args.written else []
    )
    judge = EngineSubject.open(args.relevance, context=args.context, threads=args.threads)
    try:
        found = await relevance.measure(judge, own, step)
        scores = relevance.scores_of(found, judge.name)
        if written:
            ceiling = await relevance.measure(judge, written, step, "relevance of written replies")
            scores.append(Score(relevance.WRITTEN, ceiling.share, "", relevance.CHANCE, judge.name))
    finally:
        await judge.close()
    return exam_run.with_scores(record, [score for score in scores if score.values])


async def _judged(
    args: argparse.Namespace,
    subject: Subject,
    prepared: Prepared,
    record: exam_run.Record,
    answers: dict[str, Answer],
) -> exam_run.Record:
    # Needs openai, which only those have who let a judge judge.
    from evaluation.endpoint import Chat
    from evaluation.judges import panel

    judge = Chat(args.judge, model=args.judge_model)
    try:
        found = await panel.judge(
            judge, subject, prepared.asks, answers, tuple(prepared.cast), most=args.judge_most
        )
    finally:
        await judge.close()
    return exam_run.with_scores(record, found)


@contextlib.contextmanager
def _subject(args: argparse.Namespace, prepared: Prepared) -> Iterator[Subject]:
    with tempfile.TemporaryDirectory() as folder:
        subject = _opened(args, prepared, Path(folder))
        yield Swapped(subject, prepared.examined) if args.control == "swapped" else subject


def _opened(args: argparse.Namespace, prepared: Prepared, folder: Path) -> Subject:
    afar = args.model.startswith(("http://", "https://"))
    written = args.model.endswith((".json", ".jsonl"))
    if (afar or written) and (
        args.control == "untrained" or args.prompt != "stage" or args.cards is not None
    ):
        raise EvaluationError(
            "--control untrained, --prompt and --cards need a GGUF, not answers from afar"
        )
    if written and args.control:
        raise EvaluationError("answers that are written cannot be swapped; --control needs a model")
    if afar:
        # Needs openai, which only those have who evaluate endpoints.
        from evaluation.endpoint import Chat, EndpointSubject

        if not args.name:
            raise EvaluationError("an endpoint needs --name: which of its models is examined")
        return EndpointSubject(Chat(args.model, model=args.name, at_once=args.at_once))
    path = Path(args.model).expanduser()
    if written:
        return FileSubject.open(path)
    if args.control == "untrained":
        control = folder / f"{path.stem}-untrained.gguf"
        untrained.write(path, control, seed=args.seed)
        path = control
    wanted = {
        "at_once": args.at_once,
        "context": args.context,
        "threads": args.threads,
        "adapter": args.voice,
        "markup": args.markup,
    }
    if args.prompt == "haruhi":
        if not args.canon:
            raise EvaluationError("--prompt haruhi quotes the book: name its folder with --canon")
        render = haruhi.renderer(args.canon, prepared.cast, chapters(args.held_out))
        return EngineSubject.open(path, **wanted, asked=(render, CLOSE))
    subject = EngineSubject.open(path, **wanted)
    if args.cards:
        subject.show_cards(args.cards)
    return subject


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
    except (OSError, ValueError, RecursionError) as problem:
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


def _print(record: exam_run.Record) -> None:
    for axis, row in record.to_json()["standing"].items():
        print(f"{axis:<12} {page.number(row['value']):>7}   {page.between(row['interval'])}")
    for note in record.notes:
        print(f"not measured: {note}")
