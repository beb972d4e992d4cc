"""How well the characters are understood: a recogniser hears what they say.

    python -m benchmarks.understood --hearing FOLDER                  espeak-ng, both languages
    python -m benchmarks.understood --hearing FOLDER --speech kokoro --language en --lines 5

Each character says its first greeting and lines in its own voice, and the recogniser writes down
what it hears. English: the word error rate. Chinese: the error rate of characters, and of pinyin
syllables without tones, since homophones are no fault of the voice. Insertions count, so a rate can
be over 1. A recogniser mishears people, too: a rate is an upper bound of what a listener misses,
and good for comparing voices. The last line is JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
from collections.abc import Sequence
from pathlib import Path

from characters.card import CAST_FOLDER, Character, Language, load_cast
from speech import model, pinyin
from speech.error import SpeechError
from speech.hearer import Hearer, nothing_heard
from speech.reading import sentences
from speech.settings import add_options, open_hearer, open_speaker
from speech.speaker import Speaker

LANGUAGES: tuple[Language, ...] = ("en", "zh")


def distance(one: Sequence[str], other: Sequence[str]) -> int:
    """The fewest insertions, deletions and replacements that make one of the other."""
    row = list(range(len(other) + 1))
    for number, left in enumerate(one, 1):
        before, row[0] = row[0], number
        for at, right in enumerate(other, 1):
            before, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, before + (left != right))
    return row[-1]


def words(text: str) -> list[str]:
    """Lower-case English words."""
    return re.findall(r"[a-z0-9]+(?:'[a-z]+)?", text.lower().replace("’", "'"))


def characters(text: str) -> list[str]:
    """Chinese characters, letters and digits, without marks."""
    return [c for c in text if c.isalnum()]


def toneless(text: str) -> list[str]:
    """Pinyin syllables without tones; other words as they are."""
    return re.findall(r"[a-z]+", pinyin.syllables(text).lower())


async def heard(hearer: Hearer, data: bytes) -> str:
    """What the recogniser hears; "" for nothing.

    Raises:
        SpeechError: it cannot hear, which is no fault of the voice.
    """
    try:
        return (await hearer.hear(data)).text
    except SpeechError as problem:
        if problem.en != nothing_heard().en:
            raise
        return ""


async def measure(
    speaker: Speaker, hearer: Hearer, cast: Sequence[Character], language: Language, lines: int
) -> dict[str, object]:
    """Print what was said and heard, line by line, and the rates of each character."""
    units = (
        {"words": words} if language == "en" else {"characters": characters, "syllables": toneless}
    )
    whole = {name: [0, 0] for name in units}
    table = {}
    for one in cast:
        own = {name: [0, 0] for name in units}
        for text in (*one.greeting[language], *one.lines[language])[:lines]:
            sound = await speaker.say(text, one.voice)
            got = await heard(hearer, sound.ogg)
            print(f"{one.id}: {text}\n    -> {got}", flush=True)
            said = "".join(sentences(text)) if language == "zh" else " ".join(sentences(text))
            for name, split in units.items():
                wrong, all_of_them = distance(split(said), split(got)), len(split(said))
                for counted in (own[name], whole[name]):
                    counted[0] += wrong
                    counted[1] += all_of_them
        table[one.id] = {name: round(bad / n, 3) for name, (bad, n) in own.items()}
    total = {name: round(bad / n, 3) for name, (bad, n) in whole.items()}
    return {"total": total, "by character": table}


async def run(options: argparse.Namespace) -> dict[str, object]:
    """All languages that were asked for."""
    speaker, hearer = open_speaker(options.speech), open_hearer(options.hearing)
    if speaker is None or hearer is None:
        raise SystemExit("name what speaks and what hears: --speech espeak --hearing FOLDER")
    cast = list(load_cast(options.cast))
    found: dict[str, object] = {"speech": speaker.backend.name, "hearing": options.hearing}
    try:
        for language in LANGUAGES:
            if options.language in (language, ""):
                result = await measure(speaker, hearer, cast, language, options.lines)
                found[language] = result
    finally:
        await speaker.close()
        await hearer.close()
    found["hearing"] = Path(options.hearing).name
    return found


def main() -> int:
    """Say, hear, count, print."""
    model.TIMEOUT = 900.0  # a busy machine is no fault of the voice either
    parser = argparse.ArgumentParser(description="How well the characters are understood.")
    parser.add_argument("--cast", type=Path, default=CAST_FOLDER, metavar="FOLDER")
    parser.add_argument("--language", default="", choices=("", *LANGUAGES))
    parser.add_argument("--lines", type=int, default=3, help="of each character (3)")
    add_options(parser)
    print(json.dumps(asyncio.run(run(parser.parse_args())), ensure_ascii=False))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
