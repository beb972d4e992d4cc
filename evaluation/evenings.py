"""`mrp evaluate evenings`: scripted talks in a real room, counted by rules and kept as transcripts.

    mrp evaluate evenings --model qwen2.5-coder-0.5b -o build/evenings
    mrp evaluate evenings --model qwen2.5-coder-0.5b --voice voices/xiyou-0.5b.gguf --seed 1

A script is a text: lines as people type them into `mrp terminal` (`小明> …`, `/summon …`), each
followed by what its answer must be like:

    ? holds 狗|犬        some answer holds one of these
    ? lacks 语言模型|AI   no answer holds any of these
    ? by 孙悟空           the first answer is this character's
    ? language en        all answers are in this language (else: the script's)
    ? answered           somebody answers (also meant by every other check)

What a rule can count without them: lines that say nothing, speak for somebody else, speak as an
assistant, repeat an earlier line or a greeting, or are in another language. A figure about talk
means little without the talk: the transcript is written beside it, and is to be read.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from characters.card import Cast, Language, load_cast
from engine.remote import options as remote
from evaluation.error import EvaluationError
from hub.choice import add_options

FOLDER = Path(__file__).with_name("scripts")
CHECKS = ("holds", "lacks", "by", "language", "answered")

# What only a modern assistant says; each was read in a transcript of a model merely told its role.
_ASSISTANT = re.compile(
    r"语言模型|人工智能助手|作为一个?(?:AI|人工智能|助手)|(?:有什么|什么)(?:我)?可以帮(?:助|到)?[您你]"
    r"|很高兴(?:为|能)[您你]|随时(?:告诉|问)我|```|\bdef \w+\(|\blanguage model\b|\bas an AI\b"
    r"|\bhow (?:can|may) I (?:help|assist)\b|\bI(?:'m| am) here to (?:help|assist)\b",
    re.IGNORECASE,
)
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]{2,}")


class Said(Protocol):
    """A line of a character, as the room showed it."""

    @property
    def speaker(self) -> Any: ...
    @property
    def text(self) -> str: ...


class Talk(Protocol):
    """A room that a script is played in."""

    def say(self, name: str, text: str) -> Awaitable[Sequence[Said]]: ...


# Opens rooms on a model: handed in by the front door, as the evaluation may not import the bot.
Play = Callable[[argparse.Namespace], AbstractAsyncContextManager[Callable[[str], Awaitable[Talk]]]]


@dataclass(frozen=True, slots=True)
class Check:
    """What an answer must be like: `kind` is one of CHECKS, `words` what it holds, and so on."""

    kind: str
    words: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is said, by whom ("" for an order), and what must come of it."""

    name: str
    text: str
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class Evening:
    """One script."""

    title: str
    language: Language
    steps: tuple[Step, ...]


@dataclass(slots=True)
class Report:
    """What was counted over evenings: `faults` by kind, of so many `lines`; checks that held."""

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
            "lines": self.lines,
            "checks": self.checks,
            "held": self.held,
            "language": round(self.in_language / max(self.lines, 1), 3),
            "faults": dict(self.faults),
            "failed": self.failed,
            "seconds": round(self.seconds, 1),
        }


def read_evenings(folder: Path = FOLDER) -> list[Evening]:
    """All scripts of a folder's `*.evening` files.

    Raises:
        EvaluationError: a file is missing or a line is none of a script's; names file and line.
    """
    files = sorted(folder.glob("*.evening"))
    if not files:
        raise EvaluationError(f"{folder}: no *.evening files there")
    return [evening for file in files for evening in _read(file)]


def _read(file: Path) -> Iterator[Evening]:
    title, language, steps = "", "zh", list[Step]()
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        line = line.strip()
        if line.startswith("# "):
            if title:
                yield _evening(title, language, steps)
            title, steps = line[2:].strip(), []
        elif line.startswith("@ language:"):
            language = line.partition(":")[2].strip()
        elif line.startswith("?"):
            if not steps:
                raise EvaluationError(f"{file}:{number}: a check before anything is said")
            steps[-1] = _checked(steps[-1], line[1:].strip(), f"{file}:{number}", number)
        elif line.startswith("/"):
            steps.append(Step("", line))
        elif line:
            name, mark, text = line.partition(">")
            if not mark:
                raise EvaluationError(f"{file}:{number}: neither NAME> TEXT, /ORDER nor ? CHECK")
            steps.append(Step(name.strip(), text.strip()))
    if title:
        yield _evening(title, language, steps)


def _evening(title: str, language: str, steps: Sequence[Step]) -> Evening:
    if language not in ("zh", "en"):
        raise EvaluationError(f"{title}: the language is {language!r}, not zh or en")
    return Evening(title, "zh" if language == "zh" else "en", tuple(steps))


def _checked(step: Step, text: str, where: str, number: int) -> Step:
    kind, _, rest = text.partition(" ")
    if kind not in CHECKS or (kind != "answered" and not rest.strip()):
        raise EvaluationError(f"{where}: {text!r} is no check; there are {', '.join(CHECKS)}")
    words = tuple(word for word in rest.split("|") if word.strip())
    return Step(step.name, step.text, (*step.checks, Check(kind, words, number)))


def failures(step: Step, said: Sequence[Said], language: Language) -> list[Check]:
    """The checks of a step that its answers do not pass."""
    told = "\n".join(line.text for line in said)
    return [check for check in step.checks if not said or not _holds(check, said, told, language)]


def _holds(check: Check, said: Sequence[Said], told: str, language: Language) -> bool:
    match check.kind:
        case "holds":
            return any(word.casefold() in told.casefold() for word in check.words)
        case "lacks":
            return not any(word.casefold() in told.casefold() for word in check.words)
        case "by":
            return check.words[0] in said[0].speaker.names
        case "language":
            return all(spoken(line.text) in ("", check.words[0]) for line in said)
        case _:
            return True


def spoken(text: str) -> str:
    """The language that a line is in: "zh", "en", or "" where it has no words."""
    chinese, latin = len(_CHINESE.findall(text)), len(_LATIN.findall(text))
    if not chinese and not latin:
        return ""
    return "zh" if chinese >= latin else "en"


def faults(line: Said, before: Sequence[str], cast: Cast) -> list[str]:
    """What is wrong with a line, as far as a rule can tell."""
    text, found = line.text.strip(), []
    if not text:
        return ["says nothing"]
    others = [c for c in cast if c.id != line.speaker.id]
    labels = "|".join(re.escape(name) for c in others for name in (c.name.zh, c.name.en))
    if re.search(rf"(?:^|\n)\W*(?:{labels})\W{{0,3}}[：:]", text):
        found.append("speaks for somebody else")
    if _ASSISTANT.search(text):
        found.append("speaks as an assistant")
    if text in before:
        found.append("repeats a line")
    greetings = (*line.speaker.greeting.zh, *line.speaker.greeting.en)
    if any(text == greeting for greeting in greetings):
        found.append("repeats a greeting")
    return found


async def perform(evening: Evening, talk: Talk, cast: Cast, report: Report) -> list[str]:
    """Play one script, count into `report`, and return its transcript, a line each."""
    transcript, before = [f"## {evening.title}", ""], list[str]()
    asked = evening.language
    for step in evening.steps:
        said = await talk.say(step.name or "导演", step.text)
        if not step.name:
            transcript.append(f"*{step.text}*  ")
            transcript += [f"{line.speaker.name[asked]}：{line.text}  " for line in said]
            continue
        transcript.append(f"**{step.name}**：{step.text}  ")
        wanted = spoken(step.text) or asked
        for line in said:
            transcript.append(f"{line.speaker.name[asked]}：{line.text}  ")
            report.lines += 1
            report.in_language += spoken(line.text) in ("", wanted)
            report.faults.update(faults(line, before, cast))
            before.append(line.text.strip())
        missed = failures(step, said, asked)
        report.checks += len(step.checks)
        report.held += len(step.checks) - len(missed)
        for check in missed:
            told = f"{check.kind} {'|'.join(check.words)}".strip()
            transcript.append(f"> ✗ {told}  ")
            report.failed.append(f"{evening.title}: {step.text} → {told}")
        if not said:
            report.faults["nobody answers"] += bool(step.checks)
    return [*transcript, ""]


# -- the verb ----------------------------------------------------------------------------------


def options(verb: argparse.ArgumentParser) -> None:
    add_options(verb)
    remote.add_options(verb)
    verb.add_argument("--scripts", type=Path, default=FOLDER, metavar="FOLDER")
    verb.add_argument("--only", metavar="TEXT", help="scripts whose title holds this")
    verb.add_argument("--seed", type=int, default=1, metavar="N")
    verb.add_argument("--context", type=int, metavar="N", help="longest prompt and reply, tokens")
    verb.add_argument("--canon", type=Path, metavar="FOLDER", help="the book replies lean on")
    verb.add_argument("-o", "--output", type=Path, metavar="DIR", help="for the transcript")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Play all scripts and print what was counted; `args.play` opens rooms on the model.

    Raises EvaluationError.
    """
    if args.play is None:
        raise EvaluationError("evenings are played in the bot's room: run `mrp evaluate evenings`")
    evenings = [one for one in read_evenings(args.scripts) if (args.only or "") in one.title]
    if not evenings:
        raise EvaluationError(f"no script's title holds {args.only!r}")
    report, transcript = asyncio.run(_play(args, evenings))
    result = report.result()
    if args.output:
        args.output.mkdir(parents=True, exist_ok=True)
        page = [
            f"# Evenings: {args.model or 'the default model'}, seed {args.seed}",
            "",
            *transcript,
        ]
        (args.output / "transcript.md").write_text("\n".join(page), encoding="utf-8")
        told = json.dumps(result, ensure_ascii=False, indent=1)
        (args.output / "evenings.json").write_text(told, encoding="utf-8")
    for key in ("lines", "checks", "held", "language", "seconds"):
        print(f"{key:<10} {result[key]}")
    for kind, count in report.faults.most_common():
        print(f"  {count:>3} {kind}")
    return result


async def _play(args: argparse.Namespace, evenings: Sequence[Evening]) -> tuple[Report, list[str]]:
    report, transcript, cast = Report(), list[str](), load_cast()
    begun = time.monotonic()
    async with args.play(args) as open_room:
        for number, evening in enumerate(evenings, start=1):
            talk = await open_room(evening.title)
            transcript += await perform(evening, talk, cast, report)
            print(f"{number}/{len(evenings)} {evening.title}", flush=True)
    report.seconds = time.monotonic() - begun
    return report, transcript
