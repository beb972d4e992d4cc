"""`mrp bench`: the engine against its baselines, on the same scenes, in the same run.

    mrp bench --shape 0.5b --scenes 4 --turns 8
    mrp bench --model models/xiyou-mini.gguf --scenes 8 --turns 20 --tail 300 --json
    mrp bench --shape 0.5b --scenes 4 --llama-server PATH

Scenes go on at the same time. In each, a human speaks and the next of the characters answers, turn
after turn; what is said is noise, so every reply has the same length for all contenders.

    mrp             this engine, the shared-transcript prompt
    naive           one llama_cpp.Llama behind a lock, the speaker's card swapped in at the top
    shared          the same Llama with the shared-transcript prompt
    server-swapped  llama-server with as many slots as scenes, cards swapped
    server-shared   llama-server with the shared-transcript prompt
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from engine.contenders import Lock, Ours, Server
from engine.llama import LlamaEngine
from engine.processors import processors
from engine.shapes import SHAPES, cached
from engine.workload import Contender, Measured, Play, play_all, play_arrival, quantile

__all__ = ["main", "quantile"]

FLASH = {"auto": None, "on": True, "off": False}


def table(reports: dict[str, dict[str, float | None]], title: str) -> Table:
    """For people: a row a contender."""
    out = Table(title=title)
    out.add_column("")
    names = [name for name in next(iter(reports.values())) if name not in ("evaluated", "new")]
    for name in names:
        out.add_column(name.replace("_", " "), justify="right")
    for contender, report in reports.items():
        cells = ("–" if report[name] is None else f"{report[name]:g}" for name in names)
        out.add_row(contender, *cells)
    return out


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="mrp bench", description=__doc__.split("\n")[0])
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--shape", choices=sorted(SHAPES), default="0.5b", help="random weights")
    which.add_argument("--model", metavar="NAME", help="a real model instead: a name, or a GGUF")
    parser.add_argument("--voice", type=Path, metavar="FILE", help="a LoRA adapter on it, for mrp")
    parser.add_argument("--scenes", type=int, default=4, help="at the same time (4)")
    parser.add_argument("--turns", type=int, default=8, help="replies a scene (8)")
    parser.add_argument("--characters", type=int, default=4, help="a scene (4)")
    parser.add_argument("--reply", type=int, default=48, help="tokens a reply (48)")
    parser.add_argument("--tail", type=int, default=0, help="tokens read for one reply (0)")
    parser.add_argument(
        "--arrival",
        type=int,
        default=0,
        metavar="TOKENS",
        help="instead: a prompt of so many tokens arrives amid long replies",
    )
    parser.add_argument(
        "--only",
        default="mrp,naive,shared,server-swapped,server-shared",
        help="contenders, with commas between",
    )
    parser.add_argument("--llama-server", metavar="PATH", help="also against this binary")
    parser.add_argument("--threads", type=int, default=processors(), help="of the processor")
    parser.add_argument(
        "--stretch",
        type=float,
        default=2.5,
        help="how long a step with a prompt may be, of one without (2.5)",
    )
    parser.add_argument("--flash", choices=sorted(FLASH), default="auto", help="flash attention")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    return parser.parse_args(argv)  # fmt: skip


def main(argv: list[str], model_file: Callable[[str], Path] = Path) -> int:
    """Run the contenders one after the other and print what was measured.

    `model_file` finds the file of a model's name.
    """
    given = arguments(argv)
    path = model_file(given.model) if given.model else cached(given.shape)
    vocabulary = vocabulary_of(path)
    play = Play(
        given.scenes,
        given.turns,
        given.characters,
        given.reply,
        given.tail,
        vocabulary,
        given.arrival,
    )

    def contender(name: str) -> Contender | None:
        match name:
            case "mrp":
                return Ours(
                    path,
                    play,
                    threads=given.threads,
                    stretch=given.stretch,
                    flash=FLASH[given.flash],
                    adapter=given.voice,
                )
            case "naive" | "shared":
                return Lock(path, play, given.threads, swapped=name == "naive")
            case "server-swapped" | "server-shared" if given.llama_server:
                swapped = name == "server-swapped"
                return Server(given.llama_server, path, play, given.threads, swapped)
        return None

    async def run(name: str) -> Measured | None:
        one = contender(name)
        if one is None:
            return None
        return await (play_arrival if play.arrival else play_all)(play, one)

    reports: dict[str, dict[str, float | None]] = {}
    for name in given.only.split(","):
        with Console(stderr=True).status(f"{name} plays …"):
            measured = asyncio.run(run(name))
        if measured is not None:
            reports[name] = measured.report(play)
    if not reports:
        print("mrp bench: no such contender", file=sys.stderr)
        return 2
    title = f"{path.stem}: {play.scenes} scenes × {play.turns} turns, tail {play.tail}"
    Console(width=150).print(table(reports, title))
    if given.json:
        print(json.dumps({"model": path.name, "play": asdict(play), "contenders": reports}))
    return 0


def vocabulary_of(path: Path) -> int:
    """The number of token ids of a model."""
    engine = LlamaEngine.open(path, context=256, replies=1)
    try:
        return engine.vocabulary
    finally:
        asyncio.run(engine.close())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
