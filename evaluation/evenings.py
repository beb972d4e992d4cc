"""`mrp evaluate evenings`: scripted talks in a real room, counted by rules and kept as transcripts.

    mrp evaluate evenings --model qwen2.5-coder-0.5b -o build/evenings
    mrp evaluate evenings --model qwen2.5-coder-0.5b -o build/evenings --resume
    mrp evaluate evenings --model qwen2.5-coder-0.5b --voice voices/xiyou-0.5b.gguf --only ferry

Twenty scripts ship; `evaluation/evening_scripts.py` says how one is written, and what its checks
ask of an answer. What a rule can count without them stands in `evaluation/line_faults.py`: lines
that say nothing, speak for somebody else, speak as an assistant, recite the prompt, repeat what
was said, or are in another language. A figure about talk means little without the talk: the
transcript is written beside it, and is to be read.

With -o each evening is kept as soon as it is played (DIR/evenings.jsonl). A run that was stopped
goes on with --resume, and one that is whole is only counted again: after a rule has changed, say.

    mrp evaluate evenings --compare build/before build/after

needs no model: it counts runs that are kept, all by today's rules, into one Markdown table.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from characters.card import Cast, Character, UnknownCharacter, load_cast
from engine.remote import options as remote
from evaluation.error import EvaluationError
from evaluation.evening_scripts import FOLDER, Evening, failures, read_evenings
from evaluation.line_faults import Said, faults, language_asked, spoken
from evaluation.progress import shown
from hub.choice import add_options

KEPT = "evenings.jsonl"
_DIRECTOR = {"zh": "导演", "en": "Director"}
_NOBODY = {"zh": "*（无人回答）*  ", "en": "*(nobody answers)*  "}


class Talk(Protocol):
    """A room that a script is played in."""

    def say(self, name: str, text: str) -> Awaitable[Sequence[Said]]: ...


# Opens rooms on a model: handed in by the front door, as the evaluation may not import the bot.
Play = Callable[[argparse.Namespace], AbstractAsyncContextManager[Callable[[str], Awaitable[Talk]]]]


@dataclass(frozen=True, slots=True)
class Line:
    """A line that a character said."""

    speaker: Character
    text: str


@dataclass(frozen=True, slots=True)
class Played:
    """What was said at one evening: for each step of its script the answers, and how long it all
    took, in seconds."""

    answers: tuple[tuple[Line, ...], ...]
    seconds: float = 0.0


@dataclass(slots=True)
class Report:
    """What was counted over evenings: `faults` by kind, of so many `lines`; checks that held."""

    evenings: int = 0
    lines: int = 0
    checks: int = 0
    held: int = 0
    in_language: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def result(self) -> dict[str, Any]:
        """As one JSON object."""
        return {
            "evenings": self.evenings,
            "lines": self.lines,
            "checks": self.checks,
            "held": self.held,
            "language": round(self.in_language / max(self.lines, 1), 3),
            "faults": dict(self.faults),
            "failed": self.failed,
            "seconds": round(self.seconds, 1),
        }


async def perform(
    evening: Evening,
    talk: Talk,
    cast: Cast,
    report: Report,
    *,
    said: Callable[[], None] = lambda: None,
) -> list[str]:
    """Play one script, count into `report`, and return its transcript, a line each."""
    return count(evening, await play(evening, talk, said=said), cast, report)


async def play(evening: Evening, talk: Talk, *, said: Callable[[], None] = lambda: None) -> Played:
    """Play one script; `said` is called after each of its steps."""
    begun, answers = time.monotonic(), list[tuple[Line, ...]]()
    for step in evening.steps:
        heard = await talk.say(step.name or _DIRECTOR["zh"], step.text)
        answers.append(tuple(Line(line.speaker, line.text) for line in heard))
        said()
    return Played(tuple(answers), time.monotonic() - begun)


def count(evening: Evening, played: Played, cast: Cast, report: Report) -> list[str]:
    """Count what was said into `report`, and return the transcript, a line each."""
    transcript, before = [f"## {evening.title}", ""], list[str]()
    language, people = evening.language, {step.name for step in evening.steps if step.name}
    report.evenings += 1
    report.seconds += played.seconds
    colon = "：" if language == "zh" else ": "
    for step, said in zip(evening.steps, played.answers, strict=True):
        lines = [f"{line.speaker.name[language]}{colon}{_flat(line.text)}  " for line in said]
        if not step.name:
            transcript += [f"*{step.text}*  ", *lines]
            continue
        transcript += [f"**{step.name}**{colon}{step.text}  ", *lines]
        for line in said:
            report.lines += 1
            report.in_language += spoken(line.text) in ("", language_asked(step.text, language))
            wrong = faults(line, before, cast, asked=step.text, by=step.name, people=people)
            report.faults.update(wrong)
            transcript += [f"> ✗ {fault}  " for fault in wrong]
            before.append(line.text.strip())
        missed = failures(step, said, language)
        report.checks += len(step.checks)
        report.held += len(step.checks) - len(missed)
        if not said:
            report.faults["nobody answers"] += bool(step.checks)
            transcript.append(_NOBODY[language])
        for check in missed:
            told = f"{check.kind} {'|'.join(check.words)}".strip()
            transcript.append(f"> ✗ {told}  ")
            report.failed.append(f"{evening.title}: {step.text} → {told}")
    return [*transcript, ""]


def _flat(text: str) -> str:
    """A reply of several lines as one of the transcript's."""
    return " / ".join(filter(None, map(str.strip, text.splitlines())))


# -- what is kept ------------------------------------------------------------------------------


class Kept:
    """The evenings of one run that were played so far, in a file: a head that says of which model,
    then an evening a line, by the fingerprint of its script. With `resume` what is there counts.

    Raises:
        EvaluationError: what is there is of another model or seed.
    """

    def __init__(self, file: Path | None, head: dict[str, Any], *, resume: bool) -> None:
        self._file = file
        self._head: dict[str, Any] = head
        self._rows: dict[str, dict[str, Any]] = {}
        if file is None:
            return
        there, rows = _read(file) if resume and file.exists() else (head, {})
        if there != head:
            raise EvaluationError(
                f"{file} holds evenings of another model or seed; leave out --resume to begin "
                "anew, or give the options of before"
            )
        self._head, self._rows = head, rows

    def played(self, evening: Evening, cast: Cast) -> Played | None:
        """What was said at this evening; None when it was not played, or its script has changed."""
        row = self._rows.get(_fingerprint(evening))
        if row is None:
            return None
        try:
            answers = tuple(
                tuple(Line(cast[who], text) for who, text in said) for said in row["answers"]
            )
        except UnknownCharacter:
            return None  # a card is gone
        return Played(answers, row["seconds"])

    def add(self, evening: Evening, played: Played) -> None:
        row: dict[str, Any] = {
            "script": _fingerprint(evening),
            "title": evening.title,
            "seconds": round(played.seconds, 1),
            "answers": [[[line.speaker.id, line.text] for line in said] for said in played.answers],
        }
        self._rows[row["script"]] = row
        if self._file:
            told = [self._head, *self._rows.values()]
            text = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in told)
            self._file.parent.mkdir(parents=True, exist_ok=True)
            whole = self._file.with_suffix(".part")
            whole.write_text(text, encoding="utf-8")
            whole.replace(self._file)  # what was there before stays until something is played


def _read(file: Path) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The head of a kept run, and its evenings by the fingerprints of their scripts."""
    # It may have been cut in the middle of a character.
    text = file.read_text(encoding="utf-8", errors="replace")
    first, *lines = text.removesuffix("\n").split("\n")
    try:
        there = json.loads(first)
    except ValueError:
        there = {}
    rows: dict[str, dict[str, Any]] = {}
    for line in lines:
        try:
            row = json.loads(line)
            rows[row["script"]] = row
        except (ValueError, TypeError, KeyError):
            break  # the last line, cut by whatever stopped the run
    return there if isinstance(there, dict) else {}, rows


def _fingerprint(evening: Evening) -> str:
    said = [evening.title, *(f"{step.name}>{step.text}" for step in evening.steps)]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]


# -- the verb ----------------------------------------------------------------------------------


def options(verb: argparse.ArgumentParser) -> None:
    add_options(verb)
    remote.add_options(verb)
    verb.add_argument("--scripts", type=Path, default=FOLDER, metavar="FOLDER")
    verb.add_argument("--only", metavar="TEXT", help="scripts whose title holds this")
    verb.add_argument("--seed", type=int, default=1, metavar="N")
    verb.add_argument("--context", type=int, metavar="N", help="longest prompt and reply, tokens")
    verb.add_argument("--threads", type=int, metavar="N", help="(default: physical cores)")
    verb.add_argument("--at-once", type=int, default=4, metavar="N", help="evenings (default 4)")
    verb.add_argument("--canon", type=Path, metavar="FOLDER", help="the book replies lean on")
    verb.add_argument("-o", "--output", type=Path, metavar="DIR", help="for the transcript")
    verb.add_argument("--compare", type=Path, nargs="+", metavar="DIR", help="count kept runs")
    verb.add_argument("--resume", action="store_true", help="go on where DIR's run was stopped")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Play all scripts and print what was counted; `args.play` opens rooms on the model.

    Raises EvaluationError.
    """
    if args.compare:
        return compare(args.compare, read_evenings(args.scripts))
    if args.play is None:
        raise EvaluationError("evenings are played in the bot's room: run `mrp evaluate evenings`")
    if args.at_once < 1:
        raise EvaluationError("--at-once: at least one evening has to be played at a time")
    if args.resume and not args.output:
        raise EvaluationError("--resume goes on with what is kept in a folder: name it with -o")
    evenings = [one for one in read_evenings(args.scripts) if (args.only or "") in one.title]
    if not evenings:
        raise EvaluationError(f"no script's title holds {args.only!r}")
    head = {
        "model": Path(args.model or "").name or "default",
        "voice": Path(args.voice).name if args.voice else "",
        "seed": args.seed,
        "context": args.context,
        "canon": bool(args.canon),
    }
    kept = Kept(args.output / KEPT if args.output else None, head, resume=args.resume)
    try:
        asyncio.run(_play(args, evenings, kept))
    except KeyboardInterrupt:
        if args.output:
            raise EvaluationError(
                "stopped; the same command with --resume goes on after the last whole evening"
            ) from None
        raise
    report, cast, page = Report(), load_cast(), [_title(head), ""]
    for evening in evenings:
        if played := kept.played(evening, cast):
            page += count(evening, played, cast, report)
    result = report.result()
    if args.output:
        (args.output / "transcript.md").write_text("\n".join(page), encoding="utf-8")
        told = json.dumps(result, ensure_ascii=False, indent=1)
        (args.output / "evenings.json").write_text(told, encoding="utf-8")
    for key in ("evenings", "lines", "checks", "held", "language", "seconds"):
        print(f"{key:<10} {result[key]}")
    for kind, number in report.faults.most_common():
        if number:
            print(f"  {number:>3} {kind}")
    return result


def compare(folders: Sequence[Path], evenings: Sequence[Evening]) -> dict[str, Any]:
    """Count kept runs by today's rules and print a Markdown table, a column each; only evenings
    that all of them have.

    Raises:
        EvaluationError: a folder holds no evenings of these scripts.
    """
    cast, runs = load_cast(), dict[str, Kept]()
    for folder in folders:
        file = folder / KEPT
        if not file.is_file():
            raise EvaluationError(f"{file} is not there; play evenings with -o {folder} first")
        runs[folder.name] = Kept(file, _read(file)[0], resume=True)
    reports = {name: Report() for name in runs}
    for evening in evenings:
        played = {name: kept.played(evening, cast) for name, kept in runs.items()}
        for name, one in played.items():
            if one and all(played.values()):
                count(evening, one, cast, reports[name])
    if not all(report.evenings for report in reports.values()):
        raise EvaluationError("these folders have no evening of the scripts in common")
    kinds = sorted({kind for report in reports.values() for kind in +report.faults})
    rows: list[tuple[str, Sequence[object]]] = [
        ("evenings", [report.evenings for report in reports.values()]),
        ("lines", [report.lines for report in reports.values()]),
        ("checks held", [f"{report.held} of {report.checks}" for report in reports.values()]),
        ("in the language", [f"{r.in_language / max(r.lines, 1):.1%}" for r in reports.values()]),
        *((kind, [report.faults[kind] for report in reports.values()]) for kind in kinds),
    ]
    print("| |", " | ".join(reports), "|")
    print("|---|" + "---:|" * len(reports))
    for what, numbers in rows:
        print(f"| {what} |", " | ".join(map(str, numbers)), "|")
    return {name: report.result() for name, report in reports.items()}


def _title(head: dict[str, Any]) -> str:
    voice = f" with {head['voice']}" if head["voice"] else ""
    return f"# Evenings: {head['model']}{voice}, seed {head['seed']}"


async def _play(args: argparse.Namespace, evenings: Sequence[Evening], kept: Kept) -> None:
    cast = load_cast()
    steps = sum(len(evening.steps) for evening in evenings)
    missing = [evening for evening in evenings if kept.played(evening, cast) is None]
    done = steps - sum(len(evening.steps) for evening in missing)
    if not missing:
        return
    with shown() as step:

        def said() -> None:
            nonlocal done
            done += 1
            step("evenings", done, steps)

        async with args.play(args) as open_room:
            step("evenings", done, steps)
            places = asyncio.Semaphore(args.at_once)

            async def one(evening: Evening) -> None:
                async with places:
                    talk = await open_room(evening.title)
                    kept.add(evening, await play(evening, talk, said=said))

            async with asyncio.TaskGroup() as together:
                for evening in missing:
                    together.create_task(one(evening))
