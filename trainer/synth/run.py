"""A method's whole run: tasks side by side, a bar, the harvest looked over, files written whole."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from trainer.synth.formats.rows import write_lines, write_text
from trainer.synth.harvest import Harvest, Row, Task, seed_of
from trainer.synth.ledger import Ledger
from trainer.synth.methods import (
    context_instruct,
    continuation,
    dialogue,
    ditto,
    general,
    notes,
    profile,
    qa,
    questions,
    rolegpt,
)
from trainer.synth.world import World

# Of a method's rows about this share is never trained on, by the hash of their names.
HELD_OUT_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Method:
    """What a verb runs. `lessons`: its rows are lessons; else a file for other methods."""

    what: str
    tasks: Callable[[World], list[Task]]
    settle: Callable[[World, Harvest], Harvest]
    lessons: bool = True


METHODS: dict[str, Method] = {
    "qa": Method("questions answered in voice (XiYou)", qa.tasks, qa.settle),
    "dialogue": Method(
        "who says what, where rules cannot tell (XiYou)", dialogue.tasks, dialogue.settle
    ),
    "continue": Method(
        "scenes go on from a question (ChatHaruhi)", continuation.tasks, continuation.settle
    ),
    "questions": Method(
        "new questions from old ones (ChatHaruhi)", questions.tasks, questions.settle, False
    ),
    "profile": Method(
        "descriptions and catchphrases (RoleLLM)", profile.tasks, profile.settle, False
    ),
    "rolegpt": Method(
        "general instructions answered in role (RoleLLM)", rolegpt.tasks, rolegpt.settle
    ),
    "context-instruct": Method(
        "questions and answers out of profile and scenes (RoleLLM)",
        context_instruct.tasks,
        context_instruct.settle,
    ),
    "ditto": Method("what a character knows and cannot know (Ditto)", ditto.tasks, ditto.settle),
    "general": Method(
        "retold general answers, refusals and their control", general.tasks, general.settle
    ),
    "notes": Method(
        "what happens in the book, for its search (mrp canon notes)",
        notes.tasks,
        notes.settle,
        False,
    ),
}


async def reap(
    method: Method, world: World, tasks: Sequence[Task], ledger: Ledger, *, workers: int, bar: bool
) -> Harvest:
    """All tasks, `workers` at a time; the harvest is in the tasks' order, whoever was first.

    Raises:
        TeacherError: the teacher cannot be asked; what it has answered is kept.
    """
    found: list[Harvest | None] = [None] * len(tasks)
    waiting = iter(range(len(tasks)))
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[counts]}"),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not bar) as progress:
        line = progress.add_task("tasks", total=len(tasks), counts="")

        async def work() -> None:
            for number in waiting:
                found[number] = await tasks[number].run(ledger)
                progress.update(line, advance=1, counts=_counts(ledger))

        crowd = [asyncio.create_task(work()) for _ in range(max(1, workers))]
        try:
            await asyncio.gather(*crowd)
        finally:
            for one in crowd:
                one.cancel()
            await asyncio.gather(*crowd, return_exceptions=True)
    whole = Harvest()
    for harvest in found:
        if harvest is not None:
            whole.add(harvest)
    return method.settle(world, whole)


def _counts(ledger: Ledger) -> str:
    counts = ledger.counts
    told = f"{counts.asked} asked, {counts.kept} kept, {counts.read}+{counts.written} tokens"
    return f"{told}, {ledger.cost:.4f}" if any(ledger.prices) else told


def save(name: str, harvest: Harvest, folder: Path, card: dict[str, Any]) -> dict[str, Any]:
    """Write a method's folder: its rows, `dropped.jsonl` and `card.json`; each file whole.

    Lessons go to train.jsonl and held_out.jsonl, as `mrp train` and `mrp lessons mix` read them;
    other rows to `<method>.jsonl`. Returns the card.
    """
    files: dict[str, list[Row]] = {f"{name}.jsonl": harvest.rows}
    if METHODS[name].lessons:
        files = {"train.jsonl": [], "held_out.jsonl": []}
        for row in harvest.rows:
            held = seed_of("held out", row["id"]) / 0x7FFFFFFF < HELD_OUT_SHARE
            files["held_out.jsonl" if held else "train.jsonl"].append(row)
    for file, rows in (files | {"dropped.jsonl": harvest.dropped}).items():
        write_lines(folder / file, rows)
    card |= {
        "kind": "synth",
        "method": name,
        "rows": len(harvest.rows),
        "dropped": harvest.reasons(),
        "files": {file: len(rows) for file, rows in files.items()},
    }
    write_text(folder / "card.json", [json.dumps(card, ensure_ascii=False, indent=1) + "\n"])
    return card


def accounts(ledger: Ledger) -> dict[str, Any]:
    """What a run asked, kept and spent."""
    return {
        "teacher": ledger.teacher.name,
        "calls": asdict(ledger.counts),
        "cost": round(ledger.cost, 6),
    }


def shown() -> bool:
    """Whether somebody looks at the bar."""
    return sys.stderr.isatty()
