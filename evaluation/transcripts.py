"""`mrp evaluate transcripts`: the same talks with and without an adapter, side by side, to be read.

    mrp evaluate transcripts --model GGUF --voice FILE -o transcripts.md --seed 1

Told: the model with the prompt it gets where nobody taught it (whole cards, rules). Taught: the
same file with the adapter, served as it was taught. Both hear the same lines and seeds, each
with its own answers before them; nothing is left out, shortened or chosen. The talks are those of
`evaluation/talks.toml`, or of a file of the same form (--talks). What was answered is kept in
FILE.part until the page is written: the same command goes on.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from characters.card import CAST_FOLDER, Cast, Language, load_cast
from characters.turn import Scene, Turn
from evaluation.error import EvaluationError
from evaluation.progress import Step, shown
from evaluation.subject import Ask, EngineSubject, Subject
from hub.choice import add_markup, model_file
from text.toml import read_toml

TALKS = Path(__file__).with_name("talks.toml")
Side = Literal["told", "taught"]
SIDES: tuple[Side, Side] = ("told", "taught")


@dataclass(frozen=True, slots=True)
class Line:
    """What a person says, and the id of the character who answers it."""

    name: str
    to: str
    text: str


@dataclass(frozen=True, slots=True)
class Talk:
    """One conversation: who is there, and what people say in it."""

    title: str
    language: Language
    cast: tuple[str, ...]
    lines: tuple[Line, ...]


# What a talk's lines were answered with, so far.
Answered = list[str]


def read_talks(file: Path, cast: Cast) -> list[Talk]:
    """All talks of a file.

    Raises:
        EvaluationError: the file or a talk cannot be used; the talk is named by its number.
    """
    try:
        rows = read_toml(file)["talk"]
    except (OSError, ValueError, KeyError) as problem:
        raise EvaluationError(f"{file} cannot be read as talks: {problem}") from None
    return [_talk(row, f"{file}: talk {number}", cast) for number, row in enumerate(rows, 1)]


def _talk(row: Mapping[str, Any], where: str, cast: Cast) -> Talk:
    try:
        talk = Talk(
            str(row["title"]),
            row["language"],
            tuple(row["cast"]),
            tuple(Line(*map(str, line)) for line in row["lines"]),
        )
    except (KeyError, TypeError) as problem:
        raise EvaluationError(
            f"{where}: needs title, language, cast, and lines of [who, to whom, what] ({problem})"
        ) from None
    if talk.language not in ("zh", "en"):
        raise EvaluationError(f"{where}: the language is {talk.language!r}, not zh or en")
    known = {character.id for character in cast}
    for name in (*talk.cast, *(line.to for line in talk.lines)):
        if name not in known or name not in talk.cast:
            raise EvaluationError(f"{where}: {name!r} is nobody of the cast on stage")
    return talk


def _ask(talk: Talk, answered: Sequence[str], cast: Cast, seed: int) -> Ask:
    """The next reply that a talk wants, with all that was said before it."""
    turns = []
    for line, reply in zip(talk.lines, answered, strict=False):
        turns += [Turn(line.name, line.text), Turn(line.to, reply, "character")]
    at = len(answered)
    turns.append(Turn(talk.lines[at].name, talk.lines[at].text))
    scene = Scene(tuple(cast[name] for name in talk.cast), tuple(turns), language=talk.language)
    name = f"{talk.title}/{at}"
    dice = zlib.crc32(f"{seed}/{name}".encode()) >> 1
    return Ask(name, "transcripts", talk.title, scene, cast[talk.lines[at].to], dice)


async def play(
    subject: Subject, talks: Sequence[Talk], cast: Cast, answered: list[Answered], seed: int
) -> bool:
    """One line further in every talk that has one; whether there was any."""
    open_ = [i for i, talk in enumerate(talks) if len(answered[i]) < len(talk.lines)]
    asks = {i: _ask(talks[i], answered[i], cast, seed) for i in open_}
    replies = await subject.answer(list(asks.values()))
    for i, ask in asks.items():
        answered[i].append(replies[ask.id].text)
    return bool(open_)


def page(
    talks: Sequence[Talk],
    sides: Mapping[Side, Sequence[Answered]],
    cast: Cast,
    about: Mapping[str, Any],
) -> str:
    """The page in Markdown: a table a talk, a row a line."""
    count = 2 * len(talks)
    lines = [
        f"# {count} transcripts: told and taught",
        "",
        f"{about['model']} merely told by its prompt (whole cards, rules), and the same with "
        f"{about['voice']}, served as it was taught. Same lines, same seeds "
        f"(seed {about['seed']}), unedited. Made by `mrp evaluate transcripts`.",
    ]
    for i, talk in enumerate(talks):
        here = ", ".join(cast[name].name[talk.language] for name in talk.cast)
        lines += ["", f"## {talk.title} ({here})", "", "| | told | taught |", "|---|---|---|"]
        for at, line in enumerate(talk.lines):
            to = cast[line.to].name[talk.language]
            told, taught = (sides[side][i][at] for side in SIDES)
            said = f"**{line.name}** → {to}: {line.text}"
            lines.append(f"| {_plain(said)} | {_plain(told)} | {_plain(taught)} |")
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """A text in a cell of a table: as it is, with its line breaks; nothing in it is markup."""
    told = text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "\\`")
    return told.replace("\n", "<br>") or "*(nothing)*"


# -- the verb ----------------------------------------------------------------------------------


def options(verb: argparse.ArgumentParser) -> None:
    """The options of `mrp evaluate transcripts`."""
    verb.add_argument("--model", type=model_file, required=True, help="a name, or a GGUF")
    verb.add_argument("--voice", type=Path, required=True, metavar="FILE", help="a LoRA adapter")
    add_markup(verb)
    verb.add_argument("-o", "--out", type=Path, required=True, metavar="FILE", help="a .md file")
    verb.add_argument("--talks", type=Path, default=TALKS, metavar="FILE")
    verb.add_argument("--cast", type=Path, default=CAST_FOLDER)
    verb.add_argument("--context", type=int, default=4096, help="tokens (default 4096)")
    verb.add_argument("--threads", type=int, help="(default: cores; 1 on a busy machine)")
    verb.add_argument("--seed", type=int, default=1)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Play all talks on both sides and write the page. Raises EvaluationError, ModelError."""
    cast = load_cast(args.cast)
    talks = read_talks(args.talks, cast)
    if not talks:
        raise EvaluationError(f"{args.talks} has no talks")
    about = {
        "model": Path(args.model).name,
        "voice": args.voice.name,
        "seed": args.seed,
        "talks": hashlib.sha256(repr(talks).encode()).hexdigest()[:12],
    }
    kept = args.out.with_name(f"{args.out.name}.part")
    sides = _kept(kept, about, len(talks))
    with shown() as step:
        for side in SIDES:
            asyncio.run(_side(args, side, talks, cast, _Store(kept, about, sides), step))
    args.out.write_text(page(talks, sides, cast, about), encoding="utf-8")
    kept.unlink(missing_ok=True)
    print(f"{2 * len(talks)} transcripts → {args.out}")
    return {"out": str(args.out), **about, "transcripts": 2 * len(talks)}


@dataclass(frozen=True, slots=True)
class _Store:
    """What was answered so far, and the file that holds it."""

    file: Path
    about: Mapping[str, Any]
    sides: dict[Side, list[Answered]]

    def write(self) -> None:
        """Write all of it, or nothing."""
        aside = self.file.with_suffix(".new")
        told = json.dumps({"about": self.about, "sides": self.sides}, ensure_ascii=False)
        aside.write_text(told, encoding="utf-8")
        aside.replace(self.file)


def _kept(file: Path, about: Mapping[str, Any], talks: int) -> dict[Side, list[Answered]]:
    """What an earlier call has answered; nothing, where it was about something else."""
    fresh: dict[Side, list[Answered]] = {side: [[] for _ in range(talks)] for side in SIDES}
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        return {side: told["sides"][side] for side in SIDES} if told["about"] == about else fresh
    except (OSError, ValueError, KeyError, TypeError):
        return fresh


async def _side(
    args: argparse.Namespace,
    side: Side,
    talks: Sequence[Talk],
    cast: Cast,
    store: _Store,
    step: Step,
) -> None:
    answered = store.sides[side]
    of = sum(len(talk.lines) for talk in talks)
    if sum(map(len, answered)) == of:
        return
    subject = EngineSubject.open(
        Path(args.model),
        at_once=8,
        context=args.context,
        threads=args.threads,
        adapter=args.voice if side == "taught" else None,
        markup=args.markup,
    )
    try:
        while await play(subject, talks, cast, answered, args.seed):
            store.write()
            step(side, sum(map(len, answered)), of)
    finally:
        await subject.close()
