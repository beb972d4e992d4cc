"""`mrp evaluate voices`: learn how a book's characters speak, to tell replies by.

mrp evaluate voices --canon DIR -o FILE                      the four leads of 西游记
mrp evaluate voices --canon DIR --characters a,b -o FILE     anybody with a card and lines
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from characters.card import CAST_FOLDER, load_cast
from characters.script import read_script
from evaluation.asks import chapters
from evaluation.measures import voices
from evaluation.subject import leads


def options(verb: argparse.ArgumentParser) -> None:
    """The options of `mrp evaluate voices`."""
    verb.add_argument("--canon", type=Path, required=True, metavar="DIR")
    verb.add_argument("--cast", type=Path, default=CAST_FOLDER)
    verb.add_argument("--characters", default="wukong,tangseng,bajie,shaseng")
    verb.add_argument("--held-out", default="", help="chapters to leave out, and to be tested on")
    verb.add_argument("-o", "--out", type=Path, required=True, metavar="FILE")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Learn and write. Raises ScriptError without a canon, EvaluationError without lines."""
    cast = load_cast(args.cast)
    speakers = [c.id for c in leads(cast, args.characters.split(","))]
    held_out = set(chapters(args.held_out))
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
