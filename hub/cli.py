"""`mrp model`: models by name; what fits this machine, fetched and checked.

mrp model list                                            to talk with, best first
mrp model list --all                                      bases to train, too
mrp model pull qwen3-8b
mrp model pull owner/name --file '*Q4_K_M.gguf'           one file of any repository
mrp model pull internlm2-chat-7b --source modelscope
mrp model use qwen3-8b                                    what verbs take without --model
HF_ENDPOINT=https://mirror.example mrp model pull …       or --endpoint, or MRP_HUB
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from hub import found
from hub.catalogue import Entry, GiB, catalogue
from hub.choice import ask_in_terminal, choose, default_model, hub_for, pulled, use
from hub.error import HubError
from hub.machine import best_first, machine_memory
from hub.pull import Pulled, pull
from hub.sources import SOURCES, Source, without_progress

_HEADINGS = ("name", "GB", "fits", "languages", "licence", "what", "here")


def _row(entry: Entry, memory: int, known: Mapping[str, Entry]) -> tuple[str, ...]:
    sized = known[entry.of] if entry.use == "voice" else entry
    fits = "yes" if sized.memory() <= memory else f"needs {sized.memory() / GiB:.1f} GiB"
    here = "yes" if entry.use == "voice" or pulled(entry) else ""
    return (
        entry.name,
        f"{entry.bytes / 1e9:.1f}",
        fits if entry.use in ("talk", "voice") else "",
        entry.languages,
        entry.licence + (" (asks for a login)" if entry.token else ""),
        entry.what,
        here,
    )


def _table(title: str, rows: Sequence[tuple[str, ...]], headings: Sequence[str]) -> Table:
    table = Table(box=None, title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading, justify="right" if heading == "GB" else "left")
    for row in rows:
        table.add_row(*row)
    return table


def _list(chosen: argparse.Namespace, known: Mapping[str, Entry]) -> None:
    memory, where = machine_memory()
    if chosen.memory:
        memory, where = _bytes(chosen.memory), "as asked"
    console = Console(width=None if os.isatty(1) else 240)
    talk = best_first([one for one in known.values() if one.use == "talk"], memory)
    voices = [one for one in known.values() if one.use == "voice"]
    shown = [_row(one, memory, known) for one in (*voices, *talk)]
    console.print(_table(f"To talk with, in {memory / GiB:.1f} GiB ({where})", shown, _HEADINGS))
    here = list(found.files())
    if chosen.all:
        rest = [one for one in known.values() if one.use in ("base", "search")]
        shown = [_row(one, memory, known) for one in rest]
        console.print(_table("Bases to train, and models to search with", shown, _HEADINGS))
    if here:
        rows = [(one.name, f"{one.bytes / 1e9:.1f}", one.program) for one in here]
        console.print(_table("On this machine already", rows, ("name", "GB", "of")))
    console.print(f"without --model: {default_model() or 'the shipped model'}")
    if chosen.json:
        told = {
            "models": [asdict(entry) for entry in known.values()],
            "found": [asdict(one) | {"path": str(one.path)} for one in here],
            "default": default_model(),
            "memory": memory,
        }
        print(json.dumps(told, ensure_ascii=False))


def _bytes(text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(?:G|GB|GiB)?", text, re.IGNORECASE)
    if not match:
        raise HubError(f"--memory {text}: write it as 8GiB")
    return int(float(match[1]) * GiB)


def _pull(chosen: argparse.Namespace, known: Mapping[str, Entry]) -> None:
    if not sys.stderr.isatty():
        without_progress()
    entry = known.get(chosen.name)
    if entry and entry.use == "voice":  # it comes with the project; its base does not
        print(f"{chosen.name}: a voice for {entry.of}, which is fetched", file=sys.stderr)
        chosen.name, entry = entry.of, known[entry.of]
    if entry:
        print(f"{chosen.name}: {entry.licence}", file=sys.stderr)
    source: Source
    if chosen.source or chosen.endpoint:
        source = SOURCES[chosen.source or "huggingface"](chosen.endpoint)
    else:
        source = hub_for(entry=entry)
    folder = chosen.to or found.models_folder()
    done = pull(
        chosen.name,
        folder / chosen.name.rsplit("/", 1)[-1],
        source,
        revision=chosen.revision,
        patterns=chosen.file,
        known=known,
        unverified=chosen.unverified,
    )
    print(json.dumps(asdict(done), ensure_ascii=False) if chosen.json else _told(done))


def _told(done: Pulled) -> str:
    total = sum(file.bytes for file in done.files)
    return (
        f"{done.folder}: {len(done.files)} files, {total / 1e9:.2f} GB, "
        f"{len(done.fetched)} fetched, revision {done.revision[:12]}"
    )


def _use(chosen: argparse.Namespace) -> None:
    name = "" if chosen.name in ("shipped", "none") else chosen.name
    if name:
        name = str(choose(name, ask=ask_in_terminal(chosen.yes)).name)
        if Path(name).expanduser().exists():
            name = str(Path(name).expanduser().resolve())
    use(name)
    print(f"without --model: {name or 'the shipped model'}")


def main(argv: list[str]) -> int:
    """The verb. Returns 0; what is wrong is raised as HubError."""
    parser = argparse.ArgumentParser(prog="mrp model", description=(__doc__ or "").split("\n")[0])
    actions = parser.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="what is known, and what is here")
    listing.add_argument("--all", action="store_true", help="bases and search models too")
    listing.add_argument("--memory", metavar="8GiB", help="of the card to choose for")
    pulling = actions.add_parser("pull", help="fetch one")
    pulling.add_argument("name", metavar="NAME", help="of the catalogue, or owner/name")
    pulling.add_argument("--source", choices=SOURCES, help="default: MRP_HUB, or what answers")
    pulling.add_argument("--endpoint", metavar="URL", help="a mirror (default: HF_ENDPOINT)")
    pulling.add_argument("--revision", metavar="COMMIT", help="default: the newest")
    pulling.add_argument(
        "--file", action="append", default=[], metavar="PATTERN", help="only these files"
    )
    pulling.add_argument(
        "--unverified", action="store_true", help="take files of which nobody states a checksum"
    )
    pulling.add_argument(
        "--to", type=Path, metavar="FOLDER", help="default: MRP_MODELS, or the data folder"
    )
    using = actions.add_parser("use", help="what verbs take without --model")
    using.add_argument("name", metavar="NAME", help="as for --model; 'shipped' for the one here")
    using.add_argument("--yes", action="store_true", help="fetch it without a question")
    for action in (listing, pulling):
        action.add_argument("--json", action="store_true", help="one JSON object as the last line")
    chosen = parser.parse_args(argv)
    if chosen.action == "list":
        _list(chosen, catalogue())
    elif chosen.action == "pull":
        _pull(chosen, catalogue())
    else:
        _use(chosen)
    return 0
