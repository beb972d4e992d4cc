"""Headers of a tiny GGUF with one number changed, opened in child processes: none may abort.

    python tests/engine/fuzz.py [SEED] [COUNT]

Prints what became of each way, and every mutation that killed its process. Values of the
architecture get the numbers that no model has; the rest of the header gets random bytes.
"""

from __future__ import annotations

import collections
import math
import random
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from engine.header import read_header
from engine.shapes import SHAPES, write

OPENERS = {
    "chat": (
        "import asyncio, sys; from engine.llama import LlamaEngine; from engine.sequence import *\n"
        "from pathlib import Path\n"
        "async def read(path):\n"
        "    engine = LlamaEngine.open(path, context=64, replies=1, threads=1)\n"
        "    reply = engine.stream(engine.encode('hello'), Sampling(max_tokens=2))\n"
        "    [piece async for piece in reply]\n"
        "    await engine.close()\n"
        "one = lambda path: asyncio.run(read(path))\n"
    ),
    "embedding": (
        "import sys; from engine.embedding import open_embedder; from engine.sequence import *\n"
        "from pathlib import Path\n"
        "one = lambda path: open_embedder(path)(['hello'])\n"
    ),
}
# Opens many files one after the other; a line a file, so that the parent sees where it died.
RUN = (
    "import faulthandler\n"
    "for path in map(Path, sys.argv[1:]):\n"
    "    print('open', path.name, flush=True)\n"
    "    try: one(path); print('well', flush=True)\n"
    "    except EngineError as e: print('refused', str(e).replace(str(path), ''), flush=True)\n"
)
INTEGERS = (0, 1, 2, 3, 7, 63, 511, 513, 100_000, 2**31 - 1, 2**31, 2**32 - 1)
FLOATS = (math.nan, math.inf, -math.inf, 0.0, -1.0, -1e30, 1e-45, 3e38, 1.0, 1e10)


def mutations(path: Path, chance: random.Random, count: int) -> list[tuple[str, bytes]]:
    """(what was changed, the whole file), `count` of them."""
    data = path.read_bytes()
    header = read_header(path)
    made: list[tuple[str, bytes]] = []
    for key, value in header.values.items():
        if not key.startswith(header.architecture + ".") or not isinstance(value, int | float):
            continue
        at = data.index(struct.pack("<Q", len(key)) + key.encode()) + 8 + len(key) + 4
        form, others = ("<f", FLOATS) if isinstance(value, float) else ("<I", INTEGERS)
        for other in others:
            changed = data[:at] + struct.pack(form, other) + data[at + 4 :]
            made.append((f"{key}={other}", changed))
    while len(made) < count:
        at = chance.randrange(8, header.size)
        width = chance.choice((1, 1, 4, 8))
        new = chance.choice((chance.randbytes(width), bytes(width), b"\xff" * width))
        made.append((f"byte {at}: {new.hex()}", data[:at] + new + data[at + width :]))
    chance.shuffle(made)
    return made[:count]


def run(opener: str, files: dict[Path, str]) -> tuple[collections.Counter[str], list[str]]:
    """What became of the files; and those that ended the process."""
    outcome: collections.Counter[str] = collections.Counter()
    deaths: list[str] = []
    left = list(files)
    while left:
        command = [sys.executable, "-c", OPENERS[opener] + RUN, *map(str, left)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)
        lines = done.stdout.splitlines()
        opened = [line.split(" ", 1)[1] for line in lines if line.startswith("open ")]
        outcome["well"] += lines.count("well")
        outcome["refused"] += sum(line.startswith("refused") for line in lines)
        if done.returncode == 0:
            break
        tail = done.stderr.strip().splitlines()[-1:]
        died = next((path for path in left if opened and path.name == opened[-1]), left[0])
        deaths.append(f"{opener}: {files[died]} (status {done.returncode}) {tail}")
        left = left[left.index(died) + 1 :]
    return outcome, deaths


def fuzz(folder: Path, seed: int, count: int) -> tuple[collections.Counter[str], list[str]]:
    """Both openers on `count` mutations; the outcome, and what ended a process."""
    base = folder / "base.gguf"
    write(base, SHAPES["tiny"])
    files = {}
    for number, (what, data) in enumerate(mutations(base, random.Random(seed), count)):
        path = folder / f"{number}.gguf"
        path.write_bytes(data)
        files[path] = what
    outcome: collections.Counter[str] = collections.Counter()
    deaths: list[str] = []
    for opener in OPENERS:
        found, died = run(opener, files)
        outcome += found
        deaths += died
    return outcome, deaths


if __name__ == "__main__":
    arguments = [int(word) for word in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as folder:
        seed, count = (*arguments, *(1, 400)[len(arguments) :])
        found, died = fuzz(Path(folder), seed, count)
    print(dict(found), len(died), "deaths")
    print("\n".join(died))
    sys.exit(bool(died))
