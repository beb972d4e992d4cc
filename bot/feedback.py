"""`mrp feedback`: what people thought of replies, as rows to learn from.

mrp feedback export --format dpo -o pairs.jsonl     prompt, chosen, rejected
mrp feedback export --format kto -o votes.jsonl     prompt, completion, label

The rows are what TRL's DPOTrainer and KTOTrainer take. People who opted out are not in them, and
people's names are letters (甲、乙… or A, B…). Where it is read from is REDIS_URL, or the memory of
this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.progress import Progress

from bot.memory import Asked, Given, Memory, open_memory
from bot.pseudonyms import letter, replacer
from bot.secrets import redis_url

Format = Literal["dpo", "kto"]


class FeedbackProblem(RuntimeError):
    """There is nothing to export, or it cannot be written; the message says which."""

    for_user = True


def main(argv: list[str]) -> int:
    """Run one subverb. Returns the exit status.

    Raises:
        FeedbackProblem, MemoryProblem: the message says why.
    """
    parser = argparse.ArgumentParser(
        prog="mrp feedback", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="export")
    export = verbs.add_parser("export", help="feedback → JSON lines for a trainer")
    export.add_argument("--format", choices=("dpo", "kto"), required=True)
    export.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    export.add_argument("--json", action="store_true", help="counts as JSON on the last line")
    options = parser.parse_args(argv)
    counts = asyncio.run(_export(options.format, options.output))
    if options.json:
        print(json.dumps(counts))
    else:
        print(
            f"{counts['rows']} rows of {counts['feedback']} pieces of feedback in "
            f"{options.output}; {counts['left_out']} left out of people who opted out"
        )
    return 0


async def _export(format_: Format, output: Path) -> dict[str, Any]:
    memory = await open_memory(redis_url(os.environ), patience=10.0)
    try:
        given, left_out = await allowed(memory)
    finally:
        await memory.close()
    rows: list[Mapping[str, Any]] = list(dpo(given) if format_ == "dpo" else kto(given))
    if not rows:
        raise FeedbackProblem(
            f"there is no feedback for {format_} yet: it comes from 👍 and 👎 under replies, from "
            "retried and from edited ones"
        )
    _write(rows, output)
    return {
        "rows": len(rows),
        "feedback": len(given),
        "left_out": left_out,
        "format": format_,
        "output": str(output),
    }


async def allowed(memory: Memory) -> tuple[list[Given], int]:
    """All feedback without that of people who opted out or whose lines a prompt holds; and how
    much was left out.

    Raises:
        MemoryAway, MemoryProblem: it cannot be read.
    """
    out: dict[str, bool] = {}

    async def opted_out(person: str) -> bool:
        if person not in out:
            known = await memory.person(person).known()
            out[person] = known.profile.leaving or not known.profile.in_groups
        return out[person]

    given, left_out = [], 0
    async for piece in memory.feedback.given():
        people = {piece.person, *(piece.asked.people or {})}
        if any([await opted_out(person) for person in people]):
            left_out += 1
        else:
            given.append(piece)
    return given, left_out


def dpo(given: Iterable[Given]) -> Iterator[dict[str, str]]:
    """Rows of TRL's preference format: choices, edits, and two versions of one line of which
    one person liked the one and not the other."""
    thumbs: dict[tuple[str, str], dict[int, Given]] = {}
    for piece in given:
        if piece.kind == "rate":
            line = piece.line.rpartition(" ")[0]
            thumbs.setdefault((line, piece.person), {})[piece.value] = piece
            continue
        name = neutral(piece.asked)
        yield {
            "prompt": _prompt(piece.asked, name),
            "chosen": _completion(piece.asked, piece.asked.reply, name),
            "rejected": _completion(piece.asked, piece.other, name),
        }
    for votes in thumbs.values():
        if 1 in votes and -1 in votes:
            up, down = votes[1].asked, votes[-1].asked
            name = neutral(up)
            yield {
                "prompt": _prompt(up, name),
                "chosen": _completion(up, up.reply, name),
                "rejected": _completion(up, down.reply, name),
            }


def kto(given: Iterable[Given]) -> Iterator[dict[str, Any]]:
    """Rows of TRL's unpaired preference format: thumbs, and both sides of choices and edits."""
    seen: set[tuple[str, str, bool]] = set()
    for piece in given:
        asked, name = piece.asked, neutral(piece.asked)
        votes = [(asked.reply, piece.value > 0)]
        if piece.kind != "rate":
            votes = [(asked.reply, True), (piece.other, False)]
        for reply, label in votes:
            row = (_prompt(asked, name), _completion(asked, reply, name), label)
            if row not in seen:
                seen.add(row)
                yield {"prompt": row[0], "completion": row[1], "label": label}


def neutral(asked: Asked) -> Callable[[str], str]:
    """A function that puts letters in the place of people's names, in the order they appear."""
    names = dict.fromkeys((asked.people or {}).values())
    whole = "".join(text for text, control in asked.spans if not control)
    found = sorted((n for n in names if n), key=lambda n: (whole.find(n) < 0, whole.find(n)))
    letters = {name: letter(i, asked.language) for i, name in enumerate(found)}
    return replacer(letters)


def _prompt(asked: Asked, name: Callable[[str], str]) -> str:
    """The text of the prompt. Control texts that somebody typed are taken apart: a trainer would
    read them as control tokens, which the model that was asked did not."""
    markup = {text.strip() for text, control in asked.spans if control}
    marks = {mark for text in markup for mark in re.findall(r"<\|?[^<>\s]+\|?>", text)}

    def plain(text: str) -> str:
        for mark in marks:
            text = text.replace(mark, mark[0] + " " + mark[1:])
        return text

    return "".join(text if control else plain(name(text)) for text, control in asked.spans)


def _completion(asked: Asked, reply: str, name: Callable[[str], str]) -> str:
    """The reply as a continuation of the prompt: in English after a space."""
    return name(reply) if asked.language == "zh" else " " + name(reply)


def _write(rows: Iterable[Mapping[str, Any]], output: Path) -> None:
    """One JSON object a line, under a name of its own until all are there.

    Raises:
        FeedbackProblem: the file cannot be written.
    """
    partial = None
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.NamedTemporaryFile(
                "w", encoding="utf-8", dir=output.parent, prefix=output.name, delete=False
            ) as file,
            Progress(console=Console(stderr=True), transient=True) as progress,
        ):
            partial = Path(file.name)
            for row in progress.track(rows, description="feedback", total=None):
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        partial.chmod(0o644)
        partial.replace(output)
    except OSError as problem:
        raise FeedbackProblem(f"{output} cannot be written: {problem.strerror}") from problem
    finally:
        if partial and partial.exists():
            partial.unlink()
