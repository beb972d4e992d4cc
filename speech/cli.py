"""`mrp say`: a character says a text into a sound file.

mrp say wukong 老孙来也 -o wukong.ogg
mrp say pigsy "Time for supper!" -o supper.ogg --speech kokoro
echo 阿弥陀佛 | mrp say tangseng - -o tang.ogg
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from characters.card import CAST_FOLDER, load_cast
from characters.voices import Voice
from speech.error import SpeechError
from speech.settings import add_options, open_speaker, why_silent
from speech.sound import Sound
from speech.speaker import Speaker

MOST_READ = 1 << 20  # characters of standard input


def main(argv: list[str]) -> int:
    """Write the note. Returns the exit status.

    Raises:
        CardError, UnknownCharacter, SpeechError, HubError: one sentence each.
    """
    parser = argparse.ArgumentParser(
        prog="mrp say", description="A character says a text, as an OGG/Opus file."
    )
    parser.add_argument("character", help="name or alias of a character")
    parser.add_argument("text", nargs="+", help="what to say; - reads it from standard input")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="(default: ID.ogg)")
    parser.add_argument("--cast", type=Path, default=CAST_FOLDER, metavar="FOLDER")
    add_options(parser)
    options = parser.parse_args(argv)
    character = load_cast(options.cast).find(options.character)
    text = " ".join(options.text)
    if text == "-":
        text = sys.stdin.read(MOST_READ)
    speaker = open_speaker(options.speech, cards=options.cast)
    if speaker is None:
        why = why_silent(options.speech) or "--speech is off"
        raise SpeechError(f"不能出声：{why}", why)
    sound = asyncio.run(_said(speaker, text, character.voice))
    file = options.output or Path(f"{character.id}.ogg")
    _write(file, sound.ogg)
    left_out = "" if sound.whole else "; the end of the text was left out"
    print(f"{file}: {sound.seconds:.1f} s, {len(sound.ogg) / 1000:.1f} kB{left_out}")
    return 0


async def _said(speaker: Speaker, text: str, voice: Voice) -> Sound:
    try:
        return await speaker.say(text, voice)
    finally:
        await speaker.close()


def _write(file: Path, data: bytes) -> None:
    partial = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        partial.write_bytes(data)
        os.replace(partial, file)
    except OSError as problem:
        partial.unlink(missing_ok=True)
        raise SpeechError(
            f"{file} 写不了。", f"{file} cannot be written: {problem.strerror}"
        ) from problem
