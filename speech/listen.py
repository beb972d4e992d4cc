"""`mrp hear`: what is said in a sound file, as a bot with the same `--hearing` would hear it.

mrp hear note.ogg --hearing sensevoice
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from speech.error import SpeechError
from speech.hearer import MOST_BYTES, Heard, Hearer
from speech.settings import add_options, open_hearer


def main(argv: list[str]) -> int:
    """Print the words. Returns the exit status.

    Raises:
        SpeechError, HubError: one sentence each.
    """
    parser = argparse.ArgumentParser(prog="mrp hear", description="What is said in a sound file.")
    parser.add_argument("file", type=Path, help="OGG, WAV, FLAC or MP3, of a minute at most")
    add_options(parser)
    options = parser.parse_args(argv)
    hearer = open_hearer(options.hearing)
    if hearer is None:
        raise SpeechError(
            "没有装听写：--hearing sensevoice",
            "nothing hears here: name a model or an address with --hearing (docs/voice.md)",
        )
    try:
        with options.file.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as problem:
        raise SpeechError(
            f"{options.file} 读不了。", f"{options.file} cannot be read: {problem.strerror}"
        ) from problem
    heard = asyncio.run(_heard(hearer, data))
    print(heard.text)
    return 0


async def _heard(hearer: Hearer, data: bytes) -> Heard:
    try:
        return await hearer.hear(data)
    finally:
        await hearer.close()
