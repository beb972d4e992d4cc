"""`mrp lessons mix SOURCE… -o DIR`: lessons out of conversations that others kept.

    mrp lessons mix swk.jsonl zbj.jsonl tsz.jsonl swj.jsonl -o build/lessons
    mrp lessons mix build/canon-lessons chat.jsonl=wukong --balance 0.5 -o build/lessons
    mrp lessons mix swj.jsonl swk.jsonl tsz.jsonl zbj.jsonl --seed-exact -o build/seed-mix

A source is a folder that `mrp lessons` wrote, or JSON lines of XTuner (`conversation`), ShareGPT
(`conversations`), chat messages (`messages`) or Alpaca (`instruction`), told apart row by row.
Whose voice a row teaches is said by its system text: a name or alias of a character with a card;
`FILE=CHARACTER` says it for a whole file. What cannot be used is left out, counted and named with
its line; nothing is repaired by guessing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from characters.card import CAST_FOLDER, Cast, Character, Language, UnknownCharacter, load_cast
from characters.prompt import Style
from characters.turn import Scene, Turn, safe_name
from trainer import lessons
from trainer.duplicates import Shelf
from trainer.lessons import Lesson, LessonError, Split
from trainer.people import PEOPLE
from trainer.synth.error import FormatError
from trainer.synth.formats import alpaca, chat, xtuner
from trainer.synth.formats.dialogue import Dialogue

_SEED_LINES = 1500  # the seed's head and tail


@dataclass(slots=True)
class Losses:
    """What was left out: reason -> "file:line …" of each, in the order it was met."""

    named: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, reason: str, where: str) -> None:
        self.named[reason].append(where)

    def counts(self) -> dict[str, int]:
        return {reason: len(places) for reason, places in self.named.items()}

    def lines(self, each: int = 3) -> Iterator[str]:
        """One line a reason, with the first places."""
        for reason, places in self.named.items():
            more = f" … and {len(places) - each} more" if len(places) > each else ""
            yield f"{len(places)} × {reason}: {', '.join(places[:each])}{more}"


@dataclass(frozen=True, slots=True)
class SourceLesson:
    """A lesson and what it must not be torn from: rows of one `session` go to one split."""

    lesson: Lesson
    session: str
    split: Split | None = None  # settled by the source already


@dataclass(frozen=True, slots=True)
class Dials:
    """How sources are mixed. `near` in 0..1: how alike two rows are duplicates; `cap`: most lessons
    a character; `balance` 0 leaves the shares as they are, 1 makes all as rare as the rarest."""

    seed: int = 20261121
    near: float = 0.8
    cap: int = 0
    balance: float = 0.0
    held_out: float = 0.05
    longest: int = 4000


# --- reading ---------------------------------------------------------------------------------


def read(source: str, known: Cast, losses: Losses, *, longest: int) -> list[SourceLesson]:
    """All lessons of one source; what is broken goes to `losses`.

    Raises:
        LessonError: the file is not there, or `=CHARACTER` names nobody.
    """
    name, _, whose = source.partition("=")
    path = Path(name)
    if path.is_dir():
        return [
            SourceLesson(one, one.id.rsplit("-", 1)[0], split)
            for split in lessons.SPLITS
            for one in lessons.load(path, split, known)
        ]
    speaker = None
    if whose:
        try:
            speaker = known.find(whose)
        except UnknownCharacter as problem:
            raise LessonError(f"{source}: {problem}") from problem
    taken = []
    for number, text in _lines(path):
        where = f"{path.name}:{number}"
        try:
            row = json.loads(text)
        except ValueError:
            losses.add("not JSON", where)
            continue
        found = _lesson(row, where, known, speaker, losses, longest)
        if found:
            taken.append(SourceLesson(found, _session(row, where)))
    return taken


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """(line, text) of JSON lines; (row, text) of a file that is one JSON array."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        raise LessonError(f"{path}: cannot be read: {problem}") from problem
    if text.lstrip().startswith("["):
        try:
            rows = json.loads(text)
        except ValueError as problem:
            raise LessonError(f"{path}: not JSON: {problem}") from problem
        yield from ((n, json.dumps(row)) for n, row in enumerate(rows, start=1))
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line


def _dialogue(row: Any, where: str) -> Dialogue:
    """Raises FormatError."""
    keys = row.keys() if isinstance(row, dict) else set()
    if "conversation" in keys:
        return xtuner.dialogue(row, where)
    if "conversations" in keys:
        return chat.dialogue(row, where, chat.SHAREGPT)
    if "messages" in keys:
        return chat.dialogue(row, where, chat.MESSAGES)
    if "instruction" in keys:
        return alpaca.dialogue(row, where)
    raise FormatError(f"{where}: neither XTuner, ShareGPT, messages nor Alpaca")


def _lesson(
    row: Any,
    where: str,
    known: Cast,
    speaker: Character | None,
    losses: Losses,
    longest: int,
) -> Lesson | None:
    try:
        dialogue = _dialogue(row, where)
    except FormatError as problem:
        losses.add("broken row", str(problem))
        return None
    for _ in range(_empty_targets(row)):
        losses.add("empty target", where)
    speaker = speaker or _whose(dialogue, known)
    if speaker is None:
        losses.add("unknown speaker", f"{where} ({(dialogue.system or 'no system text')[:20]!r})")
        return None
    lines = list(dialogue.lines)
    while lines and not lines[-1].own:
        lines.pop()  # a question that nobody answered
    if not lines:
        losses.add("no reply at all", where)
        return None
    if sum(len(line.text) for line in lines) > longest:
        losses.add(f"longer than {longest} characters", where)
        return None
    language: Language = "zh" if any(_CJK.search(line.text) for line in lines) else "en"
    dice = random.Random(where)
    person = dice.choice(PEOPLE[language])
    turns = []
    for line in lines:
        if line.own:
            turns.append(Turn(speaker.id, line.text, "character"))
        else:
            turns.append(Turn(safe_name(line.name) if line.name else person, line.text, "human"))
    return Lesson(
        id=where,
        source=Path(where).stem,
        scene=Scene((speaker,), tuple(turns[:-1]), language=language),
        speaker=speaker,
        reply=turns[-1].text,
    )


_CJK = re.compile(r"[\u3400-\u9fff]")


def _whose(dialogue: Dialogue, known: Cast) -> Character | None:
    """The character a system text means: it is a name, or holds the names of one character only."""
    for name in (dialogue.role, dialogue.system):
        try:
            return known.find(name)
        except UnknownCharacter:
            pass
    named = [c for c in known if any(len(n) > 1 and n in dialogue.system for n in c.names)]
    return named[0] if len(named) == 1 else None


def _empty_targets(row: dict[str, Any]) -> int:
    turns = row.get("conversation", [])
    if "output" in row:
        turns = [row]
    return sum(not str(turn.get("output") or "").strip() for turn in turns)


def _session(row: dict[str, Any], where: str) -> str:
    """What ties rows together: a chapter or session where the row names one, else itself."""
    told = {**row, **row.get("meta", {})} if isinstance(row.get("meta", {}), dict) else row
    for key in ("chapter", "session", "session_id", "conversation_id", "chunk_id"):
        if told.get(key) is not None:
            return f"{key} {told[key]}"
    return where


# --- mixing ----------------------------------------------------------------------------------


def mix(
    taken: Sequence[SourceLesson], dials: Dials, losses: Losses, *, shown: bool = False
) -> dict[Split, list[Lesson]]:
    """Duplicates out, common characters cut down, split by session, shuffled: by one seed."""
    dice = random.Random(dials.seed)
    kept = distinct(taken, dials.near, losses, shown=shown)
    splits: dict[Split, list[Lesson]] = {"train": [], "held_out": []}
    for one in kept:
        split: Split = one.split or (
            "held_out" if _share(f"{dials.seed} {one.session}") < dials.held_out else "train"
        )
        splits[split].append(one.lesson)
    for made in splits.values():
        dice.shuffle(made)
    splits["train"] = balanced(splits["train"], dials, losses)
    return splits


def _share(text: str) -> float:
    """The same number in 0..1 for the same text, on every machine."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) / 2**64


def distinct(
    taken: Iterable[SourceLesson], near: float, losses: Losses, *, shown: bool = False
) -> list[SourceLesson]:
    """The first of every group of rows of one character that say nearly the same.

    MinHash over three-letter pieces with locality-sensitive hashing (Broder 1997), whole mix, not
    neighbours only. Alike lines of two characters both stay: they teach who is who.
    """
    if not 0 < near < 1:
        return list(taken)
    shelves: dict[str, Shelf] = {}
    kept: list[SourceLesson] = []
    rows = list(taken)
    bar = track(rows, "comparing", console=Console(stderr=True), disable=not shown, transient=True)
    for number, one in enumerate(bar):
        shelf = shelves.setdefault(one.lesson.speaker.id, Shelf(near))
        said = "".join([*(turn.text for turn in one.lesson.scene.turns), one.lesson.reply])
        if (other := shelf.alike(said, number)) is not None:
            losses.add("near duplicate", f"{one.lesson.id} (of {rows[other].lesson.id})")
            continue
        kept.append(one)
    return kept


def balanced(made: Sequence[Lesson], dials: Dials, losses: Losses) -> list[Lesson]:
    """At most `cap` lessons a character, and at most common^(1-balance) · rare^balance."""
    counts = Counter(one.speaker.id for one in made)
    if not counts:
        return []
    most, least = max(counts.values()), min(counts.values())
    limit = round(most ** (1 - dials.balance) * least**dials.balance)
    if dials.cap:
        limit = min(limit, dials.cap)
    kept = []
    seen: Counter[str] = Counter()
    for one in made:
        seen[one.speaker.id] += 1
        if seen[one.speaker.id] <= limit:
            kept.append(one)
        else:
            losses.add("over the character's share", one.id)
    return kept


def seed_lines(files: Sequence[Path]) -> list[tuple[str, int, str]]:
    """The seed's mix: of each file `uniq`, then its first and last 1,500 lines, one after another.

    (file, line, text) of each; a file of fewer than 3,000 lines gives lines twice, as there.
    """
    rows = []
    for file in files:
        found = [(file.name, number, text) for number, text in _lines(file)]
        unlike = [
            row for at, row in enumerate(found) if at == 0 or row[2] != found[at - 1][2]
        ]  # `uniq` looks at neighbours only
        rows += unlike[:_SEED_LINES] + unlike[-_SEED_LINES:]
    return rows


# --- the verb --------------------------------------------------------------------------------


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="mrp lessons mix",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("sources", nargs="+", metavar="SOURCE")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder for the lessons")
    parser.add_argument("--cards", type=Path, default=CAST_FOLDER, help="your own character cards")
    parser.add_argument("--near", type=float, default=0.8, help="alike from here on (0: off)")
    parser.add_argument("--cap", type=int, default=0, help="most lessons a character (0: all)")
    parser.add_argument("--balance", type=float, default=0.0, help="0 as they are … 1 all alike")
    parser.add_argument("--held-out", type=float, default=0.05, help="share never trained on")
    parser.add_argument("--longest", type=int, default=4000, help="characters a row")
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--seed-exact", action="store_true", help="uniq + head/tail -1500, as is")
    parser.add_argument("--sample", type=int, default=0, help="print so many random lessons")
    parser.add_argument("--json", action="store_true", help="print the counts as the last line")
    args = parser.parse_args(argv)
    known, losses = load_cast(args.cards), Losses()
    dials = Dials(args.seed, args.near, args.cap, args.balance, args.held_out, args.longest)
    for name, share in (("balance", dials.balance), ("held-out", dials.held_out)):
        if not 0 <= share <= 1:
            raise LessonError(f"--{name} must lie in 0..1, not {share:g}")
    raw: list[str] = []
    splits: dict[Split, list[Lesson]]
    if args.seed_exact:
        rows = seed_lines([Path(source) for source in args.sources])
        raw = [text for *_, text in rows]
        splits = {"train": _as_lessons(rows, known, losses, dials.longest), "held_out": []}
    else:
        taken = [
            one
            for source in args.sources
            for one in read(source, known, losses, longest=dials.longest)
        ]
        splits = mix(taken, dials, losses, shown=sys.stderr.isatty())
    if not splits["train"]:
        told = "; ".join(losses.lines())
        raise LessonError(f"nothing is left to learn from {', '.join(args.sources)}: {told}")
    for split in lessons.SPLITS:
        lessons.save(args.out, split, splits[split])
    if raw:
        _write(args.out / "xiyou.jsonl", lambda out: out.writelines(line + "\n" for line in raw))
    counts: dict[str, Any] = {split: lessons.report(made) for split, made in splits.items()}
    counts["left_out"] = losses.counts()
    left_out = "\n".join(f"{reason}\t{p}" for reason, ps in losses.named.items() for p in ps)
    _write(args.out / "left-out.tsv", lambda out: out.write(left_out + "\n" if left_out else ""))
    _tell(counts, losses, args.out)
    dice = random.Random(dials.seed)
    for one in dice.sample(splits["train"], min(args.sample, len(splits["train"]))):
        print("".join(span.text for span in one.spans(Style())), "\n" + "-" * 60)
    if args.json:
        print(json.dumps(counts, ensure_ascii=False))
    return 0


def _as_lessons(
    rows: Iterable[tuple[str, int, str]], known: Cast, losses: Losses, longest: int
) -> list[Lesson]:
    made = []
    for file, number, text in rows:
        where = f"{file}:{number}"
        try:
            row = json.loads(text)
        except ValueError:
            losses.add("not JSON", where)
            continue
        if one := _lesson(row, where, known, None, losses, longest):
            made.append(one)
    return made


def _write(file: Path, write: Callable[[Any], Any]) -> None:
    aside = file.with_suffix(".part")
    with aside.open("w", encoding="utf-8") as out:
        write(out)
    aside.rename(file)


def _tell(counts: dict[str, Any], losses: Losses, out: Path) -> None:
    for split in lessons.SPLITS:
        told = counts[split]
        print(f"{out / split}.jsonl: {told['lessons']} lessons")
        for speaker, number in told["lines"].items():
            print(f"  {speaker:<10} {number:>6} lines {told['characters'][speaker]:>8} characters")
    for line in losses.lines():
        print(f"left out: {line}")
    if losses.named:
        print(f"all of them: {out / 'left-out.tsv'}")
