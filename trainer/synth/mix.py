"""A mix recipe: which share of the lessons comes from where, and why.

    rows = 0                  # how many in all; 0: as many as the shares allow
    seed = 20261121
    [[part]]
    folder = "build/synth/qa" # what a method wrote, or `mrp lessons`
    share = 0.3
    why = "…"

Shares hold exactly: the part that is shortest for its share bounds the whole.
"""

from __future__ import annotations

import random
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from text.toml import read_toml
from trainer.synth.error import OptionError
from trainer.synth.formats.rows import read_rows, write_lines
from trainer.synth.harvest import Row

SPLITS = ("train", "held_out")


@dataclass(frozen=True, slots=True)
class Part:
    """A folder of lessons, its share of the whole in 0..1, and the reason for it."""

    folder: Path
    share: float
    why: str


@dataclass(frozen=True, slots=True)
class Mix:
    """A recipe; `rows` 0 takes as many as the shares allow."""

    parts: tuple[Part, ...]
    rows: int
    seed: int


def read_mix(file: Path) -> Mix:
    """Read a recipe.

    Raises:
        OptionError: missing, broken, an unknown key, shares that do not add up to 1, no reason.
    """
    try:
        raw = read_toml(file)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise OptionError(f"{file}: cannot be read as a mix recipe: {problem}") from problem
    for key in raw.keys() - {"rows", "seed", "part"}:
        raise OptionError(f"{file}: {key}: unknown key")
    parts = tuple(_part(one, f"{file}: part {n}") for n, one in enumerate(raw.get("part", ()), 1))
    if not parts:
        raise OptionError(f"{file}: part: is missing; see trainer/synth/mix.toml for an example")
    total = sum(part.share for part in parts)
    if abs(total - 1) > 1e-6:
        raise OptionError(f"{file}: the shares add up to {total:g}, not 1")
    rows, seed = raw.get("rows", 0), raw.get("seed", 0)
    if type(rows) is not int or type(seed) is not int or rows < 0:
        raise OptionError(f"{file}: rows and seed must be whole numbers from 0 on")
    return Mix(parts, rows, seed)


def _part(raw: Any, where: str) -> Part:
    if not isinstance(raw, dict) or raw.keys() != {"folder", "share", "why"}:
        raise OptionError(f"{where}: must have folder, share and why, and nothing else")
    folder, share, why = raw["folder"], raw["share"], raw["why"]
    if not isinstance(folder, str) or not isinstance(why, str) or not why.strip():
        raise OptionError(f"{where}: folder and why must be texts")
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
        raise OptionError(f"{where}: share must lie in 0..1, not {share!r}")
    return Part(Path(folder), float(share), why)


def blend(mix: Mix, out: Path) -> dict[str, Any]:
    """Draw the rows of all parts and write train.jsonl and held_out.jsonl. Returns the counts.

    Raises:
        OptionError: a folder has no lessons. FormatError: a row is broken.
    """
    report: dict[str, Any] = {}
    for split in SPLITS:
        found = [_rows(part, split) for part in mix.parts]
        if split == "train":
            for part, rows in zip(mix.parts, found, strict=True):
                if not rows:
                    raise OptionError(f"{part.folder}: no lessons (train.jsonl) in it")
        most = min(int(len(r) / p.share + 1e-9) for p, r in zip(mix.parts, found, strict=True))
        # The held-out rows keep the shares as far as there are enough of every part.
        total = min(most, mix.rows) if mix.rows and split == "train" else most
        dice = random.Random(f"{mix.seed}-{split}")
        taken: list[Row] = []
        for part, rows in zip(mix.parts, found, strict=True):
            taken += dice.sample(rows, min(len(rows), round(part.share * total)))
        if split == "held_out" and not taken:
            taken = [row for rows in found for row in rows]
        dice.shuffle(taken)
        write_lines(out / f"{split}.jsonl", taken)
        report[split] = {
            "rows": len(taken),
            "sources": dict(Counter(str(row.get("source")) for row in taken).most_common()),
        }
        report[split]["left"] = sum(map(len, found)) - len(taken)
    return report


def _rows(part: Part, split: str) -> list[Row]:
    file = part.folder / f"{split}.jsonl"
    return [row for _, row in read_rows(file)] if file.exists() else []
